"""The small pieces of the helm edge: times, environments, redaction."""

from __future__ import annotations

from datetime import datetime

import pytest

from launcher.edges.helm.environment import cluster_env, offline_env
from launcher.edges.helm.parsing import manifests_of, release_of_list, release_of_status, time_of, values_json
from launcher.edges.helm.redaction import redact


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-11-24T11:14:08.196044437Z", "2026-11-24T11:14:08.196044+00:00"),
        ("2026-11-24 11:14:08.196044437 +0000 UTC", "2026-11-24T11:14:08.196044+00:00"),
        ("2026-11-24 13:14:08 +0200 CEST", "2026-11-24T11:14:08+00:00"),
        ("2026-11-24T07:44:08.5-03:30", "2026-11-24T11:14:08.500000+00:00"),
    ],
)
def test_times_of_helm(text, iso):
    assert time_of(text) == datetime.fromisoformat(iso)


@pytest.mark.parametrize("text", ["", "soon", None, 7, "2026-11-24"])
def test_no_time(text):
    assert time_of(text) is None


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("\N{GRINNING FACE}", '"\N{GRINNING FACE}"'),  # helm reads YAML, which has no surrogate pairs
        ("\N{LATIN SMALL LETTER E WITH ACUTE}\n", '"\\u00e9\\n"'),
        ("\\ud83d\\ude00", '"\\\\ud83d\\\\ude00"'),
    ],
)
def test_values_as_helm_reads_them(text, written):
    assert values_json({"a": text}).decode() == '{"a": ' + written + "}"


def test_views_of_sparse_json():
    assert release_of_list({"name": "r1"}).revision == 0
    assert release_of_list({"name": "r1"}).chart == ""
    assert release_of_status({"name": "r1", "info": None}).values == {}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("fljob-0.1.0", "fljob"),
        ("fljob-0.1.0-rc.1+build", "fljob"),
        ("my-chart-2-v1.0.0", "my-chart-2"),
        ("fljob", "fljob"),
        ("fljob-evil-0.1.0", "fljob-evil"),
    ],
)
def test_the_chart_of_a_listed_release(text, name):
    found = release_of_list({"name": "r1", "chart": text})
    assert (found.chart, found.labelled) == (name, True)
    assert not release_of_status({"name": "r1"}).labelled


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("proxyconnect tcp: http://me:canary@proxy:3128", "proxyconnect tcp: http://me:***@proxy:3128"),
        ("Authorization: Bearer canary.x-y", "Authorization: ***"),
        ("got eyJhbGciOiJ.eyJpc3MiOiJ.c2ln_x here", "got *** here"),
        ('"client-key-data": "canary"', '"client-key-data": "***"'),
        ("token: canary", "token: ***"),
        # what only the core knew
        ("client_secret=canary", "client_secret=***"),
        ("passphrase: canary", "passphrase: ***"),
        ("AKIA" + "A1" * 8, "***"),
        ("hf_" + "a1" * 15, "***"),
        # what only this edge knew
        ("Basic bWU6Y2FuYXJ5LTUzMDk", "Basic ***"),
        ("-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY-----", "***"),
        ('pods "p1" is forbidden: exceeded quota: q', 'pods "p1" is forbidden: exceeded quota: q'),
        ("data: " + "QUJD" * 40 + "==", "data: ***"),
    ],
)
def test_redaction_by_shape(text, hidden):
    assert redact(text, {}) == hidden


def test_redaction_of_credentials_that_were_handed_down():
    env = {"AWS_SECRET_ACCESS_KEY": "canary", "AWS_WEB_IDENTITY_TOKEN_FILE": "/run/t", "A_TOKEN": "x"}
    assert redact("canary in /run/t, x", env) == "*** in /run/t, x"


def test_redaction_of_what_the_child_was_given():
    env = {
        "HELM_KUBETOKEN": "canary1",
        "https_proxy": "http://u:canary2@h",
        "NO_PROXY": "a,b",
        "X_PROXY": "http://[",
    }
    assert redact("canary1 and canary2 in a", env) == "*** and *** in a"


def test_long_texts_are_cut():
    assert len(redact("x y " * 5000, {})) < 4100
    assert redact("x y " * 5000 + "\nError: the end", {}).endswith("\nError: the end")


def test_offline_means_no_cluster():
    environ = {"PATH": "/bin", "KUBECONFIG": "/k", "HELM_KUBECONTEXT": "c", "KUBERNETES_SERVICE_HOST": "h"}
    assert offline_env(environ) == {"PATH": "/bin", "KUBECONFIG": "/dev/null"}


def test_an_empty_environment_stays_nearly_empty():
    assert cluster_env({"SECRET": "canary"}, driver="configmap") == {"HELM_DRIVER": "configmap"}


def test_manifests_have_the_types_that_a_cluster_sees():
    """Helm writes the `=` of `command: [test, a, =, b]` without quotes."""
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {at: 12:30}}\nspec: {command: [=, <<]}\n"
    )
    ((ref, one),) = manifests_of(text, "fl")
    assert (ref.text, one["metadata"]["annotations"], one["spec"]) == (
        "pod fl/a",
        {"at": "12:30"},
        {"command": ["=", "<<"]},
    )
