{{/* Of a map: set what is `auto` to a default where that applies, else leave it out: (list MAP KEY DEFAULT APPLIES). */}}
{{- define "fljob.auto" -}}
{{- $map := index . 0 -}}{{- $key := index . 1 -}}
{{- if eq (get $map $key | toString) "auto" -}}
{{- if index . 3 }}{{ $_ := set $map $key (index . 2) }}{{ else }}{{ $_ := unset $map $key }}{{ end -}}
{{- end -}}
{{- end -}}

{{/*
Take what is null out of a map, all the way down. Helm takes a null out of the values only where values.yaml has a
default; it leaves the others, as in `affinity: {nodeAffinity: null}`, which Kubernetes reads as not given.
*/}}
{{- define "fljob.prune" -}}
{{- if kindIs "map" . -}}
{{- range $key, $value := . -}}
{{- if kindIs "invalid" $value }}{{ $_ := unset $ $key }}{{ else }}{{ include "fljob.prune" $value }}{{ end -}}
{{- end -}}
{{- else if kindIs "slice" . -}}
{{- range . }}{{ include "fljob.prune" . }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* Take maps out that hold nothing any more: (list MAP KEY...). An empty seccompProfile is refused by the API server. */}}
{{- define "fljob.dropEmpty" -}}
{{- $map := first . -}}
{{- range rest . }}{{ if not (get $map .) }}{{ $_ := unset $map . }}{{ end }}{{ end -}}
{{- end -}}

{{/* Fields of the PodSpec that are no value of their own: pod.spec, without what is left out. */}}
{{- define "fljob.podSpec" -}}
{{- $spec := deepCopy (default dict .Values.pod.spec) -}}
{{- include "fljob.prune" $spec -}}
{{- /* Whoever names an account wants its token. serviceAccount is the field's old name, still accepted. */ -}}
{{- $named := or $spec.serviceAccountName $spec.serviceAccount -}}
{{- include "fljob.auto" (list $spec "automountServiceAccountToken" false (not $named)) -}}
{{- with $spec.securityContext -}}
{{- with .seccompProfile }}{{ include "fljob.auto" (list . "type" "RuntimeDefault" $.Values.podSecurity) }}{{ end -}}
{{- include "fljob.auto" (list . "runAsNonRoot" true (eq (toString $.Values.podSecurity) "restricted")) -}}
{{- include "fljob.dropEmpty" (list . "seccompProfile") -}}
{{- end -}}
{{- include "fljob.dropEmpty" (list $spec "securityContext") -}}
{{- if $spec }}{{ include "fljob.yaml" $spec }}{{ end -}}
{{- end -}}

{{/* Fields of the job container that are no value of their own: container.spec, without what is left out. */}}
{{- define "fljob.containerSpec" -}}
{{- $spec := deepCopy (default dict .Values.container.spec) -}}
{{- include "fljob.prune" $spec -}}
{{- include "fljob.auto" (list $spec "workingDir" .Values.workspace.mountPath true) -}}
{{- with $spec.securityContext -}}
{{- $added := dig "capabilities" "add" list . -}}
{{- /* The API server refuses allowPrivilegeEscalation: false beside privileged: true or SYS_ADMIN. */ -}}
{{- $escalates := or .privileged (has "SYS_ADMIN" $added) (has "CAP_SYS_ADMIN" $added) -}}
{{- include "fljob.auto" (list . "allowPrivilegeEscalation" false (and $.Values.podSecurity (not $escalates))) -}}
{{- with .capabilities -}}
{{- include "fljob.auto" (list . "drop" (list "ALL") (eq (toString $.Values.podSecurity) "restricted")) -}}
{{- end -}}
{{- include "fljob.dropEmpty" (list . "capabilities") -}}
{{- end -}}
{{- include "fljob.dropEmpty" (list $spec "securityContext") -}}
{{- if $spec }}{{ include "fljob.yaml" $spec }}{{ end -}}
{{- end -}}

{{/*
Text of a job is printed by quote, which escapes whatever a YAML parser would read as something else. Kubernetes'
objects are printed by this: toYaml prints nothing at all when it meets a character that YAML has no place for, and
mustToYaml, which says so, came with Helm 4.
*/}}
{{- define "fljob.yaml" -}}
{{- $text := toYaml . -}}
{{- if not $text }}{{ fail "a value holds a character that YAML has no place for, such as a control character" }}{{ end -}}
{{- $text -}}
{{- end -}}

{{- define "fljob.words" -}}
{{- range . }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "fljob.env" -}}
{{- range . }}
- name: {{ .name | quote }}
  {{- if hasKey . "value" }}
  value: {{ .value | quote }}
  {{- end }}
  {{- with .valueFrom }}
  valueFrom:
    {{- include "fljob.yaml" . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* What the job container sees, in the order of fljob.volumes. */}}
{{- define "fljob.volumeMounts" -}}
- name: workspace-job
  mountPath: {{ .Values.workspace.mountPath | quote }}
{{- if .Values.startupKit.secretName }}
- name: startup-kit
  mountPath: {{ include "fljob.startupPath" . | quote }}
  readOnly: true
{{- end }}
{{- range $name, $dataset := .Values.datasets }}
- name: {{ $name | quote }}
  mountPath: {{ $dataset.mountPath | quote }}
  readOnly: {{ $dataset.readOnly }}
{{- end }}
{{- range $name, $mount := .Values.secretMounts }}
- name: {{ $name | quote }}
  mountPath: {{ $mount.mountPath | quote }}
  readOnly: true
{{- end }}
{{- with .Values.extra.volumeMounts }}
{{ include "fljob.yaml" . }}
{{- end }}
{{- end -}}

{{- define "fljob.volumes" -}}
- name: workspace-job
  {{- if .Values.workspace.sizeLimit }}
  emptyDir:
    sizeLimit: {{ .Values.workspace.sizeLimit | quote }}
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- with .Values.startupKit.secretName }}
- name: startup-kit
  secret:
    secretName: {{ . | quote }}
{{- end }}
{{- /* Read-only is the mount, not the claim: FLARE's pods attach the claim for writing as well. */}}
{{- range $name, $dataset := .Values.datasets }}
- name: {{ $name | quote }}
  persistentVolumeClaim:
    claimName: {{ $dataset.claimName | quote }}
{{- end }}
{{- range $name, $mount := .Values.secretMounts }}
- name: {{ $name | quote }}
  secret:
    secretName: {{ $mount.secretName | quote }}
    {{- with $mount.items }}
    items:
      {{- range $key, $path := . }}
      - key: {{ $key | quote }}
        path: {{ $path | quote }}
      {{- end }}
    {{- end }}
{{- end }}
{{- with .Values.extra.volumes }}
{{ include "fljob.yaml" . }}
{{- end }}
{{- end -}}
