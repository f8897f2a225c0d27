"""Failures of the values, of the chart and what it renders, and of the helm program."""

from __future__ import annotations

from launcher.edges.failure import row
from launcher.errors import InvalidInput, Reason, Rejected, ToolMissing

__all__ = ["HELM"]

_BUILD = "unable to build kubernetes objects from release manifest: "
# etcd's own limit, the API server's and that of the connection between them: 1.5, 3 and 2 MiB.
_TOO_BIG = r"(?:request is too large|Request entity too large|trying to send message larger than max)"
# Appended by `helm template` and `helm lint` to a failed rendering, after an empty line; not by an install.
_HINT = r"(?:\n\nUse --debug.*)?$"

HELM = (
    row(
        Reason.SCHEMA,
        InvalidInput,
        r"values don't meet the specifications of the schema",
        "values don't meet the specifications of the schema(s) in the following chart(s):\ntiny:\n"
        "- at '/cpu': got number, want string\n- at '': additional properties 'nope' not allowed\n",
        "{keys}",
        where="values",
    ),
    row(
        Reason.VALUES_UNREADABLE,
        InvalidInput,
        r"failed to parse -: (?P<why>.*)",
        "failed to parse -: cannot unmarshal yaml document: error converting YAML to JSON: yaml: line 1: did "
        "not find expected node content",
        "helm cannot read them: {why}",
        where="values",
    ),
    row(
        Reason.RELEASE_TOO_BIG,
        Rejected,
        r'"sh\.helm\.release[^"]{0,253}" is invalid: (?:data|\[\]|""|<nil>): Too long'
        r"|create: failed to create: .{0,253}?" + _TOO_BIG,
        'create: failed to create: ConfigMap "sh.helm.release.v1.r1.v1" is invalid: []: Too long: may not '
        "be more than 1048576 bytes",
        "the values are too big: Helm keeps a release in one object of at most 1 MiB",
    ),
    # The record is compressed, the pod is not.
    row(
        Reason.RELEASE_TOO_BIG,
        Rejected,
        _TOO_BIG,
        "server-side apply failed for object ns/p1 /v1, Kind=Pod: etcdserver: request is too large",
        "an object of the job is too big for the API server: {text}",
    ),
    row(
        Reason.INVALID_SPEC,
        Rejected,
        r'(?:unable to decode "[^"]*"|strict decoding error|error validating data): (?P<why>.*)',
        _BUILD + 'unable to decode "": json: cannot unmarshal number into Go struct field '
        "ObjectMeta.metadata.annotations of type string",
        "an object is invalid: {why}",
    ),
    row(
        Reason.UNKNOWN_KIND,
        Rejected,
        r'no matches for kind "(?P<kind>[^"]+)" in version "(?P<version>[^"]+)"',
        _BUILD
        + 'resource mapping not found for name: "x" namespace: "" from "": no matches for kind "Nope" in '
        'version "a.b/v1"\nensure CRDs are installed first',
        "the cluster does not know kind {kind!r} of {version}",
    ),
    row(
        Reason.CHART_REFUSED,
        InvalidInput,
        r"execution error at \((?P<file>[^:)]{1,600})(?::[^)]{0,100})?\): (?P<why>.*?)" + _HINT,
        'execution error at (fljob/templates/pod.yaml:1:4): extra.volumes[0].name: "workspace-job" is '
        "already taken by workspace: change one of them\n\nUse --debug flag to render out invalid YAML",
        "{why}",
        where="chart {file}",
    ),
    row(
        Reason.CHART_TOO_NEW,
        Rejected,
        r"chart requires kubeVersion: (?P<want>.{1,200}?) "
        r"which is incompatible with Kubernetes (?P<have>\S+)",
        "chart requires kubeVersion: >=2.0 which is incompatible with Kubernetes v1.36.3",
        "the chart needs Kubernetes {want}, the cluster is {have}",
    ),
    row(
        Reason.CHART_BROKEN,
        InvalidInput,
        r"YAML parse error on (?P<file>[^:\s]+): (?P<why>.*?)" + _HINT,
        "YAML parse error on tiny/templates/x.yaml: error converting YAML to JSON: yaml: mapping values are "
        "not allowed in this context\n\nUse --debug flag to render out invalid YAML",
        "{why}",
        where="chart {file}",
    ),
    row(
        Reason.CHART_BROKEN,
        InvalidInput,
        r'executing "(?P<file>[^"]+)" at (?P<why>.*?)' + _HINT,
        'tiny/templates/x.yaml:1:10\n  executing "tiny/templates/x.yaml" at <.Values.a.b.c>:\n'
        "    nil pointer evaluating interface {}.b\n\nUse --debug flag to render out invalid YAML",
        "{why}",
        where="chart {file}",
    ),
    row(
        Reason.CHART_MISSING,
        InvalidInput,
        r'unable to detect chart at (?P<file>[^:]{1,1024}): .*|path "(?P<path>[^"]{1,1024})" not found'
        r"|Chart\.yaml file is missing|non-absolute URLs should be in form of \S+, got: (?P<url>\S+)",
        "unable to detect chart at /srv/c/Chart.yaml: open /srv/c/Chart.yaml: no such file or directory",
        "there is no chart: {text}",
        where="chart {file}{path}{url}",
    ),
    row(
        Reason.DELETE_FAILED,
        Rejected,
        r"failed to delete release: (?P<release>\S+)",
        "failed to delete release: r1",
        "helm could not delete all of its objects and does not say why",
    ),
    row(
        Reason.HELM_TOO_OLD,
        ToolMissing,
        r"unknown (?:shorthand )?flag: (?P<flag>\S+)|unknown command (?P<command>\S+)",
        "unknown flag: --disable-openapi-validation",
        "{helm} does not know {flag}{command}: its version is not supported",
    ),
    row(
        Reason.HELM_NOT_RUNNABLE,
        ToolMissing,
        r"setpriv: failed to execute (?P<file>\S+): (?P<why>.*)",
        "setpriv: failed to execute /usr/local/bin/helm: Exec format error",
        "{file} cannot be run: {why}",
        seen="setpriv 2.38.1",
    ),
    # setpriv runs a file of unknown format with the shell, as execvp does.
    row(
        Reason.HELM_NOT_RUNNABLE,
        ToolMissing,
        r"^(?P<file>/\S+): (?:line )?\d+: .*(?:not found|Syntax error|cannot execute)",
        "/usr/local/bin/helm: 1: ELF: not found",
        "{file} cannot be run: it is no program for this machine",
        seen="dash 0.5.12",
    ),
)
