# What a site may ask of the pods of its jobs, before they are installed. For conftest (and opa):
#
#   fljob template JOB | conftest test --policy examples/policy --data examples/policy/data.yaml -
#
# `deny` is what no job of a site should do: Pod Security baseline, a moving image, a pod that runs twice. `warn` is what a
# hardened site asks as well (conftest --fail-on-warn): Pod Security restricted, and amounts. Each sentence begins with the
# name of its rule; `fljob.except` in data.yaml leaves rules out, `fljob.registries` says where images may come from.
#
# https://kubernetes.io/docs/concepts/security/pod-security-standards/
package main

import rego.v1

deny contains concat(": ", [found.rule, found.text]) if {
	some found in findings
	found.level == "deny"
	not found.rule in excepted
}

warn contains concat(": ", [found.rule, found.text]) if {
	some found in findings
	found.level == "warn"
	not found.rule in excepted
}

default excepted := []

excepted := data.fljob.except

default registries := []

registries := data.fljob.registries

# ---- what the rules look at ----

spec := object.get(input, "spec", {}) if input.kind == "Pod"

volumes := object.get(spec, "volumes", [])

pod_context := mapping(spec, "securityContext")

# Kubernetes reads null as not given.
mapping(given, key) := given[key] if {
	is_object(given[key])
} else := {}

# Every container with its place in the manifest, its own security context, and what the pod says where it says nothing.
containers contains one if {
	some list in ["containers", "initContainers"]
	some i, container in object.get(spec, list, [])
	context := mapping(container, "securityContext")
	one := {
		"at": sprintf("spec.%s[%d]", [list, i]),
		"container": container,
		"context": context,
		"both": object.union(pod_context, context),
		"capabilities": mapping(context, "capabilities"),
	}
}

# ---- deny: Pod Security baseline ----

findings contains {"level": "deny", "rule": "host-namespaces", "text": text} if {
	some field in ["hostNetwork", "hostPID", "hostIPC"]
	object.get(spec, field, false) == true
	text := sprintf("spec.%s: the pod shares it with its node", [field])
}

findings contains {"level": "deny", "rule": "host-path", "text": text} if {
	some i, volume in volumes
	"hostPath" in object.keys(volume)
	text := sprintf("spec.volumes[%d]: %s is a folder of the node", [i, volume.name])
}

findings contains {"level": "deny", "rule": "host-port", "text": text} if {
	some one in containers
	some i, port in object.get(one.container, "ports", [])
	object.get(port, "hostPort", 0) != 0
	text := sprintf("%s.ports[%d].hostPort: takes a port of the node", [one.at, i])
}

findings contains {"level": "deny", "rule": "privileged", "text": text} if {
	some one in containers
	object.get(one.context, "privileged", false) == true
	text := sprintf("%s.securityContext.privileged: runs as a process of the node", [one.at])
}

findings contains {"level": "deny", "rule": "capabilities-added", "text": text} if {
	some one in containers
	some capability in object.get(one.capabilities, "add", [])
	not capability in baseline_capabilities
	text := sprintf("%s.securityContext.capabilities.add: %s", [one.at, capability])
}

findings contains {"level": "deny", "rule": "seccomp-unconfined", "text": text} if {
	some one in containers
	object.get(one.both, ["seccompProfile", "type"], "") == "Unconfined"
	text := sprintf("%s: securityContext.seccompProfile is Unconfined", [one.at])
}

findings contains {"level": "deny", "rule": "apparmor-unconfined", "text": text} if {
	some one in containers
	object.get(one.both, ["appArmorProfile", "type"], "") == "Unconfined"
	text := sprintf("%s: securityContext.appArmorProfile is Unconfined", [one.at])
}

findings contains {"level": "deny", "rule": "proc-mount", "text": text} if {
	some one in containers
	object.get(one.context, "procMount", "Default") != "Default"
	text := sprintf("%s.securityContext.procMount: /proc is not masked", [one.at])
}

findings contains {"level": "deny", "rule": "selinux", "text": text} if {
	some one in containers
	options := object.get(one.both, "seLinuxOptions", {})
	not selinux_is_plain(options)
	text := sprintf("%s: securityContext.seLinuxOptions has a user, a role, or a type that is not of containers", [one.at])
}

findings contains {"level": "deny", "rule": "sysctls", "text": text} if {
	some i, sysctl in object.get(pod_context, "sysctls", [])
	not sysctl.name in safe_sysctls
	text := sprintf("spec.securityContext.sysctls[%d]: %s is not among the safe ones", [i, sysctl.name])
}

# ---- deny: what a federated job must not do ----

findings contains {"level": "deny", "rule": "image-moves", "text": text} if {
	some one in containers
	image := object.get(one.container, "image", "")
	not image_is_fixed(image)
	text := sprintf("%s.image: %s has no tag, or `latest`: nobody can say what ran", [one.at, image])
}

findings contains {"level": "deny", "rule": "image-registry", "text": text} if {
	count(registries) > 0
	some one in containers
	image := object.get(one.container, "image", "")
	not from_one_of(image, registries)
	text := sprintf("%s.image: %s comes from none of the site's registries", [one.at, image])
}

findings contains {"level": "deny", "rule": "runs-twice", "text": text} if {
	policy := object.get(spec, "restartPolicy", "Always")
	policy != "Never"
	text := sprintf("spec.restartPolicy: %s, and a job runs once", [policy])
}

# ---- warn: Pod Security restricted ----

findings contains {"level": "warn", "rule": "volume-type", "text": text} if {
	some i, volume in volumes
	some kind in object.keys(volume)
	not kind in restricted_volumes
	text := sprintf("spec.volumes[%d]: %s is %s", [i, volume.name, kind])
}

findings contains {"level": "warn", "rule": "privilege-escalation", "text": text} if {
	some one in containers
	object.get(one.context, "allowPrivilegeEscalation", true) != false
	text := sprintf("%s.securityContext.allowPrivilegeEscalation: is not false", [one.at])
}

findings contains {"level": "warn", "rule": "root", "text": text} if {
	some one in containers
	object.get(one.both, "runAsNonRoot", false) != true
	text := sprintf("%s: securityContext.runAsNonRoot is not true", [one.at])
}

findings contains {"level": "warn", "rule": "root", "text": text} if {
	some one in containers
	object.get(one.both, "runAsUser", 1) == 0
	text := sprintf("%s: securityContext.runAsUser is 0", [one.at])
}

findings contains {"level": "warn", "rule": "seccomp-unset", "text": text} if {
	some one in containers
	not object.get(one.both, ["seccompProfile", "type"], "") in ["RuntimeDefault", "Localhost"]
	text := sprintf("%s: securityContext.seccompProfile is neither RuntimeDefault nor Localhost", [one.at])
}

findings contains {"level": "warn", "rule": "capabilities-kept", "text": text} if {
	some one in containers
	not "ALL" in object.get(one.capabilities, "drop", [])
	text := sprintf("%s.securityContext.capabilities.drop: has no ALL", [one.at])
}

findings contains {"level": "warn", "rule": "capabilities-added", "text": text} if {
	some one in containers
	some capability in object.get(one.capabilities, "add", [])
	capability in baseline_capabilities
	capability != "NET_BIND_SERVICE"
	text := sprintf("%s.securityContext.capabilities.add: %s", [one.at, capability])
}

# ---- warn: amounts, and rights of the API ----

findings contains {"level": "warn", "rule": "no-limit", "text": text} if {
	some one in containers
	some resource in ["cpu", "memory"]
	object.get(one.container, ["resources", "limits", resource], "") == ""
	text := sprintf("%s.resources.limits: has no %s", [one.at, resource])
}

findings contains {"level": "warn", "rule": "api-token", "text": text} if {
	spec
	object.get(spec, "automountServiceAccountToken", true) != false
	object.get(spec, "serviceAccountName", "") == ""
	text := "spec.automountServiceAccountToken: is not false, and no account is named"
}

# ---- tables ----

baseline_capabilities := {
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID",
	"SETPCAP", "SETUID", "SYS_CHROOT",
}

safe_sysctls := {
	"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
	"net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
	"net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
	"net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
}

restricted_volumes := {
	"name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
}

container_types := {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}

selinux_is_plain(options) if {
	object.get(options, "user", "") == ""
	object.get(options, "role", "") == ""
	object.get(options, "type", "") in container_types
}

image_is_fixed(image) if contains(image, "@sha256:")

# The last part of `registry:5000/team/name:tag`: before it a colon is a port.
image_is_fixed(image) if {
	parts := split(image, "/")
	name := split(parts[count(parts) - 1], ":")
	count(name) == 2
	not name[1] in {"", "latest"}
}

from_one_of(image, allowed) if {
	some registry in allowed
	startswith(image, sprintf("%s/", [trim_suffix(registry, "/")]))
}
