"""Which lines of a difference are to be seen first: each row of docs/review.md's table, and nothing that is only moved."""

from __future__ import annotations

import pytest

from launcher.core.manifest_diff import Change, Side, compare
from launcher.core.report.attention import look_at
from launcher.core.report.review import LONGEST_COMMENT, as_markdown

TEMPLATE = 'templates["studies/heart.yaml.j2"] ...'
SEEN = {
    "a folder of the node": [
        ("+", "spec.volumes[host].hostPath.path", "/var/lib/kubelet"),
        ("+", TEMPLATE, "    - {name: v, hostPath: {path: /}}\n"),
    ],
    "a namespace of the node": [("+", "spec.hostNetwork", "true"), ("+", TEMPLATE, "hostPID: true\n")],
    "more rights on the node": [
        ("+", "spec.containers[<job>].securityContext.privileged", "true"),
        ("+", "spec.containers[a].securityContext.capabilities.add[0]", "SYS_ADMIN"),
    ],
    "the API server, as that account": [
        ("+", "spec.automountServiceAccountToken", "true"),
        ("+", "spec.serviceAccountName", "launcher"),
        ("+", TEMPLATE, "  spec: {serviceAccountName: launcher, automountServiceAccountToken: true}\n"),
    ],
    "data: whose is that claim": [("+", "spec.volumes[d].persistentVolumeClaim.claimName", "heart-labels")],
    "data that the job can change": [("+", "spec.containers[<job>].volumeMounts[d].readOnly", "false")],
    "the content of a Secret": [("+", "spec.volumes[d].secret.secretName", "keys")],
    "devices: how many, and of whom": [
        ("+", 'spec.containers[<job>].resources.limits["nvidia.com/gpu"]', "2"),
    ],
    "devices: how many": [("+", TEMPLATE, 'cards: {nvidia.com/gpu: "2"}\n')],
    "traffic to and from everywhere": [("+", "spec.egress[0]", {})],
    "depends on the job: no manifest below may show it": [("+", TEMPLATE, "{% if job.attempt > 1 %}\n")],
    "other code: who builds it": [("+", "spec.containers[<job>].image", "reg.example/train:2")],
    "a protection goes": [("-", "spec.containers[<job>].securityContext.runAsNonRoot", "true")],
    "a bound goes": [("-", "spec.volumes[shm].emptyDir.sizeLimit", "4Gi")],
}
HARMLESS = [
    ("+", "spec.containers[<job>].env[WORKERS].value", "6"),
    ("+", "metadata.labels.team", "heart"),
    ("-", "spec.volumes[host].hostPath.path", "/var/lib"),
    ("+", "spec.automountServiceAccountToken", "false"),
    ("+", "spec.containers[<job>].securityContext.privileged", "false"),
    ("+", "spec.containers[<job>].resources.limits.memory", "56Gi"),
]


def change(sign, path, value):
    text = value if isinstance(value, str) else "{}"
    return Change(sign, path, f'"{text}"' if isinstance(value, str) else text)


@pytest.mark.parametrize("why", SEEN)
def test_each_row_of_the_table(why):
    for one in SEEN[why]:
        (found,) = look_at([(("heart",), [change(*one)])])
        assert (found.why, found.where) == (why, ("heart",))


@pytest.mark.parametrize("one", HARMLESS)
def test_what_is_none_of_them(one):
    assert look_at([(("heart",), [change(*one)])]) == []


def test_a_line_that_was_only_moved_is_none():
    old, new = change("-", TEMPLATE, "{% if a %}\n"), change("+", TEMPLATE, "{% if a %}\n")
    assert look_at([(("heart",), [old, new])]) == []


def test_the_worst_comes_first():
    image, folder = (change(*SEEN[why][0]) for why in ("other code: who builds it", "a folder of the node"))
    assert [one.why for one in look_at([(("a",), [image]), (("b",), [folder])])] == [
        "a folder of the node",
        "other code: who builds it",
    ]


def pod(**spec):
    return {"kind": "Pod", "metadata": {"name": "a"}, "spec": spec}


def comment(before, after):
    return as_markdown(compare(Side(before, {}), Side(after, {})))


def test_the_comment_begins_with_them():
    text = comment({"heart": [pod()]}, {"heart": [pod(volumes=[{"name": "v", "hostPath": {"path": "/"}}])]})
    head, _, rest = text.partition("#### Look at these lines first")
    assert "hostPath" not in head
    assert "# a folder of the node (heart)" in rest
    assert rest.count('+spec.volumes[v].hostPath.path: "/"') == 2  # there, and in its place


def test_a_comment_without_any_says_nothing_of_them():
    assert "Look at these" not in comment({"a": [pod(x="1")]}, {"a": [pod(x="2")]})


def test_many_of_them_leave_room_for_the_rest():
    volumes = [{"name": f"v{number}", "hostPath": {"path": "/" + "x" * 100}} for number in range(2000)]
    text = comment({"heart": [pod()]}, {"heart": [pod(volumes=volumes)], "liver": [pod()]})
    assert len(text) <= LONGEST_COMMENT
    assert "more lines ..." in text


def test_what_others_wrote_does_not_leave_the_block():
    evil = "heart`````\n@everyone"
    text = comment({evil: [pod()]}, {evil: [pod(image="`````\n# fine")]})
    outside = [one for one in text.splitlines() if one.startswith("@everyone")]
    assert outside == []
