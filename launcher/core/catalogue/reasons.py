"""What a sentence of the API server or Helm means for a job, and what to do about it: one row for each.

Every cure stands here once. It is filled with the words of the case where an error is made, and with general
ones where :mod:`launcher.core.catalogue.creation` gives it to a code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from launcher.core import foreign
from launcher.core.catalogue.codes import Code
from launcher.errors import Reason

__all__ = ["REASONS", "Meaning", "cure_of"]

_RULE = (
    "change the job or the site's values so that the named rule is met, or ask the cluster's administrator"
)
_FIELD = (
    "correct the named field in the job, the study or the site's values; `fljob template` shows the manifest"
)
_KUBECONFIG = "correct the file or name another one"
_LATER = "try again in a moment"
_EXISTS = "look at it, then delete it or use another job id: kubectl --namespace {namespace} get "


@dataclass(frozen=True)
class Meaning:
    """One row.

    Attributes:
        code: how a job that was refused for this is reported.
        cure: what to do, with ``{words}`` of the case.
    """

    code: Code
    cure: str


class _General(dict[str, str]):
    """Words of a case; those that are not known are written as a manual does: ``describe quota QUOTA``."""

    def __missing__(self, key: str) -> str:
        return key.upper()


_NO_WORDS = frozenset({"helm", "keys", "kubeconfig", "text"})  # of our own, or never in a command


def cure_of(reason: Reason, words: Mapping[str, str] | None = None) -> str:
    """Return what to do about a reason.

    Args:
        reason: what was said.
        words: of the case, by name; what is missing or empty is written in capitals.
    """
    # Most stand in a command, and who refuses a job chooses them: `exceeded quota: $(id), requested: ...`.
    known = {
        key: word if key in _NO_WORDS else foreign.word(word) for key, word in (words or {}).items() if word
    }
    return REASONS[reason].cure.format_map(_General(known))


REASONS: Mapping[Reason, Meaning] = {
    # an admission rule
    Reason.QUOTA_EXCEEDED: Meaning(
        Code.QUOTA_EXCEEDED,
        "wait until other jobs end, ask for less in launcher_spec, or have the quota raised: "
        "kubectl --namespace {namespace} describe quota {quota}",
    ),
    Reason.QUOTA_BUSY: Meaning(
        Code.QUOTA_BUSY, "launch again; a parent and `fljob launch` do so by themselves"
    ),
    Reason.QUOTA_TOO_SMALL: Meaning(
        Code.QUOTA_TOO_SMALL,
        "ask for less in launcher_spec, or have the quota raised: "
        "kubectl --namespace {namespace} describe quota {quota}",
    ),
    Reason.QUOTA_UNCOVERED: Meaning(
        Code.ADMISSION_DENIED,
        "have a ResourceQuota made in the namespace that covers it, or change the resources or the "
        "priorityClassName of the job",
    ),
    Reason.QUOTA_NEEDS_MORE: Meaning(
        Code.ADMISSION_DENIED, "give the job those resources in its meta or the site's values"
    ),
    Reason.WEBHOOK_FAILED: Meaning(
        Code.WEBHOOK_FAILED,
        "ask the cluster's administrator to repair or remove the webhook, then launch again",
    ),
    Reason.WEBHOOK_DENIED: Meaning(Code.ADMISSION_DENIED, _RULE),
    Reason.POLICY_DENIED: Meaning(Code.ADMISSION_DENIED, _RULE),
    Reason.POLICY_FAILED: Meaning(
        Code.ADMISSION_DENIED,
        "ask the cluster's administrator to repair or remove the named policy, its binding or its "
        "parameters; or give the job what its expression reads",
    ),
    Reason.REFUSED: Meaning(Code.ADMISSION_DENIED, _RULE),
    Reason.POD_SECURITY: Meaning(
        Code.ADMISSION_DENIED,
        "set `pod_security: restricted` for the site, correct the securityContext, or use another namespace",
    ),
    Reason.SECURITY_CONTEXT_CONSTRAINT: Meaning(
        Code.ADMISSION_DENIED,
        "set `pod_security: restricted` for the site, correct the securityContext, or grant the job's "
        "service account a constraint that allows it",
    ),
    Reason.PRIORITY_CLASS_MISSING: Meaning(
        Code.ADMISSION_DENIED, "kubectl get priorityclass shows what there is; correct priorityClassName"
    ),
    Reason.SERVICE_ACCOUNT_MISSING: Meaning(
        Code.ADMISSION_DENIED,
        "kubectl --namespace {namespace} create serviceaccount {object}, or correct serviceAccountName",
    ),
    Reason.RUNTIME_CLASS_MISSING: Meaning(
        Code.ADMISSION_DENIED, "kubectl get runtimeclass shows what there is; correct runtimeClassName"
    ),
    Reason.LIMIT_RANGE: Meaning(
        Code.LIMIT_RANGE,
        "change the resources in launcher_spec; the limits: "
        "kubectl --namespace {namespace} describe limitrange",
    ),
    Reason.ABOVE_LIMIT_RANGE: Meaning(
        Code.LIMIT_RANGE,
        "give the job a limit of its own in launcher_spec (`{resource}`), or lower the request; a container "
        "without a limit gets that of a LimitRange: kubectl --namespace {namespace} describe limitrange",
    ),
    # the namespace, the rights
    Reason.NAMESPACE_MISSING: Meaning(
        Code.NAMESPACE_MISSING, "`kubectl create namespace {namespace}`, or correct `namespace` of the site"
    ),
    Reason.NAMESPACE_TERMINATING: Meaning(
        Code.NAMESPACE_TERMINATING, "set another namespace, or wait until it is gone and create it again"
    ),
    Reason.FORBIDDEN: Meaning(
        Code.FORBIDDEN,
        "grant the right to {verb} {resource} (`fljob rbac` prints the Role, `fljob doctor` says what is "
        "missing); check: kubectl auth can-i {verb} {resource} --namespace {namespace} --as {user}",
    ),
    Reason.ACCESS_DENIED: Meaning(Code.FORBIDDEN, "log in, or have a Role with that right bound to the user"),
    Reason.UNAUTHENTICATED: Meaning(
        Code.FORBIDDEN,
        "the credentials may have expired: log in again or renew those in the kubeconfig; a credential "
        "program needs its variables named in `pass_env`",
    ),
    Reason.NOT_LOGGED_IN: Meaning(
        Code.FORBIDDEN,
        "give the context a user with credentials, or choose another context: kubectl config get-contexts",
    ),
    Reason.CREDENTIAL_PLUGIN: Meaning(
        Code.FORBIDDEN,
        "install it or log in again, then try kubectl get --raw /version; name the variables it needs in "
        "`pass_env`, helm gets no others",
    ),
    # the API server itself, and the way to it
    Reason.SERVER_BUSY: Meaning(Code.API_UNAVAILABLE, _LATER),
    Reason.SERVER_ERROR: Meaning(Code.API_UNAVAILABLE, f"{_LATER}; then look at the API server's log"),
    Reason.PROXY: Meaning(
        Code.API_UNAVAILABLE,
        "correct proxy-url in kubeconfig {kubeconfig}, or HTTPS_PROXY (HTTP_PROXY of a server with http:); "
        "without a proxy name the API server's host in NO_PROXY",
    ),
    Reason.TLS: Meaning(
        Code.API_UNAVAILABLE,
        "correct server, tls-server-name or certificate-authority in kubeconfig {kubeconfig}",
    ),
    Reason.CONNECTION_REFUSED: Meaning(
        Code.API_UNAVAILABLE, "check that the cluster runs and that kubeconfig {kubeconfig} names its address"
    ),
    Reason.NO_SUCH_HOST: Meaning(
        Code.API_UNAVAILABLE, "correct the server in kubeconfig {kubeconfig}, or the name service"
    ),
    Reason.NO_ANSWER: Meaning(
        Code.API_UNAVAILABLE,
        "check that the cluster runs and that the network reaches it: kubectl get --raw /readyz",
    ),
    Reason.CONNECTION_LOST: Meaning(
        Code.API_UNAVAILABLE, "try again; check the network: kubectl get --raw /readyz"
    ),
    Reason.UNREACHABLE: Meaning(
        Code.API_UNAVAILABLE, "check kubeconfig {kubeconfig}: kubectl get --raw /version"
    ),
    Reason.KUBECONFIG_MISSING: Meaning(
        Code.SITE_INVALID, "set `--kubeconfig` or KUBECONFIG to an existing file"
    ),
    Reason.KUBECONFIG_BAD: Meaning(Code.SITE_INVALID, _KUBECONFIG),
    Reason.KUBECONFIG_INVALID: Meaning(Code.SITE_INVALID, _KUBECONFIG),
    Reason.CONTEXT_MISSING: Meaning(Code.SITE_INVALID, "kubectl config get-contexts shows what there is"),
    # names of releases and objects
    Reason.NAME_IN_USE: Meaning(
        Code.NAME_CONFLICT, "wait for it to end or terminate it: fljob terminate {name} -n {namespace}"
    ),
    Reason.OPERATION_IN_PROGRESS: Meaning(
        Code.NAME_CONFLICT, "if nobody does: fljob terminate {name} -n {namespace}"
    ),
    Reason.OBJECT_EXISTS: Meaning(Code.NAME_CONFLICT, _EXISTS + "{resource} {object} -o yaml"),
    Reason.OBJECT_OF_ANOTHER: Meaning(Code.NAME_CONFLICT, _EXISTS + "{kind} {object} -o yaml"),
    Reason.FIELD_CONFLICT: Meaning(Code.NAME_CONFLICT, "delete the object or use another job id"),
    Reason.RELEASE_MISSING: Meaning(Code.CREATE_FAILED, "`fljob list -n {namespace}` shows what there is"),
    # the object, the values, the chart. What a job may say is checked before a value is made of it, so what
    # schema and chart refuse was written at the site: templates, values, a study's pod template.
    Reason.INVALID_SPEC: Meaning(Code.INVALID_SPEC, _FIELD),
    Reason.UNKNOWN_FIELD: Meaning(Code.INVALID_SPEC, _FIELD),
    Reason.SCHEMA: Meaning(
        Code.SITE_INVALID,
        "correct these keys in the job, the study or the site's values; the chart's README lists all keys",
    ),
    Reason.VALUES_UNREADABLE: Meaning(
        Code.INVALID_SPEC, "look for a lone half of a surrogate pair in the texts of the job"
    ),
    Reason.RELEASE_TOO_BIG: Meaning(
        Code.INVALID_SPEC,
        "move bulky content (environment, arguments) into a ConfigMap, a Secret or a dataset volume",
    ),
    Reason.CHART_REFUSED: Meaning(
        Code.SITE_INVALID,
        "the chart checks its values: correct them in the job, the study or the site's values",
    ),
    Reason.CHART_BROKEN: Meaning(Code.SITE_INVALID, "repair the template"),
    Reason.CHART_MISSING: Meaning(
        Code.SITE_INVALID,
        "set `chart` to a folder with a Chart.yaml, or leave it out to use the shipped chart",
    ),
    Reason.CHART_TOO_NEW: Meaning(Code.SITE_INVALID, "use a newer cluster"),
    Reason.UNKNOWN_KIND: Meaning(Code.SITE_INVALID, "install what defines it, or remove it from the chart"),
    # the chart in a registry: all of it is the site's, and nothing of it is installed or kept
    Reason.CHART_REGISTRY_AWAY: Meaning(
        Code.CHART_UNAVAILABLE,
        "check that registry {host} is reached from here; a launch tries again, and a chart that was fetched "
        "before is not asked for",
    ),
    Reason.CHART_ACCESS_DENIED: Meaning(
        Code.SITE_INVALID,
        "log in as the user who launches: helm registry login {host}; HELM_REGISTRY_CONFIG names the file",
    ),
    Reason.CHART_NOT_IN_REGISTRY: Meaning(
        Code.SITE_INVALID, "correct `chart`: repository and digest are those that `helm push` printed"
    ),
    Reason.CHART_OTHER_BYTES: Meaning(
        Code.SITE_INVALID, "look into registry {host}, and what stands before it, before anything is used"
    ),
    Reason.CHART_TAG_MOVED: Meaning(
        Code.SITE_INVALID,
        "review what the tag names now and write its digest, or leave the tag out and keep the digest",
    ),
    Reason.CHART_IS_NONE: Meaning(
        Code.SITE_INVALID, "name the digest of a chart that `helm push` has put there"
    ),
    Reason.CHART_UNSIGNED: Meaning(
        Code.SITE_INVALID, "sign it (`scripts/publish` with `--key`), or name a digest that is signed"
    ),
    Reason.CHART_SIGNED_BY_ANOTHER: Meaning(
        Code.SITE_INVALID, "ask who publishes it for the key; only then correct `chart_key` or `chart`"
    ),
    Reason.CHART_KEY_BAD: Meaning(
        Code.SITE_INVALID, "set `chart_key` to the public key (PEM) that `cosign public-key` prints"
    ),
    Reason.CHART_NOT_FETCHED: Meaning(Code.SITE_INVALID, "read the detail"),
    # the helm program
    Reason.DELETE_FAILED: Meaning(
        Code.CREATE_FAILED,
        "check the right to delete pods: kubectl auth can-i delete pods --namespace {namespace}",
    ),
    Reason.HELM_TOO_OLD: Meaning(Code.SITE_INVALID, "install helm 4.3 (3.22 is the oldest that works)"),
    Reason.HELM_NOT_RUNNABLE: Meaning(Code.SITE_INVALID, "install helm 4.3 for this machine's processor"),
    Reason.HELM_FAILED: Meaning(Code.CREATE_FAILED, "read the detail"),
}
