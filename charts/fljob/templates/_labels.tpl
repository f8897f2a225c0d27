{{/* Labels of every object: the launcher's, and Kubernetes' recommended ones. */}}
{{- define "fljob.labels" -}}
{{- $own := dict
  "app.kubernetes.io/name" .Chart.Name
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/managed-by" .Release.Service
  "app.kubernetes.io/component" (printf "%s-job" .Values.job.role)
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version)
-}}
{{ toYaml (mergeOverwrite $own .Values.labels) }}
{{- end -}}

{{/* Labels of the pod: a pod template may add its own and replace the recommended ones. */}}
{{- define "fljob.podLabels" -}}
{{ toYaml (mergeOverwrite (include "fljob.labels" . | fromYaml) .Values.pod.labels .Values.labels) }}
{{- end -}}

{{/* Annotations of the pod: the verbatim names, which labels cannot hold. */}}
{{- define "fljob.podAnnotations" -}}
{{- $own := dict
  "kubectl.kubernetes.io/default-container" .Values.container.name
  "fljob.internal/job-id" .Values.job.id
  "fljob.internal/site" .Values.job.site
-}}
{{- if .Values.job.study }}{{ $_ := set $own "fljob.internal/study" .Values.job.study }}{{ end -}}
{{ toYaml (mergeOverwrite (deepCopy .Values.pod.annotations) $own) }}
{{- end -}}
