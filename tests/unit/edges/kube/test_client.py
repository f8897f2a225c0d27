"""Kubeconfigs that cannot be used, and one that asks for no certificate checks."""

from __future__ import annotations

import warnings

import pytest
import urllib3
import yaml

from launcher.edges.kube import KubeClient
from launcher.errors import InvalidInput


@pytest.mark.parametrize("text", ["root:x:0:0:root:/root:/bin/bash\n", "- a\n", "3\n", "a: b\n", "{"])
def test_a_file_that_is_no_kubeconfig_is_named_in_words(tmp_path, text):
    (tmp_path / "config").write_text(text)
    with pytest.raises(InvalidInput, match=r"config cannot be used: .*\n  cure: ") as found:
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
