"""What helm and cosign say of a chart in a registry, and our error for it."""

from __future__ import annotations

from launcher.core import foreign
from launcher.core.catalogue.reasons import cure_of
from launcher.core.chart_reference import ChartReference
from launcher.edges.failure import Failure, find, row
from launcher.edges.helm.child import ChildFailed, Ended
from launcher.errors import Denied, InvalidInput, LauncherError, NotFound, Reason, Rejected, Unavailable

__all__ = ["COSIGN", "PULL", "explain"]

_SEEN = "helm 4.3.0 and 3.22.0"
_LONGEST = 600

_AWAY = row(
    Reason.CHART_REGISTRY_AWAY,
    Unavailable,
    r"dial tcp|no such host|connection (?:refused|reset)|i/o timeout|context deadline exceeded|"
    r"\bEOF\b|tls: |x509: |proxyconnect|server gave HTTP response|response status code (?:429|5\d\d)",
    'failed to perform "FetchReference" on source: Get "http://127.0.0.1:5978/v2/charts/fljob/manifests/'
    'sha256:1a00": dial tcp 127.0.0.1:5978: connect: connection refused',
    "registry {host} does not answer: {text}",
    seen=_SEEN,
)

PULL = (
    row(
        Reason.CHART_ACCESS_DENIED,
        Denied,
        r"basic credential not found|response status code 40[13]|\bunauthorized\b|\bdenied: ",
        'failed to perform "FetchReference" on source: GET "http://127.0.0.1:5976/v2/charts/fljob/manifests/'
        'sha256:1a00": response status code 401: unauthorized: authentication required',
        "registry {host} refuses the credentials, or wants some: {text}",
        seen=_SEEN,
    ),
    # oras compares the bytes of manifest and layer with their digests before helm writes anything.
    row(
        Reason.CHART_OTHER_BYTES,
        Rejected,
        r"mismatched digest|mismatch(?:ed)? size|invalid response; digest mismatch",
        'failed to perform "Successors" on source: mismatched digest',
        "registry {host} sends other bytes than the digest names: {text}",
        seen=_SEEN,
    ),
    row(
        Reason.CHART_IS_NONE,
        InvalidInput,
        r"minimum number of descriptors|could not load config with mediatype|"
        r"manifest does not contain a layer with mediatype",
        "manifest does not contain minimum number of descriptors (2), descriptors found: 1",
        "what registry {host} has there is no chart: {text}",
        seen=_SEEN,
    ),
    row(
        Reason.CHART_NOT_IN_REGISTRY,
        NotFound,
        r": not found$|response status code 404|name unknown|manifest unknown|invalid reference",
        'failed to perform "FetchReference" on source: 127.0.0.1:5977/charts/fljob@sha256:2d71: not found',
        "registry {host} has no such chart: {text}",
        seen=_SEEN,
    ),
    _AWAY,
)

_COSIGN = "cosign 3.1.3"
COSIGN = (
    row(
        Reason.CHART_KEY_BAD,
        InvalidInput,
        r"loading public key: (?P<why>.*)",
        "loading verifier from key opts: loading public key: pem to public key: PEM decoding failed",
        "`chart_key` is no public key of cosign: {text}",
        seen=_COSIGN,
    ),
    row(
        Reason.CHART_UNSIGNED,
        Rejected,
        r"^no signatures found",
        "no signatures found",
        "nobody has signed it: {text}",
        seen=_COSIGN,
    ),
    row(
        Reason.CHART_SIGNED_BY_ANOTHER,
        Rejected,
        r"no matching (?:attestations|signatures)|failed to verify signature|invalid signature",
        "no matching attestations: failed to verify signature: could not verify envelope: accepted "
        "signatures do not match threshold, Found: 0, Expected 1",
        "it is signed, and not with `chart_key`: {text}",
        seen=_COSIGN,
    ),
    row(
        Reason.CHART_ACCESS_DENIED,
        Denied,
        r"\bUNAUTHORIZED\b|\bDENIED\b",
        "GET http://127.0.0.1:5976/v2/charts/fljob/manifests/sha256-1a00.sig: UNAUTHORIZED: authentication "
        "required",
        "registry {host} refuses the credentials, or wants some: {text}",
        seen=_COSIGN,
    ),
    _AWAY,
)


def explain(
    failed: ChildFailed, table: tuple[Failure, ...], chart: ChartReference, program: str
) -> LauncherError:
    """Return our error for a run of a program that ended badly; never raises."""
    words = {"host": chart.host}
    if failed.ended is not Ended.EXITED:
        reason = Reason.CHART_REGISTRY_AWAY
        said = f"chart {chart}: registry {chart.host} did not answer {program} in time"
        return Unavailable(said, cure=cure_of(reason, words), reason=reason)
    # cosign says it twice: 'Error: X' and, in the next line, 'error during command execution: X'.
    text = failed.text.rpartition("Error: ")[2].partition("\nerror during command execution")[0].strip()
    found = find(table, text)
    short = foreign.said(text, _LONGEST) or f"exit code {failed.returncode}"
    if found is None:
        reason = Reason.CHART_NOT_FETCHED
        return Rejected(f"chart {chart}: {program} failed: {short}", reason=reason, cure=cure_of(reason))
    known = found[0]
    said = f"chart {chart}: {known.message.format(host=chart.host, text=short)}"
    return known.error(said, cure=cure_of(known.reason, words), reason=known.reason)
