"""Where an image is kept, which logins are for it, and what a registry's answer means for a job."""

from __future__ import annotations

import pytest

from launcher.core.catalogue import Code
from launcher.core.plan.images import Held, Login, Place, Pulled, image_rows, logins_for, place_of
from launcher.core.plan.rows import Answer
from launcher.core.plan.views import Cluster, PlannedImage
from launcher.core.views import NodeView
from launcher.errors import Denied, NotFound, Unavailable

ARM = NodeView("n", {}, labels={"kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64"})
SHA = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("image", "place"),
    [
        ("busybox", Place("docker.io", "library/busybox", "latest")),
        ("busybox:1", Place("docker.io", "library/busybox", "1")),
        ("me/tool", Place("docker.io", "me/tool", "latest")),
        ("docker.io/library/a:2", Place("docker.io", "library/a", "2")),
        ("localhost/a", Place("localhost", "a", "latest")),
        ("localhost:5001/a:2", Place("localhost:5001", "a", "2")),
        ("r.example/team/a@" + SHA, Place("r.example", "team/a", SHA)),
        ("r.example:80/team/a:1@" + SHA, Place("r.example:80", "team/a", SHA)),
        ("", Place("docker.io", "library/", "latest")),
    ],
)
def test_where_an_image_is_kept(image, place):
    assert place_of(image) == place


@pytest.mark.parametrize(
    ("image", "where", "fits"),
    [
        ("r.example/a", "r.example", True),
        ("r.example/a", "https://r.example/v2/", True),
        ("r.example/a", "r.example:443", False),
        ("r.example:443/a", "r.example:443", True),
        ("r.example/team/a", "r.example/team", True),
        ("r.example/teams/a", "r.example/team", False),
        ("r.example/a", "*.example", True),
        ("a.r.example/a", "*.example", False),
        ("evil.example/a", "r.example", False),
        ("busybox", "https://index.docker.io/v1/", True),
        ("busybox", "docker.io", True),
        ("r.example/a", "https://index.docker.io/v1/", False),
        ("r.example/a", "", False),
    ],
)
def test_whose_login_it_is(image, where, fits):
    assert bool(logins_for(place_of(image), [Login(where, "x")])) is fits


def test_the_most_particular_login_comes_first():
    logins = [Login("r.example", "1"), Login("r.example/team", "2")]
    assert [one.basic for one in logins_for(place_of("r.example/team/a"), logins)] == ["2", "1"]


def test_a_login_is_not_printed():
    assert "c2VjcmV0" not in repr(Login("r.example", "c2VjcmV0"))


def row(pulled, **cluster):
    (found,) = image_rows([pulled], Cluster(**cluster))
    return found


def image(policy="IfNotPresent"):
    return PlannedImage("r.example/a:1", "container job", policy)


@pytest.mark.parametrize(
    ("error", "answer", "code"),
    [
        (NotFound("none"), Answer.FAILS, Code.IMAGE_NOT_FOUND),
        (Denied("no"), Answer.FAILS, Code.IMAGE_AUTH),
        (Unavailable("gone"), Answer.NOT_ASKED, None),
    ],
)
def test_what_a_registry_refuses(error, answer, code):
    found = row(Pulled(image(), error=error))
    assert (found.answer, found.code) == (answer, code)


def test_an_image_that_a_node_has_may_do_without_its_registry():
    there = frozenset({"r.example/a:1"})
    assert row(Pulled(image(), error=NotFound("none")), images=there).answer is Answer.PERHAPS
    assert row(Pulled(image("Always"), error=NotFound("none")), images=there).answer is Answer.FAILS


def test_platforms():
    held = Held(SHA, frozenset({"linux/amd64"}))
    found = row(Pulled(image(), held), nodes=(ARM,))
    assert (found.answer, found.code) == (Answer.FAILS, Code.IMAGE_PLATFORM)
    assert "linux/arm64" in found.detail
    assert row(Pulled(image(), Held(SHA)), nodes=(ARM,)).answer is Answer.OK
    assert row(Pulled(image(), held)).answer is Answer.OK
    both = Held(SHA, frozenset({"linux/amd64", "linux/arm64"}))
    assert row(Pulled(image(), both), nodes=(ARM,)).answer is Answer.OK


def test_an_image_that_is_never_pulled_is_not_judged():
    assert row(Pulled(image("Never"), error=NotFound("none"))).answer is Answer.NOT_ASKED
