"""Failures of the job itself (its values, the chart, the objects it makes) and of the helm program."""

from __future__ import annotations

from launcher.edges.helm.failures.row import row
from launcher.errors import InvalidInput, Rejected, ToolMissing

__all__ = ["HELM"]

_APPLY = "server-side apply failed for object ns/p1 /v1, Kind=Pod: "
_BUILD = "unable to build kubernetes objects from release manifest: "
_FIX_OBJECT = "correct the field in the job, the study or the site's values"
# `helm template` and `helm lint` end a failed rendering with it, after an empty line; an install does not.
_HINT = r"(?:\n\nUse --debug.*)?$"

HELM = (
    row(
        "Schema",
        InvalidInput,
        r"values don't meet the specifications of the schema",
        "values don't meet the specifications of the schema(s) in the following chart(s):\ntiny:\n"
        "- at '/cpu': got number, want string\n- at '': additional properties 'nope' not allowed\n",
        "{keys}",
        "correct these keys in the job, the study or the site's values; the chart's README lists all keys",
        where="values",
    ),
    row(
        "ValuesUnreadable",
        InvalidInput,
        r"failed to parse -: (?P<why>.*)",
        "failed to parse -: cannot unmarshal yaml document: error converting YAML to JSON: yaml: line 1: did "
        "not find expected node content",
        "helm cannot read them: {why}",
        "look for a lone half of a surrogate pair in the texts of the job",
        where="values",
    ),
    row(
        "ReleaseTooBig",
        Rejected,
        r'"sh\.helm\.release[^"]*" is invalid: data: Too long|request is too large|Request entity too large'
        r"|trying to send message larger than max",
        'create: failed to create: Secret "sh.helm.release.v1.r1.v1" is invalid: data: Too long: may not '
        "be more than 1048576 bytes",
        "the values are too big: Helm keeps a release in one object of at most 1 MiB",
        "move bulky content (environment, arguments) into a ConfigMap, a Secret or a dataset volume",
    ),
    row(
        "InvalidSpec",
        Rejected,
        r'(?P<kind>\w+) "(?P<object>[^"]+)" is invalid: (?P<why>.*)',
        _APPLY + 'Pod "p1" is invalid: spec.dnsPolicy: Unsupported value: "bogus": supported values: '
        '"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"',
        "{kind} {object!r} is invalid: {why}",
        _FIX_OBJECT,
    ),
    row(
        "UnknownField",
        Rejected,
        r"failed to create typed patch object \((?P<object>[^;]+);[^)]*\): (?P<why>.*)",
        _APPLY + "failed to create typed patch object (ns/p1; /v1, Kind=Pod): .spec.nodeName2: "
        "field not declared in schema",
        "{object} is invalid: {why}",
        _FIX_OBJECT,
    ),
    row(
        "InvalidSpec",
        Rejected,
        r"unable to convert unstructured object to [^:]*: (?P<why>.*)",
        _APPLY + "failed to convert new object (ns/p1; /v1, Kind=Pod) to proper version: unable to convert "
        "unstructured object to /v1, Kind=Pod: quantities must match the regular expression "
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        "an object is invalid: {why}",
        _FIX_OBJECT,
    ),
    row(
        "InvalidSpec",
        Rejected,
        r'(?:unable to decode "[^"]*"|strict decoding error|error validating data): (?P<why>.*)',
        _BUILD + 'unable to decode "": json: cannot unmarshal number into Go struct field '
        "ObjectMeta.metadata.annotations of type string",
        "an object is invalid: {why}",
        _FIX_OBJECT,
    ),
    row(
        "UnknownKind",
        Rejected,
        r'no matches for kind "(?P<kind>[^"]+)" in version "(?P<version>[^"]+)"',
        _BUILD
        + 'resource mapping not found for name: "x" namespace: "" from "": no matches for kind "Nope" in '
        'version "a.b/v1"\nensure CRDs are installed first',
        "the cluster does not know kind {kind!r} of {version}",
        "install what defines it, or remove it from the chart",
    ),
    row(
        "ChartRefused",
        InvalidInput,
        r"execution error at \((?P<file>[^:)]+)[^)]*\): (?P<why>.*?)" + _HINT,
        'execution error at (fljob/templates/pod.yaml:1:4): extra.volumes[0].name: "workspace-job" is '
        "already taken by workspace: change one of them\n\nUse --debug flag to render out invalid YAML",
        "{why}",
        "the chart checks its values: correct them in the job, the study or the site's values",
        where="chart {file}",
    ),
    row(
        "ChartTooNew",
        Rejected,
        r"chart requires kubeVersion: (?P<want>.+?) which is incompatible with Kubernetes (?P<have>\S+)",
        "chart requires kubeVersion: >=2.0 which is incompatible with Kubernetes v1.36.3",
        "the chart needs Kubernetes {want}, the cluster is {have}",
        "use a newer cluster",
    ),
    row(
        "ChartBroken",
        InvalidInput,
        r"YAML parse error on (?P<file>[^:\s]+): (?P<why>.*?)" + _HINT,
        "YAML parse error on tiny/templates/x.yaml: error converting YAML to JSON: yaml: mapping values are "
        "not allowed in this context\n\nUse --debug flag to render out invalid YAML",
        "{why}",
        "repair the template",
        where="chart {file}",
    ),
    row(
        "ChartBroken",
        InvalidInput,
        r'executing "(?P<file>[^"]+)" at (?P<why>.*?)' + _HINT,
        'tiny/templates/x.yaml:1:10\n  executing "tiny/templates/x.yaml" at <.Values.a.b.c>:\n'
        "    nil pointer evaluating interface {}.b\n\nUse --debug flag to render out invalid YAML",
        "{why}",
        "repair the template",
        where="chart {file}",
    ),
    row(
        "ChartMissing",
        InvalidInput,
        r'unable to detect chart at (?P<file>[^:]+): .*|path "(?P<path>[^"]+)" not found'
        r"|Chart\.yaml file is missing|non-absolute URLs should be in form of \S+, got: (?P<url>\S+)",
        "unable to detect chart at /srv/c/Chart.yaml: open /srv/c/Chart.yaml: no such file or directory",
        "there is no chart: {text}",
        "set `chart` to a folder with a Chart.yaml, or leave it out to use the shipped chart",
        where="chart {file}{path}{url}",
    ),
    row(
        "DeleteFailed",
        Rejected,
        r"failed to delete release: (?P<release>\S+)",
        "failed to delete release: r1",
        "helm could not delete all of its objects and does not say why",
        "check the right to delete pods: kubectl auth can-i delete pods --namespace {namespace}",
    ),
    row(
        "HelmTooOld",
        ToolMissing,
        r"unknown (?:shorthand )?flag: (?P<flag>\S+)|unknown command (?P<command>\S+)",
        "unknown flag: --disable-openapi-validation",
        "{helm} does not know {flag}{command}: its version is not supported",
        "install helm 4.3 (3.22 is the oldest that works)",
    ),
    row(
        "HelmNotRunnable",
        ToolMissing,
        r"setpriv: failed to execute (?P<file>\S+): (?P<why>.*)",
        "setpriv: failed to execute /usr/local/bin/helm: Exec format error",
        "{file} cannot be run: {why}",
        "install helm 4.3 for this machine's processor",
        seen="setpriv 2.38.1",
    ),
    # setpriv hands a file that the kernel does not know to the shell, as execvp does.
    row(
        "HelmNotRunnable",
        ToolMissing,
        r"^(?P<file>/\S+): (?:line )?\d+: .*(?:not found|Syntax error|cannot execute)",
        "/usr/local/bin/helm: 1: ELF: not found",
        "{file} cannot be run: it is no program for this machine",
        "install helm 4.3 for this machine's processor",
        seen="dash 0.5.12",
    ),
)
