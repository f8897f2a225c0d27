"""Configurations that nobody writes on purpose: what kubectl and helm make of them, and so the launcher."""

from __future__ import annotations

import json

from tests.contract.kube.cluster_cases import ME, Case, Make, Site, inline, one, two
from tests.contract.kube.recording_api import Asked

__all__ = ["ODD", "ONLY_HERE_ODD", "odd_refusals"]


def _sent(text: str) -> str:
    """Return a header as the recording server reads it: Latin-1 of what was sent as UTF-8."""
    return text.encode().decode("latin-1")


def _changed(site: Site, **fields: str) -> Case:
    return Case({"config": one(site).files["config"] | fields})


def _tabs(site: Site) -> Case:
    """JSON that an editor has indented, and a program has written without blanks."""
    text = json.dumps(one(site).files["config"], indent="\t")
    return Case({"config": text.replace(": ", ":\t")})


ODD: dict[str, tuple[Make, Asked]] = {
    "JSON with tabs": (_tabs, ME),
    "a token with umlauts": (
        lambda s: one(s, {"token": "tökén"}),
        Asked("alpha", _sent("Bearer tökén")),
    ),
    "a token file with letters that Latin-1 does not have": (
        lambda s: s.write("token", "токен\n") and one(s, {"tokenFile": "token"}),
        Asked("alpha", _sent("Bearer токен")),
    ),
    "a token file with a blank inside": (
        lambda s: s.write("token", "a b\n") and one(s, {"tokenFile": "token"}),
        Asked("alpha", "Bearer a b"),
    ),
    "an authority between other text": (
        lambda s: (
            s.write("bundle.crt", f"# ours\n{(s.folder / 'ca.crt').read_text()}\n# end\n")
            and one(s, **{"certificate-authority": "bundle.crt"})
        ),
        ME,
    ),
    "impersonation with blanks around it": (
        lambda s: one(s, {"token": "t-me", "as": " eve "}),
        Asked("alpha", "Bearer t-me", (("Impersonate-User", "eve"),)),
    ),
    "HELM_KUBEASGROUPS": (
        lambda s: two(s, {"HELM_KUBEASUSER": "eve", "HELM_KUBEASGROUPS": "g1"}),
        Asked("alpha", "Bearer t-me", (("Impersonate-Group", "g1"), ("Impersonate-User", "eve"))),
    ),
}


def odd_refusals(site: Site) -> dict[str, tuple[Case, str]]:
    """Return what is refused, and the words that name it."""
    return {
        "another kind": (_changed(site, kind="Pod"), "kind is 'Pod' and not Config"),
        "another apiVersion": (_changed(site, apiVersion="v2"), "apiVersion is 'v2' and not v1"),
        "an authority that is empty": (
            (site.write("empty.crt", ""), one(site, **{"certificate-authority": "empty.crt"}))[1],
            "certificate-authority .*empty.crt has no certificate",
        ),
        "an authority that is a key": (
            one(
                site, **{"certificate-authority": None, "certificate-authority-data": inline(site, "me.key")}
            ),
            "certificate-authority-data has no certificate",
        ),
        "a token of blanks": (one(site, {"token": "   "}), "token is blank"),
    }


# kubectl and helm send `Authorization: Bearer` and nothing behind it.
ONLY_HERE_ODD = {"a token of blanks"}
