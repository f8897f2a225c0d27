"""Whether the kubelet starts a container again that has ended: then its end is not the job's.

The launcher makes pods that are never restarted, but an admission webhook may change one: since Kubernetes
1.34 a container can have a ``restartPolicy`` and ``restartPolicyRules`` of its own.
"""

from __future__ import annotations

from launcher.core.views import ContainerView, PodView

__all__ = ["restarts"]

# Of container statuses since 1.35: a rule of some container has made the kubelet start all of them again.
_ALL = "RestartingAllContainers"
_ACTIONS = frozenset({"Restart", "RestartAllContainers"})
_OVER = frozenset({"Succeeded", "Failed"})


def restarts(pod: PodView, container: ContainerView) -> bool:
    """Return whether the kubelet starts this container of the pod, which has ended, again.

    The first rule that the exit code matches decides, then the policy (kubelet, ContainerShouldRestart). A
    pod that is over, or being deleted, restarts nothing.
    """
    if pod.phase in _OVER or pod.deleted is not None:
        return False
    if container.reason == _ALL or _by_rule(container):
        return True
    policy = container.restart_policy
    return policy == "Always" or (policy == "OnFailure" and container.exit_code != 0)


def _by_rule(container: ContainerView) -> bool:
    code = container.exit_code
    for rule in container.restart_rules:
        if rule.operator in ("In", "NotIn") and (code in rule.exit_codes) == (rule.operator == "In"):
            return rule.action in _ACTIONS
    return False
