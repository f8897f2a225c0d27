"""Names: always valid, never colliding, deterministic, and FLARE's own where FLARE has one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.core import names

DNS_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)?")
JOB_IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}", fullmatch=True)
TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=90)
UUID = "7f4e9c1a-3b2d-4c5e-8f6a-1b2c3d4e5f60"


@given(JOB_IDS, TEXT)
def test_names_are_valid_dns_labels(job_id, site):
    pod = names.pod_name(job_id, site)
    for name, limit in (
        (names.release_name(job_id, site), 53),
        (pod, 63),
        (names.container_name(job_id), 63),
        (names.startup_secret_name(site), 63),
        (names.dataset_volume_name("study", site), 63),
    ):
        assert len(name) <= limit
        assert DNS_LABEL.fullmatch(name), name


@given(TEXT)
def test_label_values_are_valid(text):
    value = names.label_value(text)
    assert 0 < len(value) <= 63
    assert LABEL_VALUE.fullmatch(value)


@given(st.tuples(JOB_IDS, TEXT), st.tuples(JOB_IDS, TEXT))
def test_different_jobs_get_different_releases(one, two):
    assert (names.release_name(*one) == names.release_name(*two)) == (one == two)


@pytest.mark.parametrize(
    ("job_id", "slug"),
    [
        (UUID, "j" + UUID),
        ("ABC_def", "abcdef"),
        ("-a", "-a"),
        ("", ""),
        ("a" * 62 + "-b", "a" * 62),
        ("a" * 63, "a" * 63),
        ("1" + "a" * 63, "j1" + "a" * 61),
    ],
)
def test_job_slug_matches_flare(job_id, slug):
    assert names.job_slug(job_id) == slug


@pytest.mark.parametrize(
    ("site", "limit", "head"),
    [("site-1", 47, "site-1"), ("7", 47, "s7"), ("???", 47, "site"), ("a" * 80, 20, "a" * 11)],
)
def test_site_slug_is_head_and_hash(site, limit, head):
    slug = names.site_slug(site, limit)
    assert re.fullmatch(re.escape(head) + "-[0-9a-f]{8}", slug)
    assert len(slug) <= limit


def test_similar_sites_get_different_names():
    assert names.pod_name("a", "site#1") != names.pod_name("a", "site1")
    assert names.release_name("a", "site#1") != names.release_name("a", "site1")


def test_names_are_stable_across_versions():
    """A release of an earlier version must be found and removed by its name."""
    now, before = names.release_names(UUID, "site-1")
    assert (now[:27], len(now), before) == ("fj-7f4e9c1a-site-1-be980e07", 39, "fj-7f4e9c1a-site-1-be980e07")
    assert names.release_name(UUID, "site-1") == now
    assert names.pod_name(UUID, "site-1") == "j7f4e9c1a-3b2d-4c5e-8f6a-1b2c3d4e5f60-site-1-f505dccd"


def test_credential_secret_is_named_after_pod():
    assert names.credential_secret_name("abc-site-1") == "nvflare-cred-abc-site-1"


def test_hash_separates_job_from_site():
    assert names.release_name("a-b", "c") != names.release_name("a", "b-c")


@pytest.mark.parametrize(("text", "value"), [("site-1", "site-1"), ("a" * 63, "a" * 63)])
def test_valid_label_value_is_unchanged(text, value):
    assert names.label_value(text) == value


@pytest.mark.parametrize("text", ["a" * 64, "site 1", "-a", "å", "a/b", "a."])
def test_invalid_label_value_gets_hash(text):
    assert re.fullmatch(r"(?:[A-Za-z0-9._-]+-)?[0-9a-f]{8}", names.label_value(text))


def test_credential_secret_belongs_to_one_site():
    for site in ("site-1", "site-10", "a", "b-a", "x" * 40):
        name = names.credential_secret_name(names.pod_name(UUID, site))
        assert names.is_credential_of(name, site)
        for other in {"site-1", "site-10", "a", "b-a", "x" * 39} - {site}:
            assert not names.is_credential_of(name, other)
    assert not names.is_credential_of(names.startup_secret_name("a"), "a")


def test_volume_names_are_flares():
    assert re.fullmatch(r"data-cancer-images-[0-9a-f]{8}", names.dataset_volume_name("cancer", "images"))
    assert re.fullmatch(r"secret-cancer-db-[0-9a-f]{8}", names.secret_volume_name("cancer", "db"))


@given(TEXT, TEXT)
def test_credentials_of_another_site_are_not_ones_own(one, other):
    secret = names.credential_secret_name(names.pod_name(UUID, one))
    assert names.is_credential_of(secret, one)
    assert names.is_credential_of(secret, other) is (one == other)
