"""Kubeconfigs that cannot be used, and one that asks for no certificate checks."""

from __future__ import annotations

import traceback
import warnings

import pytest
import urllib3
import yaml

from launcher.edges.kube import KubeClient
from launcher.errors import InvalidInput, Unavailable


@pytest.mark.parametrize("text", ["root:x:0:0:root:/root:/bin/bash\n", "- a\n", "3\n", "a: b\n", "{"])
def test_a_file_that_is_no_kubeconfig_is_named_in_words(tmp_path, text):
    (tmp_path / "config").write_text(text)
    with pytest.raises(InvalidInput, match=r"config(:1:2)? cannot be used: .*\n  cure: ") as found:
        KubeClient(str(tmp_path / "config"))
    assert "object" not in found.value.message


@pytest.mark.parametrize("path", ["/no/such", "~nosuch/config", "a" * 300, "a\0b"])
def test_a_path_that_cannot_be_is_no_kubeconfig(path):
    with pytest.raises(InvalidInput, match="there is no kubeconfig at"):
        KubeClient(path)


def test_a_chosen_lack_of_certificate_checks_is_no_warning(tmp_path):
    cluster = {"server": "https://127.0.0.1:1", "insecure-skip-tls-verify": True}
    kubeconfig = {
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (tmp_path / "config").write_text(yaml.safe_dump(kubeconfig))
    with warnings.catch_warnings(record=True) as told:
        KubeClient(str(tmp_path / "config"))
        warnings.warn("x", urllib3.exceptions.InsecureRequestWarning, stacklevel=1)
    assert told == []


@pytest.fixture
def client(tmp_path):
    """A client of nobody, whose token has a line end in it."""
    kubeconfig = {
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "s3cret"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (tmp_path / "config").write_text(yaml.safe_dump(kubeconfig))
    return KubeClient(str(tmp_path / "config"))


def _invalid_header(*_args, **_more):
    raise ValueError("Invalid header value b'Bearer s3cret\\n'")


@pytest.mark.parametrize("ask", ["call", "stream"])
def test_what_a_library_says_of_a_header_is_never_shown(client, ask):
    with pytest.raises(Unavailable) as found:
        getattr(client, ask)("list pods", _invalid_header)
    shown = "".join(traceback.format_exception(found.value))
    assert "s3cret" not in str(found.value) + repr(found.value)
    assert "token with a line end" in found.value.message
    # Whoever logs the trace does not print it, either.
    assert "s3cret" not in shown or found.value.__suppress_context__
    assert found.value.__cause__ is None


class Answer:
    """An answer with these bytes."""

    def __init__(self, data):
        self.data = data


@pytest.mark.parametrize("data", [b"<html>", b"\xff", b"[" * 100_000, b"9" * 5000])
def test_an_answer_that_is_no_json_is_one_sentence(client, data):
    with pytest.raises(Unavailable, match="cannot list pods"):
        client.call("list pods", lambda **_: Answer(data))


@pytest.mark.parametrize(
    "data", [b"{}", b"[]", b'{"items": 3, "metadata": []}', b'{"items": "ab"}', b'{"items": [1, null]}']
)
def test_a_list_that_is_none_has_no_items(client, data):
    assert client.list_all("list pods", lambda *_, **__: Answer(data), "fl") == ([], "")
