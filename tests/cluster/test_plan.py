"""``fljob plan`` against the matrix: what it says before a launch is what the matrix has seen of one.

The rows are those of ``tests/cluster/matrix``, whose codes ``test_matrix.py`` sees on launches. Each row of the groups
that are gone through is either known before, or stands in NOT_KNOWN with the reason; and even then a plan says nothing
else.
"""

from __future__ import annotations

import json

import pytest

from launcher.cli.planned import planned
from launcher.core.catalogue import Code
from launcher.core.flare.meta import parse_meta
from launcher.core.plan.rows import Answer
from launcher.core.spec.assemble import Request, build_jobspec
from launcher.core.spec.site import SiteConfig
from launcher.core.spec.study import Study
from tests.cluster.conftest import SITE, kubectl, meta
from tests.cluster.matrix import ROWS
from tests.cluster.matrix.creation import CREATION
from tests.cluster.matrix.devices import DEVICES
from tests.cluster.matrix.ends import ENDS
from tests.cluster.matrix.healing import HEALING
from tests.cluster.matrix.kwok import KWOK_ROWS
from tests.cluster.matrix.lost import LOST
from tests.cluster.matrix.mounts import MOUNTS
from tests.cluster.matrix.node_settings import NODE_SETTINGS
from tests.cluster.matrix.probes import PROBES
from tests.cluster.matrix.starting import STARTING
from tests.cluster.matrix.unscheduled import UNSCHEDULED
from tests.cluster.matrix.volumes import VOLUMES

pytestmark = pytest.mark.cluster

IMAGE = "what the registry says that only the nodes reach: asked from here, it cannot be found"
PROCESS = "what a process does is known when it runs"
NODE = "what is installed on a node, and what its kubelet refuses, no object of the cluster says"
LATER = "it depends on what happens after the launch"
PODS = "rules about other pods are the scheduler's: the plan names them as not judged"
BINDING = "whether a volume is found for a claim is decided when there is a pod: perhaps"
DEVICE = "which devices a claim gets is decided when there is a pod"
PLACE = "where a volume can be reached from is not judged, and the plan says so"
QUEUE = "a queue opens the gate: perhaps"
ASKED = "the cluster cannot be asked, and the plan says that instead (exit code 5)"

# The rows whose registry answers here, too.
IMAGES = ("image-tag-missing", "image-missing", "image-digest-missing")

# Row -> why it cannot be known before.
NOT_KNOWN = {
    **{row.name: PROCESS for row in (*ENDS, *PROBES)},
    **{row.name: LATER for row in (*ENDS, *LOST) if row.act or row.code is Code.ADMISSION},
    **{
        row.name: IMAGE
        for row in (*STARTING, *HEALING)
        if ("image" in row.name or row.name.startswith("registry")) and row.name not in IMAGES
    },
    **{row.name: PROCESS for row in STARTING if row.name.startswith(("init-", "sidecar-", "command-"))},
    **dict.fromkeys(("working-directory", "post-start-hook", "non-root", "sub-path"), PROCESS),
    **dict.fromkeys(("mount-over-a-file", "memory-below-a-process"), PROCESS),
    **{row.name: NODE for row in (*NODE_SETTINGS, *MOUNTS) if row.code is not Code.MISSING_REF},
    **dict.fromkeys(("nominated", "nominated-heals"), LATER),
    **{row.name: PODS for row in (*UNSCHEDULED, *HEALING) if row.code is Code.POD_CONSTRAINT},
    **{row.name: BINDING for row in VOLUMES if row.code is not Code.PVC_MISSING},
    **dict.fromkeys(("claim-bound", "claim-bound-late"), BINDING),
    **{row.name: DEVICE for row in DEVICES if row.name != "device-template-missing"},
    "resource-claim-unmet": DEVICE,
    **dict.fromkeys(("gate", "gate-heals"), QUEUE),
    "no-scheduler": "that a scheduler of another name runs, no object says",
    "api-down": ASKED,
}
GROUPS = (*CREATION, *UNSCHEDULED, *VOLUMES, *MOUNTS, *STARTING, *DEVICES, *NODE_SETTINGS)
GROUPS += (*HEALING, *ENDS, *PROBES, *LOST)


@pytest.fixture
def plan(scene, image, tmp_path):
    """Return a function that plans the job of a row."""

    def make(row):
        kubeconfig = ""
        if row.account:
            config = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))
            config["users"][0]["user"] = {"token": scene.kubectl("create", "token", row.account).strip()}
            (tmp_path / "kubeconfig").write_text(json.dumps(config))
            kubeconfig = str(tmp_path / "kubeconfig")
        site = SiteConfig(
            site=SITE,
            namespace=scene.fill(row.into) or scene.namespace,
            values=scene.read(row.values) or {},
            ephemeral_storage="32Mi",
            max_pending_timeout=None,
            kubeconfig=kubeconfig,
            autoscaler="unknown" if row.may_grow else "none",
        )
        command = ("sh", "-c", row.command) if isinstance(row.command, str) else row.command
        request = Request(job_id=scene.job_id, site=SITE, command=command)
        parsed = parse_meta(meta(**{"image": scene.fill(row.image), **row.k8s}), SITE)
        return planned(site, build_jobspec(request, parsed, Study(), site), {}, registry=True)

    return make


def names(namespace):
    kinds = "pod,secret,configmap,networkpolicy,poddisruptionbudget,event,persistentvolumeclaim,lease"
    return sorted(kubectl("get", kinds, "-n", namespace, "-o", "name").split())


def test_every_row_of_the_matrix_is_planned_or_has_its_reason():
    rows = {row.name for row in GROUPS}
    assert set(NOT_KNOWN) <= rows
    # What kwok says is made up after a launch, in the words of a component that is not there.
    assert {row.name for row in ROWS} - {row.name for row in KWOK_ROWS} == rows
    known = [name for name in rows if name not in NOT_KNOWN]
    assert len(known) >= 60


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=row.name, marks=[pytest.mark.exclusive(row.exclusive)] if row.exclusive else [])
        for row in GROUPS
        if row.account != "nobody-there"
    ],
)
def test_a_plan_says_what_a_launch_meets(row, scene, plan):
    scene.apply(row.objects)
    if row.before:
        row.before(scene)
    before = names(scene.namespace)
    try:
        found = plan(row)
    finally:
        scene.restore()
    said = [(one.answer.value, one.code, one.detail) for one in found.rows if one.answer is not Answer.OK]
    code = found.decisive.code if found.decisive else None
    if row.name in NOT_KNOWN:
        assert code in (None, row.code, row.when), said
    else:
        first = row.when if row.act and isinstance(row.when, Code) else row.code
        assert code is first, said
        assert found.decisive.cure
        assert found.return_code == (row.return_code if first is row.code else 104)
    assert [
        name for name in names(scene.namespace) if name not in before and not name.startswith("event")
    ] == []


def test_what_is_there_is_no_finding(scene, plan):
    row = next(one for one in STARTING if one.name == "env-secret-key-missing")
    scene.apply(row.objects)
    for values in ("key: a", "key: x, optional: true"):
        text = row.values.replace("key: x", values)
        assert plan(type(row)(**{**vars(row), "values": text})).return_code == 0


def test_the_command_line(fljob, scene, job_folder, tmp_path):
    job, site = str(job_folder(pending_timeout=7)), ("--site", SITE, "-n", scene.namespace)
    fljob("plan", job, *site, "--", "true", check=0)
    fljob("launch", job, *site, "--dry-run", "server", "--", "true", check=0)
    row = next(one for one in CREATION if one.name == "quota")
    scene.apply(row.objects)
    row.before(scene)
    before = names(scene.namespace)
    shown = json.loads(fljob("plan", job, *site, "-o", "json", "--", "true", check=104).stdout)
    assert (shown["code"], shown["returnCode"], shown["notAsked"]) == ("QuotaExceeded", 104, 0)
    (found,) = (one for one in shown["checks"] if one["code"])
    assert (found["answer"], found["clock"], found["seconds"]) == ("waits", "pending_timeout", 7)
    said = fljob("launch", job, *site, "--dry-run", "server", "--", "true", check=104).stdout
    assert ": waits QuotaExceeded: " in said
    assert fljob("launch", job, *site, "--dry-run", "client", "--", "true", check=0).stdout
    assert names(scene.namespace) == before


def test_a_cluster_that_does_not_answer_is_an_error(fljob, scene, job_folder, tmp_path):
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    where = ("--site", SITE, "-n", scene.namespace, "--kubeconfig", str(tmp_path / "kubeconfig"))
    done = fljob("plan", str(job_folder()), *where, "--", "true", check=5)
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
