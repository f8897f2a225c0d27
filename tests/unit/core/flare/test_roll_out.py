"""What of a parent's kit costs its running jobs when it is rolled out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from launcher.core.flare.roll_out import NodeImages, ParentKit, image_risk, pull_risk, risks

DEPLOYMENT = "kind: Deployment\nspec:\n  replicas: 1\n  strategy:\n    type: Recreate\n"
SITE = {"name": "site-1", "serviceName": "site-1", "port": 8102}
SERVER = {"name": "nvflare-server", "serviceName": "nvflare-server", "parentPort": 8102}


def connections(**resources):
    """Return FLARE's file as `nvflare deploy prepare` 2.9.0 writes it."""
    return {"internal": {"scheme": "tcp", "resources": {"host": "site-1", "port": 8102, **resources}}}


GOOD = ParentKit(connections(), SITE, DEPLOYMENT)


@pytest.mark.parametrize(
    "kit",
    [
        GOOD,
        replace(GOOD, connections=connections(host="site-1.fl.svc.cluster.local")),
        replace(GOOD, values={"name": "site-1", "port": 8102}),
        replace(GOOD, connections=connections(port="8102")),
        ParentKit(connections(host="nvflare-server"), SERVER, DEPLOYMENT),
        ParentKit(connections()),  # the workspace of a parent has no chart
        replace(GOOD, deployment="kind: Deployment\nstrategy: {type: Recreate}\n"),
        replace(
            GOOD, deployment="kind: Deployment\nstrategy: {{ .Values.strategy }}\nreplicas: {{ .Values.n }}\n"
        ),
        replace(GOOD, values=SITE | {"serviceName": "s" * 70}, connections=connections(host="s" * 63)),
    ],
)
def test_nothing_is_said_of_a_kit_as_flare_prepares_it(kit):
    assert list(risks(kit)) == []


@pytest.mark.parametrize(
    ("kit", "said", "cure"),
    [
        (replace(GOOD, adopts=False), "`adopt` is false", "fljob.yaml"),
        (replace(GOOD, connections=connections(port=None)), "takes a random port", "parent_port"),
        (replace(GOOD, connections=connections(port=0)), "takes a random port", "parent_port"),
        (
            replace(GOOD, connections=connections(port=None, ports="1-9")),
            "takes a random port",
            "parent_port",
        ),
        (replace(GOOD, connections=connections(port=8103)), "is 8103, and the Service has 8102", "the same"),
        (replace(GOOD, connections=connections(host="localhost")), "names no Service", "runtime: k8s"),
        (replace(GOOD, connections=connections(host=None)), "names no Service", "runtime: k8s"),
        (replace(GOOD, connections=connections(host="old")), "is old, and the Service is site-1", "keep it"),
        (
            ParentKit(connections(), SERVER | {"serviceName": None}, DEPLOYMENT),
            "serviceName is missing",
            "`serviceName: site-1`",
        ),
        (
            replace(GOOD, deployment=DEPLOYMENT.replace("Recreate", "RollingUpdate")),
            "has not the strategy Recreate",
            "type: Recreate",
        ),
        (replace(GOOD, deployment="kind: Deployment\nspec:\n  replicas: 1\n"), "two parents", "Recreate"),
        (
            replace(GOOD, deployment=DEPLOYMENT.replace("replicas: 1", "replicas: 2")),
            "2 replicas",
            "replicas: 1",
        ),
    ],
)
def test_each_risk_is_a_sentence_and_a_cure(kit, said, cure):
    (found,) = risks(kit)
    assert said in found.sentence
    assert cure in found.cure


@pytest.mark.parametrize("odd", [{}, {"internal": []}, {"internal": {"resources": 3}}])
def test_a_file_that_says_nothing_of_the_parent_is_two_risks(odd):
    assert len(list(risks(replace(GOOD, connections=odd)))) == 2


@pytest.mark.parametrize(
    ("image", "values", "is_risky"),
    [
        ("r/p:1", {"image": {"pullPolicy": "Always"}}, True),
        ("r/p:1", {"image": {"pullPolicy": "IfNotPresent"}}, False),
        ("r/p@sha256:0a", {"image": {"pullPolicy": "Always"}}, False),
        ("r/p:1", {"image": "r/p:1"}, False),
        ("r/p:1", {}, False),
    ],
)
def test_a_tag_that_is_always_pulled_is_a_risk(image, values, is_risky):
    found = pull_risk(image, values)
    assert (found is not None) is is_risky
    assert found is None or "IfNotPresent" in found.cure


def node(name, *images, count=0, size=580_000_000, **others):
    return NodeImages(name, dict.fromkeys(images, size), count or len(images), **others)


IMAGE = "reg.example:5000/p:1"
HAS = node("a", IMAGE)


@pytest.mark.parametrize(
    ("nodes", "selector", "text"),
    [
        ([HAS], {}, "on 1 of 1 nodes that take it"),
        ([HAS, node("b", is_open=False)], {}, "on 1 of 1 nodes that take it"),
        ([replace(HAS, labels={"x": "y"}), node("b")], {"x": "y"}, "on 1 of 1 nodes that take it"),
        (
            [HAS, node("b", count=50)],
            {},
            "on 1 of 2 nodes that take it; 1 list no more than their 50 largest images",
        ),
        ([], {}, "no node takes it now"),
    ],
)
def test_an_image_that_may_be_everywhere_is_no_risk(nodes, selector, text):
    assert image_risk(IMAGE, nodes, selector) == (text, None)


def test_an_image_that_a_node_lacks_is_downloaded_first():
    lacking = [node(f"n{number}", "other:1") for number in range(5)]
    _, risk = image_risk(IMAGE, [HAS, *lacking], {})
    assert risk.sentence.startswith(
        "it is on 1 of 6 nodes that take it: elsewhere a download of 580 MB comes first"
    )
    assert risk.cure.startswith("pull it on n0, n1, n2 and 2 more before a roll-out")
    assert "MB" not in image_risk(IMAGE, lacking, {})[1].sentence


@pytest.mark.parametrize(
    ("image", "listed"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("acme/p:1", "docker.io/acme/p:1"),
        ("localhost/p", "localhost/p:latest"),
        ("r.io/p@sha256:0a", "r.io/p@sha256:0a"),
        ("r:5000/p", "r:5000/p:latest"),
    ],
)
def test_an_image_is_known_by_its_name_in_full(image, listed):
    assert image_risk(image, [node("a", listed)], {})[1] is None
