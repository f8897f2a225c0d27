{{/* Where the startup kit is mounted: FLARE looks for it below the workspace. */}}
{{- define "fljob.startupPath" -}}
{{ printf "%s/startup" (trimSuffix "/" .Values.workspace.mountPath) }}
{{- end -}}

{{/* Names of the volumes this chart owns, as a JSON list under the key "names". */}}
{{- define "fljob.ownedVolumes" -}}
{{- $names := list "workspace-job" -}}
{{- if .Values.startupKit.secretName }}{{ $names = append $names "startup-kit" }}{{ end -}}
{{- $names = concat $names (keys .Values.datasets | sortAlpha) (keys .Values.secretMounts | sortAlpha) -}}
{{ dict "names" $names | toJson }}
{{- end -}}

{{/* Refuse two volumes of one name: the API server would, but without saying which key to change. */}}
{{- define "fljob.refuseCollisions" -}}
{{- $owned := (include "fljob.ownedVolumes" . | fromJson).names -}}
{{- if ne (len $owned) (len (uniq $owned)) -}}
{{- fail (printf "datasets, secretMounts: two volumes have the same name, one of %s: rename one" (join ", " $owned)) -}}
{{- end -}}
{{- range .Values.extra.volumes -}}
{{- if has .name $owned -}}
{{- fail (printf "extra.volumes: the name %q belongs to a volume of this chart: rename it in the pod template" .name) -}}
{{- end -}}
{{- end -}}
{{- range $where, $map := dict "pod.labels" .Values.pod.labels "pod.annotations" .Values.pod.annotations -}}
{{- range $key, $_ := $map -}}
{{- if and (hasPrefix "fljob.internal/" $key) (ne $key "fljob.internal/pending-timeout") -}}
{{- fail (printf "%s: %q is reserved for the launcher: take it out" $where $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
