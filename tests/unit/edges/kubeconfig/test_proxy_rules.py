"""The proxy of Go's rules."""

from __future__ import annotations

import pytest

from launcher.edges.kubeconfig.proxy import proxy_from_env

P = "http://proxy:3128"


@pytest.mark.parametrize(
    ("server", "environ", "proxy"),
    [
        ("https://a.example", {}, ""),
        ("https://a.example", {"HTTPS_PROXY": P}, P),
        ("https://a.example", {"https_proxy": P}, P),
        ("https://a.example", {"HTTPS_PROXY": P, "https_proxy": "http://other"}, P),
        ("https://a.example", {"HTTPS_PROXY": "", "https_proxy": P}, P),
        ("https://a.example", {"HTTP_PROXY": P, "ALL_PROXY": P}, ""),
        ("http://a.example", {"HTTP_PROXY": P}, P),
        ("https://a.example", {"HTTPS_PROXY": "u:p@proxy:3128"}, "http://u:p@proxy:3128"),
        ("https://localhost:6443", {"HTTPS_PROXY": P}, ""),
        ("https://127.1.2.3:6443", {"HTTPS_PROXY": P}, ""),
        ("https://[::1]:6443", {"HTTPS_PROXY": P}, ""),
        ("https://10.0.0.1:6443", {"HTTPS_PROXY": P}, P),
    ],
)
def test_which_variable_names_the_proxy(server, environ, proxy):
    assert proxy_from_env(server, environ) == proxy


@pytest.mark.parametrize(
    ("server", "no_proxy", "excluded"),
    [
        ("https://api.example", "*", True),
        ("https://api.example", " , ,api.example", True),
        ("https://api.example", "API.Example", True),
        ("https://x.api.example", "api.example", True),
        ("https://xapi.example", "api.example", False),
        ("https://api.example", ".api.example", False),
        ("https://x.api.example", ".api.example", True),
        ("https://x.api.example", "*.api.example", True),
        ("https://api.example", "*.api.example", False),
        ("https://api.example", "api.example:443", True),
        ("https://api.example:6443", "api.example:443", False),
        ("https://api.example:6443", "api.example:6443", True),
        ("https://10.1.2.3:6443", "10.0.0.0/8", True),
        ("https://10.1.2.3:6443", "10.1.2.3", True),
        ("https://10.1.2.3:6443", "10.1.2.3:443", False),
        ("https://10.1.2.3:6443", "3", False),
        ("https://10.1.2.3:6443", "2.3", False),
        ("https://[fd00::1]:6443", "fd00::/8", True),
        ("https://[fd00::1]:6443", "fd00::1", True),
        ("https://[fd00::1]:6443", "[fd00::1]:6443", True),
        ("https://api.example", "10.0.0.0/8,bad/8", False),
    ],
)
def test_no_proxy(server, no_proxy, excluded):
    proxy = proxy_from_env(server, {"HTTPS_PROXY": P, "NO_PROXY": no_proxy})
    assert proxy == ("" if excluded else P)
