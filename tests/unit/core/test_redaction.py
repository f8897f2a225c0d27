"""What is hidden, and what is not: names, known values, shapes."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.core.foreign import said
from launcher.core.redaction import (
    by_shape,
    cautious,
    literals,
    looks_secret,
    masked,
    masker,
    redacted,
    secrets_of,
)

CANARY = "canary-5309"


@pytest.mark.parametrize(
    "name",
    [
        "HF_TOKEN",
        "TOKEN_FILE",
        "PGPASSWORD",
        "DB_PASSWORD2",
        "AWS_SECRET_ACCESS_KEY",
        "apiKey",
        "APIKEY",
        "sshKeys",
        "CREDENTIALS",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "DB_PASS",
        "DB_PWD",
        "client_secret",
        "PASSPHRASE",
        "Authorization",
        "COOKIE",
        "auth",
    ],
)
def test_looks_secret(name):
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "PWD",
        "TOKENIZERS_PARALLELISM",
        "KEYBOARD",
        "AUTHOR",
        "BYPASS_CHECKS",
        "PYTHONPATH",
        "NVIDIA_VISIBLE_DEVICES",
        "key",
        "secretName",
    ],
)
def test_does_not_look_secret(name):
    assert not looks_secret(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("get http://me:canary@proxy:3128/x", "get http://me:***@proxy:3128/x"),
        ("Authorization: Basic canary", "Authorization: ***"),
        ("{'Authorization': 'Bearer canary'}", "{'Authorization': '***'}"),
        ("curl with bearer canary-0123", "curl with bearer ***"),
        ("got eyJhbGciOiJ.eyJpc3MiOiJ.c2ln_x here", "got *** here"),
        ("password=canary", "password=***"),
        ('{"api_key": "canary"}', '{"api_key": "***"}'),
        ("{'token': 'canary'}", "{'token': '***'}"),
        ("HF_TOKEN=canary", "HF_TOKEN=***"),
        ("PGPASSWORD=canary", "PGPASSWORD=***"),
        ("accessToken: canary", "accessToken: ***"),
        ("token: true-canary", "token: ***"),
        ("automountServiceAccountToken: truecanary", "automountServiceAccountToken: ***"),
        ("sent Basic bWU6Y2FuYXJ5MQ==", "sent Basic ***"),
        ("config eyJhdXRocyI6eyJyIjp7fX0= read", "config *** read"),
        ("hf_" + "a1" * 15, "***"),
        ("-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY-----\nnext", "***\nnext"),
        ("-----BEGIN PRIVATE KEY-----\n" + "QUJD" * 16 + "\nepoch 1", "***\nepoch 1"),
        (
            "-----BEGIN PRIVATE KEY-----\nProc-Type: 4\nDEK-Info: A-B,C\n\ncanary\n-----END PRIVATE KEY-----\nnext",
            "***\nnext",
        ),
    ],
)
def test_by_shape_hides_credentials(text, shown):
    assert by_shape(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "tokens: 512, loss=0.3",
        "{serviceAccountName: a, automountServiceAccountToken: true}",
        "token: null",
        "password:\nepoch 1",
        "basic training starts",
        'MountVolume.SetUp failed for volume "x" : secret "db" not found',
        "couldn't find key password in Secret fl/db",
        'Failed to pull image "localhost:5001/a@sha256:0123": not found',
        "-----BEGIN CERTIFICATE-----",
        "pod sk-bratislava-hospital-1-0f3a of image r.io/sk-learn-trainer-image:1.2",
        "oci://[fd00::1]:5000/charts/fljob@sha256:abc",
        "oci://registry:5000/charts/fljob@sha256:abc",
        "fljob --token-file /run/token --verbose",
    ],
)
def test_by_shape_keeps_other_text(text):
    assert by_shape(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "0f3a" * 250_000,
        "a_" * 500_000,
        "eyJ-" * 250_000,
        ("eyJ-" * 1000 + "\n") * 256,
        ("://a:b" * 680 + "\n") * 256,
        "token" + " " * 1_000_000,
        "-----BEGIN PRIVATE KEY-----" * 37_000,
        "epoch 1 loss=0.3\n" * 60_000,
    ],
    ids=["hex", "words", "eyJ", "eyJ lines", "urls", "spaces", "keys", "lines"],
)
def test_by_shape_is_fast_on_a_megabyte(text):
    start = time.process_time()
    shown = by_shape(text)
    assert time.process_time() - start < 15
    assert max(map(len, shown.split("\n"))) < 4200


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:p@canary@proxy:3128 refuses", "http://me:***@proxy:3128 refuses"),
        ("parse http://me:p/canary@proxy:3128/x", "parse http://me:***@proxy:3128/x"),
        (r"http:\/\/me:canary@proxy", r"http:\/\/me:***@proxy"),
        ("oci://registry:5000/charts/fljob@sha256:abc", "oci://registry:5000/charts/fljob@sha256:abc"),
        ("http://proxy:3128/ of me@example.com", "http://proxy:3128/ of me@example.com"),
        ("Authorization: Token canary", "Authorization: ***"),
        ("Proxy-Authorization: Negotiate canary", "Proxy-Authorization: ***"),
        ('authorization: Digest username="x", response="canary"', "authorization: ***"),
        ("{b'Authorization': b'Bearer canary'}", "{b'Authorization': b'***'}"),
        ("'authorization': ['Bearer canary']", "'authorization': ['***']"),
        ('{"auths": {"r.io": {"auth": "canary"}}}', '{"auths": {"r.io": {"auth": "***"}}}'),
        (r"{\"token\": \"canary\"}", r"{\"token\": \"***\"}"),
        ('password = "a b, canary"', 'password = "***"'),
        (r'"token": "a\"canary"', '"token": "***"'),
        ("password='a,canary'", "password='***'"),
        ('"password": ["canary"]', '"password": ["***"]'),
        ("passwd: |\n  canary", "passwd: |\n  ***"),
        (r"{\"token\": \"a canary\", \"x\": \"y\"}", r"{\"token\": \"***\", \"x\": \"y\"}"),
        (r"{\"token\": \"a\\canary\"}", r"{\"token\": \"***\"}"),
        ('"token": "' + "a " * 9000 + 'canary"', '"token": "***"'),
        ("--token '" + "a " * 9000 + "canary'", "--token '***'"),
        ("helm --kube-token canary --debug", "helm --kube-token *** --debug"),
        ('x --db-password "a canary" y', 'x --db-password "***" y'),
        ("unknown flag: --token --debug", "unknown flag: --token --debug"),
        ("DB_PASS=canary, MYSQL_PWD=canary", "DB_PASS=***, MYSQL_PWD=***"),
        ("PWD=/root OLDPWD=/x", "PWD=/root OLDPWD=/x"),
        ("Set-Cookie: sid=canary; path=/", "Set-Cookie: ***"),
        ("ENCRYPTION_KEY=canary", "ENCRYPTION_KEY=***"),
        ('"private_key": "canary"', '"private_key": "***"'),
        ("https://a.example/x?sv=1&sig=canary", "https://a.example/x?sv=1&sig=***"),
        ("https://s3/x?X-Amz-Signature=canary&y=1", "https://s3/x?X-Amz-Signature=***&y=1"),
        ("got glpat-canary0123456789canary", "got ***"),
        ("got github_pat_11ABCDEFG0_canary0123456789", "got ***"),
        ("got sk-proj-0123456789canary-A", "got ***"),
        ("got sk-0123456789abcdef0123456789abcdef", "got ***"),
        ("got nvapi-canary-0123456789-canary", "got ***"),
        (
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nY2FuYXJ5\n-----END PGP PRIVATE KEY BLOCK----- x",
            "*** x",
        ),
    ],
)
def test_credentials_of_odd_shapes(text, shown):
    assert masked(text) == shown
    assert "canary" not in said(text)


def test_a_ruler_of_hyphens_takes_as_long_as_any_other():
    """A hyphen begins a flag: of a ruler each did, seventeen times as slow as one of equals signs."""
    spent = {}
    for mark in "=-":
        text = (mark * 4000 + "\n") * 64
        start = time.process_time()
        assert by_shape(text) == text
        spent[mark] = time.process_time() - start
    assert spent["-"] < 6 * spent["="]


def test_by_shape_counts_lines():
    """A line that is too long is the last one, and a YAML block before it has two."""
    shown = by_shape("passwd: |\n  canary\n" + "x" * 5000).split("\n")
    assert shown[:2] == ["passwd: |", "  ***"]
    assert shown[2].endswith("cut, the line has 5000 characters")


def test_by_shape_cuts_long_lines():
    line = "x" * 4000 + " http://me:" + "canary" * 300 + "@h " + "y" * 4000
    before, shown, after = by_shape(f"before\n{line}\nafter").split("\n")
    assert (before, after) == ("before", "after")
    assert "canary" not in shown
    assert shown.endswith(f" ... cut, the line has {len(line)} characters")


def test_masker_hides_known_values():
    mask = masker([CANARY + "\n", 'with "quotes"', "true", ""])
    assert mask(f"a {CANARY}b") == "a ***b"
    assert mask(json.dumps({"x": 'with "quotes"'})) == '{"x": "***"}'
    assert CANARY not in base64.b64decode(
        mask(base64.b64encode(f"{CANARY}\n".encode()).decode()) + "=="
    ).decode("latin1")
    assert mask("true is no secret") == "true is no secret"


def test_masker_without_values_changes_nothing():
    assert masker([])("") == ""
    assert masker(["", "short"])("short text") == "short text"


POD = {
    "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": CANARY, "vault-token": CANARY}},
    "spec": {
        "containers": [
            {
                "command": ["run", "--api-key", CANARY, "--epochs", "3"],
                "env": [
                    {"name": "HF_TOKEN", "value": CANARY},
                    {"name": "EMPTY_TOKEN", "value": ""},
                    {"name": "EPOCHS", "value": "3"},
                    {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "cred", "key": "TOKEN"}}},
                ],
                "envFrom": [{"secretRef": {"name": "many"}}, {"configMapRef": {"name": "no"}}],
            }
        ],
        "tolerations": [{"key": "nvidia.com/gpu", "value": "yes"}],
        "volumes": [
            {"name": "kit", "secret": {"secretName": "startup"}},
            {"name": "all", "projected": {"sources": [{"secret": {"name": "projected"}}, {"serviceAccountToken": {"path": "token"}}]}},
        ],
    },
}  # fmt: skip


def test_redacted_pod_loses_only_credentials():
    shown = redacted(POD, masker(literals(POD)))
    assert CANARY not in json.dumps(shown)
    container = shown["spec"]["containers"][0]
    assert container["command"] == ["run", "--api-key", "***", "--epochs", "3"]
    assert container["env"] == [
        {"name": "HF_TOKEN", "value": "***"},
        {"name": "EMPTY_TOKEN", "value": ""},
        {"name": "EPOCHS", "value": "3"},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "cred", "key": "TOKEN"}}},
    ]
    assert {**shown["spec"], "containers": None} == {**POD["spec"], "containers": None}


@pytest.mark.parametrize(
    ("tree", "shown"),
    [
        (
            {"api_keys": ["abcdefgh123"], "password": 12345678},
            {"api_keys": "***", "password": "***"},
        ),
        ({"tokens": [{"of": "me", "is": "abc"}], "pin": {"secret": 0.5}}, {"tokens": "***", "pin": {"secret": "***"}}),
        ({"name": "DB_PASSWORD", "value": 12345678}, {"name": "DB_PASSWORD", "value": "***"}),
        ({"name": "DB_PASSWORD", "value": ["abc"]}, {"name": "DB_PASSWORD", "value": "***"}),
        # These are no credentials.
        ({"automountServiceAccountToken": False, "token": None}, {"automountServiceAccountToken": False, "token": None}),
        ({"imagePullSecrets": [{"name": "registry"}]}, {"imagePullSecrets": [{"name": "registry"}]}),
        ({"tokens": [], "password": ""}, {"tokens": [], "password": ""}),
    ],
)  # fmt: skip
def test_redacted_hides_scalars_and_lists_under_secret_keys(tree, shown):
    assert redacted(tree, lambda text: text) == shown


def test_literals_include_numbers():
    assert list(literals({"name": "DB_PASSWORD", "value": 12345678})) == ["12345678"]


def test_literals_of_pod():
    assert set(literals(POD)) == {CANARY, ""}


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--api-key", CANARY], [CANARY]),
        (["--api-key", 12345678], ["12345678"]),
        (["--api-key", {"a": 1}, "--api-key", None, "--api-key", True, "--api-key", ["x"]], []),
    ],
)
def test_literals_of_arguments(arguments, found):
    assert list(literals({"args": arguments})) == found
    assert list(map(type, literals({"args": arguments}))) == [str] * len(found)


def test_secrets_of_pod():
    assert secrets_of(POD) == {"cred", "many", "startup", "projected"}


def test_secrets_of_chart_values():
    values = {
        "workspace": {"startup": {"secretName": "kit"}},
        "secretMounts": {"db": {"secretName": "db", "mountPath": "/db"}, "none": {"secretName": ""}},
    }
    assert secrets_of(values) == {"kit", "db"}


@pytest.mark.parametrize(
    "garbage", [None, "x", 7, [], {"spec": None}, {"env": [None, {"name": 7, "value": 8}]}]
)
def test_malformed_json_is_no_error(garbage):
    assert redacted(garbage, lambda text: text) == garbage
    assert list(literals(garbage)) == []
    assert secrets_of(garbage) == frozenset()


def test_cautious_hides_known_values_and_shapes():
    assert cautious([CANARY])(f"{CANARY} and password=other and text") == "*** and password=*** and text"


WORDS = st.text("abc123 \n")


@given(WORDS, st.text("abc123", min_size=6), WORDS)
def test_no_known_value_is_left(before, value, after):
    assert value not in masker([value])(before + value + after)


KEY_LINES = ["MIIEpAIBAAKCAQEAcanary", "c2Fub3RoZXJsaW5lY2FuYXJ5"]


@pytest.mark.parametrize("before", [[], ["first"], ["2026-01-01 start"]])
@pytest.mark.parametrize("number", [1, 2])
def test_the_end_of_a_private_key_is_hidden_without_its_beginning(before, number):
    shown = by_shape("\n".join([*before, *KEY_LINES[-number:], "-----END PRIVATE KEY-----", "after"]))
    assert not any(line in shown for line in KEY_LINES)
    assert [*before, "***", "after"] == shown.split("\n")


def test_a_value_of_several_lines_is_hidden_whole_and_in_part():
    value = "first-line-of-the-canary\nsecond-line-of-the-canary\nend"
    mask = masker([value])
    assert mask(f"a\n{value}\nb") == "a\n***\nb"
    assert mask("second-line-of-the-canary\nend") == "***\nend"


MANY = [f"{number:05d}-value-that-is-known" for number in range(3000)]


def test_many_known_values_are_hidden_like_few():
    mask = masker([*MANY, "canary with\ntwo lines", "00007-value-that-is-known and more"])
    assert mask("a 00003-value-that-is-known, 00004-value-that-is-kno") == "a ***, 00004-value-that-is-kno"
    assert mask("00007-value-that-is-known and more 02999-value-that-is-known") == "*** ***"
    assert mask("xcanary with\ntwo linesx") == "x***x"
    assert (mask(""), mask("short"), mask("nothing to hide")) == ("", "short", "nothing to hide")


def test_many_known_values_that_begin_alike_hide_the_rest_of_a_line():
    mask = masker(f"canary{number}" for number in range(3000))
    assert mask("a canary12, and canary2999\nb canar") == "a ***\nb canar"
    assert mask("canary") == "***"


@pytest.mark.parametrize(
    "values", [MANY, ["A" * length for length in range(6, 3000)]], ids=["apart", "alike"]
)
def test_many_known_values_take_as_long_as_few(values):
    mask, text = masker(values), "00001-value-that-is-kn A" * 10_000
    start = time.process_time()
    mask(text)
    assert time.process_time() - start < 10.0
