{{/*
Names and keys that belong to this chart, and their refusal elsewhere. The API server would refuse most of it as
well, but later, and naming the field of the pod instead of the value to change.
*/}}

{{/* What null left out of the values as a whole is empty, for the templates that look into it. */}}
{{- define "fljob.settle" -}}
{{- $maps := list "startupKit" "datasets" "secretMounts" "resources" "extra" "disruption" "networkPolicy" "test" -}}
{{- range $maps }}{{ $_ := set $.Values . (get $.Values . | default dict) }}{{ end -}}
{{- range list "labels" "annotations" "spec" }}{{ $_ := set $.Values.pod . (get $.Values.pod . | default dict) }}{{ end -}}
{{- $_ := set .Values.container "spec" (.Values.container.spec | default dict) -}}
{{- end -}}

{{- define "fljob.checks" -}}
{{- include "fljob.refuseUpgrade" . -}}
{{- include "fljob.refuseOwnedFields" . -}}
{{- include "fljob.refuseOwnedMetadata" . -}}
{{- include "fljob.refuseOtherLabels" . -}}
{{- include "fljob.refuseDuplicates" . -}}
{{- include "fljob.refuseRepeated" . -}}
{{- include "fljob.refuseUnknownClaims" . -}}
{{- include "fljob.refuseRestarts" . -}}
{{- end -}}

{{/*
Helm would patch the pod, which the API server refuses ("pod updates may not change fields"), or make it anew where it
is gone: the job would run twice.
*/}}
{{- define "fljob.refuseUpgrade" -}}
{{- if .Release.IsUpgrade -}}
{{- fail (printf "release %s: a job is never upgraded, it runs once with the values that it was installed with: install another release, or first `helm uninstall %s --namespace %s`" .Release.Name .Release.Name .Release.Namespace) -}}
{{- end -}}
{{- end -}}

{{/* Fields of the PodSpec and of the job container that have a value of their own, with that value. */}}
{{- define "fljob.ownedFields" -}}
pod.spec:
  containers: set the job container in container.spec, sidecars in extra.containers
  initContainers: move it to extra.initContainers
  volumes: move it to datasets, secretMounts or extra.volumes
  imagePullSecrets: move it to imagePullSecrets
  restartPolicy: take it out, the pod of a job is never restarted
container.spec:
  name: move it to container.name
  image: move it to image.reference
  imagePullPolicy: move it to image.pullPolicy
  command: move it to command
  args: move it to args
  env: move it to env
  volumeMounts: move it to datasets, secretMounts or extra.volumeMounts
  resources: move it to resources
  restartPolicy: take it out, the pod of a job is never restarted
  restartPolicyRules: take it out, the pod of a job is never restarted
{{- end -}}

{{- define "fljob.refuseOwnedFields" -}}
{{- $given := dict "pod.spec" .Values.pod.spec "container.spec" .Values.container.spec -}}
{{- range $where, $cures := include "fljob.ownedFields" . | fromYaml -}}
{{- range $field, $value := index $given $where -}}
{{- with index $cures $field -}}
{{- $shown := toJson $value -}}
{{- /* An environment may hold what no log should. */ -}}
{{- if has (kindOf $value) (list "map" "slice") }}{{ $shown = kindOf $value | replace "slice" "list" | printf "this %s" }}{{ end -}}
{{- fail (printf "%s.%s: %s belongs to the chart: %s" $where $field $shown .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The launcher reads its own keys back, so nobody else writes them. Two of them come as annotations. */}}
{{- define "fljob.refuseOwnedMetadata" -}}
{{- range $part := list "labels" "annotations" -}}
{{- range $key, $value := index $.Values.pod $part -}}
{{- if and (hasPrefix "fljob.internal/" $key) (not (has (print $part $key) (list "annotationsfljob.internal/pending-timeout" "annotationsfljob.internal/retention"))) -}}
{{- fail (printf "pod.%s[%q]: %q cannot be set, the key is the launcher's: take it out" $part $key $value) -}}
{{- end -}}
{{- /* A hook is no object of the release: Helm runs it at another time, or never. */ -}}
{{- if and (eq $part "annotations") (regexMatch "^([A-Za-z0-9-]+[.])*helm[.]sh/" $key) -}}
{{- fail (printf "pod.annotations[%q]: %q cannot be set, the key is Helm's: take it out" $key $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Labels select what job says. Where a label can hold the text, both are the same; the launcher shortens the rest and
puts a hash to it, which is not repeated here.
*/}}
{{- define "fljob.refuseOtherLabels" -}}
{{- range $key, $label := dict "id" "job-id" "site" "site" "role" "role" -}}
{{- $label = print "fljob.internal/" $label -}}
{{- $text := get $.Values.job $key -}}{{- $given := get $.Values.labels $label -}}
{{- if and (regexMatch "^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$" $text) (ne $text $given) -}}
{{- fail (printf "labels[%q]: %q is not job.%s, which is %q: change one of them" $label $given $key $text) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Kubernetes keys these lists by one field, and server-side apply refuses an entry that is there twice. */}}
{{- define "fljob.refuseDuplicates" -}}
{{- $volumes := dict "workspace-job" "workspace" -}}
{{- if .Values.startupKit.secretName }}{{ $_ := set $volumes "startup-kit" "startupKit" }}{{ end -}}
{{- /* /a/ is /a: what is mounted last would hide the other, the workspace of the job, too. */ -}}
{{- $paths := dict (clean .Values.workspace.mountPath) "workspace" -}}
{{- if .Values.startupKit.secretName }}{{ $_ := set $paths (include "fljob.startupPath" .) "startupKit" }}{{ end -}}
{{- range $part := list "datasets" "secretMounts" -}}
{{- range $name, $mount := index $.Values $part -}}
{{- include "fljob.take" (list $volumes $name (printf "%s.%s" $part $name)) -}}
{{- include "fljob.take" (list $paths (clean $mount.mountPath) (printf "%s.%s.mountPath" $part $name)) -}}
{{- end -}}
{{- end -}}
{{- range $i, $volume := .Values.extra.volumes -}}
{{- include "fljob.take" (list $volumes $volume.name (printf "extra.volumes[%d].name" $i)) -}}
{{- end -}}
{{- range $i, $mount := .Values.extra.volumeMounts -}}
{{- include "fljob.take" (list $paths (clean $mount.mountPath) (printf "extra.volumeMounts[%d].mountPath" $i)) -}}
{{- end -}}
{{- $containers := dict .Values.container.name "container.name" -}}
{{- range $part := list "initContainers" "containers" -}}
{{- range $i, $container := index $.Values.extra $part -}}
{{- include "fljob.take" (list $containers $container.name (printf "extra.%s[%d].name" $part $i)) -}}
{{- end -}}
{{- end -}}
{{- $claims := dict -}}
{{- range $i, $claim := .Values.resources.claims -}}
{{- include "fljob.take" (list $claims $claim.name (printf "resources.claims[%d].name" $i)) -}}
{{- end -}}
{{- $variables := dict -}}
{{- range $i, $variable := .Values.env -}}
{{- include "fljob.take" (list $variables $variable.name (printf "env[%d].name" $i)) -}}
{{- end -}}
{{- end -}}

{{/* The same for the lists that are Kubernetes' own: by which fields it tells their items apart. */}}
{{- define "fljob.refuseRepeated" -}}
{{- include "fljob.once" (list "imagePullSecrets" .Values.imagePullSecrets "name") -}}
{{- $spec := .Values.pod.spec -}}
{{- range $field, $keys := dict "hostAliases" "ip" "resourceClaims" "name" "schedulingGates" "name" "topologySpreadConstraints" "topologyKey whenUnsatisfiable" -}}
{{- include "fljob.once" (list (print "pod.spec." $field) (get $spec $field) $keys) -}}
{{- end -}}
{{- $containers := dict "container.spec" .Values.container.spec -}}
{{- range $part := list "initContainers" "containers" -}}
{{- range $i, $container := index $.Values.extra $part }}{{ $_ := set $containers (printf "extra.%s[%d]" $part $i) $container }}{{ end -}}
{{- end -}}
{{- range $where, $container := $containers -}}
{{- range $field, $keys := dict "env" "name" "ports" "containerPort protocol" "volumeDevices" "devicePath" "volumeMounts" "mountPath" -}}
{{- include "fljob.once" (list (print $where "." $field) (get $container $field) $keys) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Refuse an item that is there twice: (list KEY-PATH ITEMS KEYS), of which the first key is named. */}}
{{- define "fljob.once" -}}
{{- $where := index . 0 -}}{{- $keys := splitList " " (index . 2) -}}{{- $taken := dict -}}
{{- range $i, $item := default list (index . 1) -}}
{{- $words := list -}}
{{- range $key := $keys -}}
{{- /* A port without a protocol is one of TCP. */ -}}
{{- $word := get (default dict $item) $key | default (ternary "TCP" "" (eq $key "protocol")) | toString -}}
{{- $words = append $words (ternary (clean $word) $word (and (eq $key "mountPath") (ne $word ""))) -}}
{{- end -}}
{{- if first $words }}{{ include "fljob.take" (list $taken (join " " $words) (printf "%s[%d].%s" $where $i (first $keys))) }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* A container may use the ResourceClaims of its pod, and no others. */}}
{{- define "fljob.refuseUnknownClaims" -}}
{{- $known := list -}}
{{- range $claim := default list .Values.pod.spec.resourceClaims }}{{ $known = append $known $claim.name }}{{ end -}}
{{- range $i, $claim := .Values.resources.claims -}}
{{- if not (has $claim.name $known) -}}
{{- fail (printf "resources.claims[%d].name: %q is no claim of the pod: add it to pod.spec.resourceClaims, or take it out" $i $claim.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A sidecar may restart itself; this action of its rules would run the job a second time. */}}
{{- define "fljob.refuseRestarts" -}}
{{- range $part := list "initContainers" "containers" -}}
{{- range $i, $container := index $.Values.extra $part -}}
{{- range $j, $rule := default list $container.restartPolicyRules -}}
{{- if eq (toString $rule.action) "RestartAllContainers" -}}
{{- fail (printf "extra.%s[%d].restartPolicyRules[%d].action: %q would restart the job: take the rule out" $part $i $j $rule.action) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Take a name for a key path, once: (list TAKEN NAME KEY-PATH). */}}
{{- define "fljob.take" -}}
{{- $taken := index . 0 -}}{{- $name := index . 1 -}}{{- $where := index . 2 -}}
{{- if hasKey $taken $name -}}
{{- fail (printf "%s: %q is already taken by %s: change one of them" $where $name (get $taken $name)) -}}
{{- end -}}
{{- $_ := set $taken $name $where -}}
{{- end -}}

{{/* Where the startup kit is mounted: FLARE looks for it below the workspace. */}}
{{- define "fljob.startupPath" -}}
{{ trimSuffix "/" .Values.workspace.mountPath }}/startup
{{- end -}}
