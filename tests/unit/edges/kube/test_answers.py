"""What is no answer of an API server says nothing; least of all that something is gone."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from launcher.core.names import LABEL_JOB_ID
from launcher.core.views import Presence
from launcher.edges.kube import KubeClient, KubePods, KubeSecrets
from launcher.edges.kube.watch import KubePodWatch
from launcher.errors import Unavailable

ITEM = {"metadata": {"name": "a", "namespace": "other", "uid": "u", "labels": {LABEL_JOB_ID: "x"}}}


class Core:
    """The methods of a client, each of which gives the next answer."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def __getattr__(self, _):
        return lambda *_args, **_more: self

    @property
    def data(self):
        return json.dumps(self.answers.pop(0)).encode()


def client(*answers):
    made = KubeClient.__new__(KubeClient)
    made.core, made.requests, made._connection = Core(*answers), 0, SimpleNamespace(pool=None)
    return made


@pytest.mark.parametrize("answer", [{}, {"items": None}, {"items": [ITEM]}, {"metadata": {}}, [], None, "x"])
def test_a_list_without_a_version_does_not_say_what_there_is(answer):
    with pytest.raises(Unavailable, match="the answer is no list"):
        KubePods(client(answer)).list("fl")
    with pytest.raises(Unavailable, match="the answer is no list"):
        KubePodWatch(client(answer), "fl")._list()


def test_the_same_page_again_is_not_asked_for_for_ever():
    page = {"items": [ITEM], "metadata": {"continue": "more", "resourceVersion": "1"}}
    with pytest.raises(Unavailable, match="the same page"):
        KubePods(client(page, page, page)).list("fl")


@pytest.mark.parametrize("answer", [{}, {"metadata": {}}, {"metadata": []}, [], {"metadata": {"uid": ""}}])
def test_a_pod_without_uid_is_none_and_not_gone(answer):
    seen = KubePods(client(answer)).get("a", "fl")
    assert (seen.presence, "the answer is no pod" in seen.why) == (Presence.UNAVAILABLE, True)


def test_a_pod_is_in_the_namespace_that_was_asked():
    assert KubePods(client(ITEM)).get("a", "fl").value.namespace == "fl"
    listed = {"items": [ITEM], "metadata": {"resourceVersion": "1"}}
    assert [pod.namespace for pod in KubePods(client(listed)).list("fl")] == ["fl"]


@pytest.mark.parametrize(
    "item", [{}, {"metadata": {}}, {"metadata": {"name": 3}}, {"metadata": 1}, "x", None]
)
def test_a_secret_that_is_none_is_not_listed(item):
    listed = {"items": [item, ITEM], "metadata": {"resourceVersion": "1"}}
    assert KubeSecrets(client(listed)).list("fl").keys() == {"a"}


@pytest.mark.parametrize("metadata", [None, {}, {"labels": []}, {"labels": "x"}, {"labels": {"other": 1}}])
def test_a_secret_without_our_label_is_left_alone(metadata):
    assert KubeSecrets(client({"metadata": metadata})).delete("a", "fl") is False
