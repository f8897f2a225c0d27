{{/* Set what is not set: (list TARGET DEFAULTS). `merge` and `default` take false, 0 and "" for not set. */}}
{{- define "fljob.setDefaults" -}}
{{- $target := first . -}}
{{- range $key, $value := last . -}}
{{- if not (hasKey $target $key) }}{{ $_ := set $target $key $value }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* Fields of the PodSpec that are no value of their own: pod.spec, and hardening where it says nothing. */}}
{{- define "fljob.podSpec" -}}
{{- $spec := deepCopy .Values.pod.spec -}}
{{- /* A FLARE job is PID 1 and handles no SIGTERM: waiting longer only delays its end. */ -}}
{{- $defaults := dict "terminationGracePeriodSeconds" 1 "securityContext" dict -}}
{{- /* Whoever names an account wants its token. serviceAccount is the field's old name, still accepted. */ -}}
{{- if not (or $spec.serviceAccountName $spec.serviceAccount) -}}
{{- $_ := set $defaults "automountServiceAccountToken" false -}}
{{- end -}}
{{- $security := dict "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{- if eq .Values.podSecurity "restricted" }}{{ $_ := set $security "runAsNonRoot" true }}{{ end -}}
{{- include "fljob.setDefaults" (list $spec $defaults) -}}
{{- include "fljob.setDefaults" (list $spec.securityContext $security) -}}
{{- include "fljob.yaml" $spec -}}
{{- end -}}

{{/* Fields of the job container that are no value of their own: container.spec, and defaults where it says nothing. */}}
{{- define "fljob.containerSpec" -}}
{{- $spec := deepCopy .Values.container.spec -}}
{{- /* A FLARE job searches its working directory, all the way down: an image's default is often "/". */ -}}
{{- include "fljob.setDefaults" (list $spec (dict "workingDir" .Values.workspace.mountPath "securityContext" dict)) -}}
{{- $context := $spec.securityContext -}}
{{- $added := dig "capabilities" "add" list $context -}}
{{- /* The API server refuses allowPrivilegeEscalation: false beside privileged: true or SYS_ADMIN. */ -}}
{{- if not (or $context.privileged (has "SYS_ADMIN" $added) (has "CAP_SYS_ADMIN" $added)) -}}
{{- include "fljob.setDefaults" (list $context (dict "allowPrivilegeEscalation" false)) -}}
{{- end -}}
{{- if eq .Values.podSecurity "restricted" -}}
{{- include "fljob.setDefaults" (list $context (dict "capabilities" dict)) -}}
{{- include "fljob.setDefaults" (list $context.capabilities (dict "drop" (list "ALL"))) -}}
{{- end -}}
{{- if not $context }}{{ $_ := unset $spec "securityContext" }}{{ end -}}
{{- include "fljob.yaml" $spec -}}
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
  emptyDir:
    sizeLimit: {{ .Values.workspace.sizeLimit | quote }}
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
