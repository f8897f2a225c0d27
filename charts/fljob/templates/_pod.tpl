{{/*
PodSpec fields besides containers and volumes: what the values say, and hardening where they say nothing.
`merge` and `default` read false and 0 as "not set", so every test here is hasKey.
*/}}
{{- define "fljob.podFields" -}}
{{- $spec := deepCopy .Values.pod.spec -}}
{{- $_ := set $spec "restartPolicy" "Never" -}}
{{- if not (or (hasKey $spec "automountServiceAccountToken") (hasKey $spec "serviceAccountName")) -}}
{{- $_ := set $spec "automountServiceAccountToken" false -}}
{{- end -}}
{{- /* A FLARE job is PID 1 without a SIGTERM handler: a longer grace period only delays its end. */ -}}
{{- if not (hasKey $spec "terminationGracePeriodSeconds") -}}
{{- $_ := set $spec "terminationGracePeriodSeconds" 1 -}}
{{- end -}}
{{- $context := deepCopy (get $spec "securityContext" | default dict) -}}
{{- if not (hasKey $context "seccompProfile") -}}
{{- $_ := set $context "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{- end -}}
{{- if and (eq .Values.podSecurity "restricted") (not (hasKey $context "runAsNonRoot")) -}}
{{- $_ := set $context "runAsNonRoot" true -}}
{{- end -}}
{{- $_ := set $spec "securityContext" $context -}}
{{- with .Values.imagePullSecrets }}{{ $_ := set $spec "imagePullSecrets" . }}{{ end -}}
{{- with .Values.extra.initContainers }}{{ $_ := set $spec "initContainers" . }}{{ end -}}
{{ toYaml $spec }}
{{- end -}}

{{/* securityContext of the job container. The API refuses allowPrivilegeEscalation: false beside privileged or SYS_ADMIN. */}}
{{- define "fljob.containerSecurity" -}}
{{- $context := deepCopy (get .Values.container.spec "securityContext" | default dict) -}}
{{- $caps := deepCopy (get $context "capabilities" | default dict) -}}
{{- $added := get $caps "add" | default list -}}
{{- $admin := or (has "SYS_ADMIN" $added) (has "CAP_SYS_ADMIN" $added) -}}
{{- if not (or (hasKey $context "allowPrivilegeEscalation") (get $context "privileged") $admin) -}}
{{- $_ := set $context "allowPrivilegeEscalation" false -}}
{{- end -}}
{{- if and (eq .Values.podSecurity "restricted") (not (hasKey $caps "drop")) -}}
{{- $_ := set $caps "drop" (list "ALL") -}}
{{- $_ := set $context "capabilities" $caps -}}
{{- end -}}
{{ toYaml $context }}
{{- end -}}

{{/* The job container. */}}
{{- define "fljob.container" -}}
{{- $container := deepCopy .Values.container.spec -}}
{{- $_ := set $container "name" .Values.container.name -}}
{{- $_ := set $container "image" .Values.image.reference -}}
{{- $_ := set $container "imagePullPolicy" .Values.image.pullPolicy -}}
{{- $_ := set $container "command" .Values.command -}}
{{- with .Values.args }}{{ $_ := set $container "args" . }}{{ end -}}
{{- with .Values.env }}{{ $_ := set $container "env" . }}{{ end -}}
{{- /* FLARE walks its working directory for comm_config.json before it knows its workspace. */ -}}
{{- if not (hasKey $container "workingDir") }}{{ $_ := set $container "workingDir" .Values.workspace.mountPath }}{{ end -}}
{{- $resources := dict -}}
{{- range $kind, $amounts := .Values.resources }}{{ with $amounts }}{{ $_ := set $resources $kind . }}{{ end }}{{ end -}}
{{- with $resources }}{{ $_ := set $container "resources" . }}{{ end -}}
{{- with include "fljob.containerSecurity" . | fromYaml }}{{ $_ := set $container "securityContext" . }}{{ end -}}
{{- $_ := set $container "volumeMounts" (include "fljob.mounts" . | fromJsonArray) -}}
{{ toYaml $container }}
{{- end -}}

{{- define "fljob.mounts" -}}
{{- $mounts := list (dict "name" "workspace-job" "mountPath" .Values.workspace.mountPath) -}}
{{- if .Values.startupKit.secretName -}}
{{- $mounts = append $mounts (dict "name" "startup-kit" "mountPath" (include "fljob.startupPath" .) "readOnly" true) -}}
{{- end -}}
{{- range $name, $set := .Values.datasets -}}
{{- $mounts = append $mounts (dict "name" $name "mountPath" $set.mountPath "readOnly" $set.readOnly) -}}
{{- end -}}
{{- range $name, $set := .Values.secretMounts -}}
{{- $mounts = append $mounts (dict "name" $name "mountPath" $set.mountPath "readOnly" true) -}}
{{- end -}}
{{ toJson (concat $mounts .Values.extra.volumeMounts) }}
{{- end -}}

{{- define "fljob.volumes" -}}
{{- $volumes := list (dict "name" "workspace-job" "emptyDir" (dict "sizeLimit" .Values.workspace.sizeLimit)) -}}
{{- with .Values.startupKit.secretName -}}
{{- $volumes = append $volumes (dict "name" "startup-kit" "secret" (dict "secretName" .)) -}}
{{- end -}}
{{- range $name, $set := .Values.datasets -}}
{{- $volumes = append $volumes (dict "name" $name "persistentVolumeClaim" (dict "claimName" $set.claimName)) -}}
{{- end -}}
{{- range $name, $set := .Values.secretMounts -}}
{{- $secret := dict "secretName" $set.secretName -}}
{{- if $set.items -}}
{{- $items := list -}}
{{- range $key, $path := $set.items }}{{ $items = append $items (dict "key" $key "path" $path) }}{{ end -}}
{{- $_ := set $secret "items" $items -}}
{{- end -}}
{{- $volumes = append $volumes (dict "name" $name "secret" $secret) -}}
{{- end -}}
{{ toYaml (concat $volumes .Values.extra.volumes) }}
{{- end -}}
