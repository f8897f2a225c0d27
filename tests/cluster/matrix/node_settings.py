"""Rows of pods that ask a real node for what it cannot give: runtime class, names, profiles, sysctls."""

from __future__ import annotations

from functools import partial

from launcher.core.catalogue import Code
from launcher.core.pending.clocks import Action
from tests.cluster.matrix.row import Row

__all__ = ["NODE_SETTINGS"]

sandbox = partial(Row, code=Code.SANDBOX_CONFIG, action=Action.WAIT, return_code=101)
profile = partial(Row, code=Code.SECURITY_PROFILE_MISSING, action=Action.WAIT, return_code=101)
rejected = partial(Row, code=Code.NODE_REJECTED, return_code=101)

_HANDLER = """---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: $ns}
handler: no-such-handler
"""
_SECCOMP = "securityContext: {seccompProfile: {type: Localhost, localhostProfile: none.json}}"
_APPARMOR = "securityContext: {appArmorProfile: {type: Localhost, localhostProfile: none}}"

NODE_SETTINGS: tuple[Row, ...] = (
    sandbox(
        name="runtime-handler-missing",
        how="a RuntimeClass whose handler the node does not have",
        objects=_HANDLER,
        values="pod: {spec: {runtimeClassName: $ns}}",
        says='no runtime for "no-such-handler" is configured',
    ),
    sandbox(
        name="fqdn-too-long",
        how="setHostnameAsFQDN and a name of more than 64 characters",
        values=f"pod: {{spec: {{setHostnameAsFQDN: true, subdomain: {'a' * 60}}}}}",
        says="FQDN",
    ),
    sandbox(
        name="user-namespaces",
        how="hostUsers: false on a node whose runtime has no user namespaces",
        values="pod: {spec: {hostUsers: false}}",
        says="runtime does not support user namespaces",
    ),
    sandbox(
        name="memory-below-a-sandbox",
        how="memory: 1Mi, in which not even the first process of a pod fits",
        k8s={"memory": "1Mi"},
        says="memory limit",
    ),
    profile(
        name="seccomp-missing",
        how="a seccomp profile that is not on the node, of the pod",
        values=f"pod: {{spec: {{{_SECCOMP}}}}}",
        says="none.json",
    ),
    profile(
        name="seccomp-of-container-missing",
        how="a seccomp profile that is not on the node, of the job container",
        values=f"container: {{spec: {{{_SECCOMP}}}}}",
        says="none.json",
    ),
    rejected(
        name="apparmor-missing",
        how="an AppArmor profile on a node without it",
        values=f"pod: {{spec: {{{_APPARMOR}}}}}",
        says="Cannot enforce AppArmor",
    ),
    rejected(
        name="sysctl-forbidden",
        how="a sysctl that the kubelet does not allow",
        values='pod: {spec: {securityContext: {sysctls: [{name: net.core.somaxconn, value: "1024"}]}}}',
        says="net.core.somaxconn",
    ),
)
