{{/* Labels of every object: Kubernetes' recommended ones, and the launcher's, which win. */}}
{{- define "fljob.labels" -}}
{{- include "fljob.layered" (list (include "fljob.ownLabels" . | fromYaml) .Values.labels) -}}
{{- end -}}

{{/* Labels of the pod: a pod template may add its own and replace the recommended ones. */}}
{{- define "fljob.podLabels" -}}
{{- include "fljob.layered" (list (include "fljob.ownLabels" . | fromYaml) .Values.pod.labels .Values.labels) -}}
{{- end -}}

{{/* What autoscalers look for: the first is of the cluster autoscaler, the second of Karpenter. */}}
{{- define "fljob.marks" -}}
cluster-autoscaler.kubernetes.io/safe-to-evict: "false"
karpenter.sh/do-not-disrupt: "true"
{{- end -}}

{{/* Annotations of the pod: the names verbatim, which no label can hold. */}}
{{- define "fljob.podAnnotations" -}}
{{- $annotations := deepCopy .Values.pod.annotations -}}
{{- if .Values.disruption.marks -}}
{{- range $key, $value := include "fljob.marks" . | fromYaml -}}
{{- if not (hasKey $annotations $key) }}{{ $_ := set $annotations $key $value }}{{ end -}}
{{- end -}}
{{- end -}}
{{- $_ := set $annotations "kubectl.kubernetes.io/default-container" .Values.container.name -}}
{{- $_ := set $annotations "fljob.internal/job-id" .Values.job.id -}}
{{- $_ := set $annotations "fljob.internal/site" .Values.job.site -}}
{{- with .Values.job.study }}{{ $_ := set $annotations "fljob.internal/study" . }}{{ end -}}
{{- range $key, $value := $annotations }}
{{ $key | quote }}: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- define "fljob.ownLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
app.kubernetes.io/component: {{ .Values.job.role }}-job
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- end -}}

{{/* Flat maps laid over each other, the last one wins, empty text included (mergeOverwrite keeps what it would empty). */}}
{{- define "fljob.layered" -}}
{{- $result := dict -}}
{{- range . }}{{ range $key, $value := . }}{{ $_ := set $result $key $value }}{{ end }}{{ end -}}
{{- include "fljob.yaml" $result -}}
{{- end -}}
