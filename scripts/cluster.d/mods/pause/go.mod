module fljob.internal/cluster/pause

go 1.21
