"""Names and paths: what the API server accepts, at the edges of its rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.core.syntax import is_dns_label, is_dns_subdomain, is_image_name, is_mount_path

INVALID = ["", "A", "-a", "a-", "a_b", "a b", "å", "a\n", "a/b", ":"]


@pytest.mark.parametrize("text", ["a", "7", "a-b", "0-9", "a--b", "a" * 63])
def test_dns_label(text):
    assert is_dns_label(text)
    assert is_dns_subdomain(text)


@pytest.mark.parametrize("text", [*INVALID, "a.b", "a" * 64])
def test_no_dns_label(text):
    assert not is_dns_label(text)


@pytest.mark.parametrize("text", ["a.b", "a-b.c", "a" * 64, "a" * 100 + ".b", "a" * 253, "a." * 126 + "a"])
def test_dns_subdomain(text):
    assert is_dns_subdomain(text)


@pytest.mark.parametrize("text", [*INVALID, ".a", "a.", "a..b", "a.-b", "a-.b", "a" * 254])
def test_no_dns_subdomain(text):
    assert not is_dns_subdomain(text)


@given(
    st.from_regex(
        r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?){0,3}", fullmatch=True
    )
)
def test_labels_joined_by_dots_are_a_subdomain(text):
    assert is_dns_subdomain(text)
    assert all(is_dns_label(label) for label in text.split("."))


@pytest.mark.parametrize(
    ("text", "valid"),
    [("/", True), ("/a/b c", True), ("/å", True), ("a", False), ("", False), ("/a:b", False), ("./a", False)],
)
def test_mount_path(text, valid):
    assert is_mount_path(text) is valid


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("img:1", True),
        ("registry:5000/a/b@sha256:0123", True),
        ("$UPPER", True),  # the kubelet decides about all else: InvalidImageName
        ("", False),
        ("a b", False),
        ("img:1\n", False),
        ("\u00a0img", False),
    ],
)
def test_image_name(text, valid):
    assert is_image_name(text) is valid
