module fljob.internal/kubernetes-messages

go 1.21
