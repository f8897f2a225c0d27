"""The doctor: what a check prints, what it reads of a kit, and looking into an image without leaving anything."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from launcher.cli.commands.doctor import _probes, image, kit, probe
from launcher.cli.commands.doctor import site as site_module
from launcher.cli.commands.doctor.check import Check, run_checks
from launcher.cli.commands.doctor.image import Probe, probe_image
from launcher.composition import make_service
from launcher.core.rights import needed
from launcher.core.spec.site import SiteConfig
from launcher.errors import Cancelled, Denied, InvalidInput, Rejected, ToolMissing
from tests.fakes import FakeReleases, FakeWorld, exited, main, scheduled

SITE = SiteConfig(site="doctor", namespace="fl")
PYTHON = "/usr/local/bin/python"


# what is printed


def failing(error):
    def ask():
        raise error

    return ask


def test_a_check_that_passes_is_one_line(capsys):
    assert run_checks([Check("helm", lambda: "v4.3.0")]) == 0
    assert capsys.readouterr().out == "ok    helm: v4.3.0\n"


def test_a_failure_has_its_cure_and_is_counted(capsys):
    assert run_checks([Check("kit", failing(InvalidInput("is old", cure="make it new")))]) == 1
    assert capsys.readouterr().out == "FAIL  kit: is old\n  cure: make it new\n"


def test_what_makes_something_is_not_tried_after_a_failure(capsys):
    asked = []
    checks = [
        Check("right", failing(InvalidInput("not granted"))),
        Check("image", lambda: asked.append(1) or "fine", needs_all=True),
        Check("claim", lambda: "Bound"),
    ]
    assert run_checks(checks) == 1
    assert asked == []
    out = capsys.readouterr().out.splitlines()
    assert out[1:] == [
        "skip  image: not tried, since something above is wrong",
        "ok    claim: Bound",
    ]


def test_a_denied_check_of_what_jobs_do_not_need_is_no_failure(capsys):
    assert run_checks([Check("claim data", failing(Denied("no")), may_be_denied=True)]) == 0
    assert run_checks([Check("pods", failing(Denied("no")))]) == 1
    assert capsys.readouterr().out.startswith("skip  claim data: no right to look")


def test_a_cure_is_printed_once(capsys):
    cure = "install it"
    checks = [
        Check(name, failing(ToolMissing("no helm", cure=cure))) for name in ("helm", "chart", "cluster")
    ]
    assert run_checks([*checks, Check("right", failing(InvalidInput("no watch", cure=cure)))]) == 4
    assert capsys.readouterr().out.splitlines() == [
        "FAIL  helm: no helm",
        "  cure: install it",
        "skip  chart: the same",
        "skip  cluster: the same",
        "FAIL  right: no watch",
    ]


# what a site says


GRANTED = f"ok    rights: all {len(needed())} granted in namespace fl to admin"
ACCOUNT = "system:serviceaccount:fl:site-1"


@dataclass
class Answers:
    """What the API server says about a namespace."""

    lacking: frozenset[str] = frozenset()
    namespace: bool | Exception = True
    name: str = "admin"

    def user(self):
        return self.name

    def allowed(self, group, resource, verb, namespace):
        return f"{verb} {resource}" not in self.lacking

    def has_namespace(self, namespace):
        if isinstance(self.namespace, Exception):
            raise self.namespace
        return self.namespace


@pytest.mark.parametrize(
    ("answers", "lines"),
    [
        (Answers(), ["ok    namespace: fl is there", GRANTED]),
        (
            Answers(frozenset({"list secrets", "patch pods"})),
            [
                "ok    namespace: fl is there",
                "FAIL  right: patch pods is not granted in namespace fl",
                "  cure: `fljob rbac -n fl --service-account NAME | kubectl apply -f -`",
                "FAIL  right: list secrets is not granted in namespace fl",
            ],
        ),
        (
            Answers(namespace=False),
            [
                "FAIL  namespace: there is no namespace fl",
                "  cure: `kubectl create namespace fl`, or correct --namespace",
            ],
        ),
        (
            Answers(name=ACCOUNT),
            [
                "ok    namespace: fl is there",
                f"ok    rights: all {len(needed())} granted in namespace fl to {ACCOUNT}",
            ],
        ),
        (
            Answers(name=""),  # before Kubernetes 1.28
            [
                "ok    namespace: fl is there",
                f"ok    rights: all {len(needed())} granted in namespace fl",
            ],
        ),
        (
            Answers(namespace=Denied("no")),
            [
                "ok    namespace: cannot be told without the right to create Secrets in fl",
                GRANTED,
            ],
        ),
    ],
)
def test_namespace_and_rights_are_a_line_each(capsys, monkeypatch, answers, lines):
    monkeypatch.setattr(site_module, "access", lambda _: answers)
    found = [check for check in site_module.site_checks(SITE) if check.what[:5] in ("names", "right")]
    run_checks(found)
    assert capsys.readouterr().out.splitlines() == lines


def test_the_rights_are_those_of_the_sites_storage_driver(capsys, monkeypatch):
    monkeypatch.setattr(site_module, "access", lambda _: Answers(frozenset({"list configmaps"})))
    site = replace(SITE, storage_driver="configmap")
    run_checks(check for check in site_module.site_checks(site) if check.what[:5] == "right")
    assert capsys.readouterr().out.splitlines() == [
        "FAIL  right: list configmaps is not granted in namespace fl",
        "  cure: `fljob rbac -n fl --service-account NAME --driver configmap | kubectl apply -f -`",
    ]


def test_the_rights_for_network_policies_are_asked_for_when_the_values_enable_them(capsys, monkeypatch):
    monkeypatch.setattr(site_module, "access", lambda _: Answers(frozenset({"patch networkpolicies"})))
    for enabled in (True, False):
        site = replace(SITE, values={"networkPolicy": {"enabled": enabled}})
        run_checks(check for check in site_module.site_checks(site) if check.what[:5] == "right")
    assert capsys.readouterr().out.splitlines() == [
        "FAIL  right: patch networkpolicies is not granted in namespace fl",
        "  cure: `fljob rbac -n fl --service-account NAME | kubectl apply -f -`",
        GRANTED,
    ]


def test_a_chart_whose_rights_nobody_can_tell_is_a_failure_of_its_own(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(site_module, "access", lambda _: Answers())
    site = replace(SITE, values_dir=str(tmp_path / "none"))
    run_checks(check for check in site_module.site_checks(site) if check.what[:5] == "right")
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("FAIL  rights for what the chart makes: values_dir: ")
    assert rest[-1] == GRANTED


@pytest.mark.parametrize(
    ("answers", "line"),
    [
        (
            Answers(),
            "ok    nodes: can be listed: requests larger than every node are told, and end early with `autoscaler: none`",
        ),
        (
            Answers(frozenset({"list nodes"})),
            "ok    nodes: cannot be listed (optional): requests that no node can meet wait for pending_timeout; `fljob rbac --nodes -n fl --service-account NAME`",
        ),
    ],
)
def test_nodes_that_cannot_be_listed_are_printed_and_are_no_failure(capsys, monkeypatch, answers, line):
    monkeypatch.setattr(site_module, "access", lambda _: answers)
    run_checks([check for check in site_module.site_checks(SITE) if check.what == "nodes"])
    assert capsys.readouterr().out.splitlines() == [line]


GRANT = "\n  cure: `fljob rbac -n fl --service-account NAME | kubectl apply -f -`"


@pytest.mark.parametrize(
    ("lacking", "line"),
    [
        (
            (),
            "ok    leases: can be made: of two parents one acts, and `fljob gc` leaves alone what somebody watches",
        ),
        ((), "ok    events: can be written: `kubectl describe pod` says why a job waits, and what to do"),
        (
            ("patch leases", "list leases"),
            (
                "warn  leases: no right to list, patch Leases: two parents of the site at once would both act, and "
                f"`fljob gc` goes by the age of jobs alone{GRANT}"
            ),
        ),
        (
            ("patch events",),
            (
                "warn  events: no right to patch events: `kubectl describe pod` does not say why a job waits"
                f"{GRANT}, or write `events: false`"
            ),
        ),
    ],
)
def test_what_is_optional_and_missing_is_a_warning(capsys, monkeypatch, lacking, line):
    monkeypatch.setattr(site_module, "access", lambda _: Answers(frozenset(lacking)))
    what = line[6:].partition(":")[0]
    assert run_checks([check for check in site_module.site_checks(SITE) if check.what == what]) == 0
    assert capsys.readouterr().out == f"{line}\n"


def test_a_site_that_writes_no_events_is_not_asked_for_the_right(monkeypatch):
    monkeypatch.setattr(site_module, "access", lambda _: Answers())
    checks = site_module.site_checks(replace(SITE, events=False))
    assert "events" not in [check.what for check in checks]


# what a kit says


@pytest.fixture
def folder(tmp_path):
    for name in ("local", "helm_chart"):
        (tmp_path / name).mkdir()
    arguments = {"namespace": "of-kit", "default_python_path": "/opt/python", "image_pull_secrets": ["reg"]}
    component = {"id": "k8s_launcher", "path": "x", "args": arguments}
    (tmp_path / "local/resources.json.default").write_text(json.dumps({"components": [component]}))
    (tmp_path / "local/study_runtime.yaml").write_text(
        "format_version: 2\n"
        "studies:\n"
        "  a: {container: {image: study/a:1}, datasets: {d: {source: birds}}, secret_env: {K: {source: s1, key: k}}}\n"
        "  b: {secret_mounts: {m: {source: s2, mount_path: /m}}}\n"
    )
    (tmp_path / "helm_chart/values.yaml").write_text(
        "image: {repository: host:5001/parent, tag: '1'}\ncommand: [/parent/python]\n"
        "persistence: {workspace: {claimName: ws}}\n"
    )
    return tmp_path


def test_a_kit_names_objects_images_and_the_site(folder):
    read = kit.read(folder)
    assert read.claims == ["birds", "ws"]
    assert read.secrets == ["s1", "s2"]
    site = read.site(SITE, namespace=True)
    assert (site.namespace, site.default_python_path, site.image_pull_secrets) == (
        "of-kit",
        "/opt/python",
        ("reg",),
    )
    assert read.site(SITE, namespace=False).namespace == "fl"
    assert _probes(site, read, ("job:1",)) == [
        Probe("job:1", "/opt/python", read.arguments),
        Probe("study/a:1", "/opt/python", read.arguments),
        Probe("host:5001/parent:1", "/parent/python", read.arguments, wants_helm=True),
    ]


@pytest.mark.parametrize(
    ("arguments", "line", "image"),
    [({"image": "of-argument"}, "image: of-file", "of-argument"), ({}, "image: of-file", "of-file")],
)
def test_a_kit_names_the_image_of_jobs_without_one(folder, arguments, line, image):
    component = {"id": "k8s_launcher", "path": "x", "args": arguments}
    (folder / "local/resources.json.default").write_text(json.dumps({"components": [component]}))
    (folder / "local/fljob.yaml").write_text(line)
    assert kit.read(folder).job_images == sorted([image, "study/a:1"])


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "a: [", "3", "image: 3\npersistence: []\ncommand: {}\nstudies: 3"]
)
def test_a_kit_that_cannot_be_read_says_nothing(folder, text):
    for name in ("local/resources.json.default", "local/study_runtime.yaml", "helm_chart/values.yaml"):
        (folder / name).write_text(text)
    read = kit.read(folder)
    assert (read.claims, read.secrets, read.parent_image, read.parent_python) == ([], [], "", "")
    assert read.site(SITE, namespace=True) == SITE
    assert kit.read(folder / "nowhere").claims == []


def test_the_storage_driver_of_a_kit_is_its_argument_else_what_its_site_file_says(folder):
    assert kit.read(folder).site(SITE, namespace=True).storage_driver == "secret"
    (folder / "local/fljob.yaml").write_text("storage_driver: configmap\n")
    assert kit.read(folder).site(SITE, namespace=True).storage_driver == "configmap"
    path = folder / "local/resources.json.default"
    tree = json.loads(path.read_text())
    tree["components"][0]["args"]["storage_driver"] = "secret"
    path.write_text(json.dumps(tree))
    assert kit.read(folder).site(SITE, namespace=True).storage_driver == "secret"
    tree["components"][0]["args"]["storage_driver"] = ["nonsense"]
    path.write_text(json.dumps(tree))
    assert kit.read(folder).site(SITE, namespace=True).storage_driver == "configmap"


def test_the_values_of_a_kit_say_what_its_chart_makes(folder):
    (folder / "local/fljob.yaml").write_text("values: {networkPolicy: {enabled: true}}\n")
    assert kit.read(folder).site(SITE, namespace=True).values == {"networkPolicy": {"enabled": True}}
    path = folder / "local/resources.json.default"
    tree = json.loads(path.read_text())
    tree["components"][0]["args"]["values"] = {"networkPolicy": {"enabled": False}}
    path.write_text(json.dumps(tree))
    assert kit.read(folder).site(SITE, namespace=True).values == {"networkPolicy": {"enabled": False}}


def test_a_kit_says_whether_jobs_have_budgets(folder):
    (folder / "local/fljob.yaml").write_text("protect: budget\n")
    assert kit.read(folder).site(SITE, namespace=True).protect == "budget"
    path = folder / "local/resources.json.default"
    tree = json.loads(path.read_text())
    tree["components"][0]["args"]["protect"] = "none"
    path.write_text(json.dumps(tree))
    assert kit.read(folder).site(SITE, namespace=True).protect == "none"


def metrics_said(capsys, **settings):
    checks = site_module.site_checks(replace(SITE, **settings))
    code = run_checks(check for check in checks if check.what == "metrics")
    return code, capsys.readouterr().out


@pytest.mark.parametrize(
    ("address", "whom"), [("127.0.0.1", "this machine only"), ("0.0.0.0", "whoever reaches that address")]
)
def test_metrics_are_served_to_whom_the_address_says(capsys, address, whom):
    assert metrics_said(capsys, metrics_port=9464, metrics_address=address) == (
        0,
        f"ok    metrics: a FLARE parent serves them at {address} port 9464, for {whom}\n",
    )


def test_metrics_without_their_library_are_a_failure(capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    code, said = metrics_said(capsys, metrics_port=9464)
    assert (code, said) == (
        1,
        "FAIL  metrics: prometheus-client is not installed\n  cure: `pip install prometheus-client`\n",
    )


def test_a_site_without_metrics_has_no_check_of_them(capsys):
    assert metrics_said(capsys) == (0, "")


# looking into an image


@dataclass
class Ending(FakeReleases):
    """Releases whose pod has ended, or cannot start, as soon as it is installed."""

    view: object = None

    def install(self, name, namespace, values, labels, cancel=None):
        super().install(name, namespace, values, labels, cancel)
        if self.view is not None:
            (pod,) = self.pods.items.values()
            known = {"name": pod.name, "labels": pod.labels, "annotations": pod.annotations}
            self.pods.show(replace(self.view, **known))


def world_of(view):
    fake = FakeWorld()
    fake.releases = Ending(fake.pods, view=view)
    return fake


def told(code, message):
    return scheduled(main("terminated", "Error", message, code), phase="Running")


def look(fake, cancel=None):
    service = make_service(replace(SITE, timeouts=image._TIMEOUTS), fake.world)
    return probe_image(
        service, SITE, Probe("job:1", PYTHON, {"namespace": "fl"}), cancel or threading.Event()
    )


def test_a_good_image_prints_what_it_has_and_is_gone():
    fake = world_of(told(0, "fljob 0.1.0, nvflare 2.9.0\n"))
    assert look(fake) == "fljob 0.1.0, nvflare 2.9.0"
    assert fake.is_empty
    (values,) = fake.releases.values.values()
    assert values["command"][:2] == [PYTHON, "-c"]
    assert json.loads(values["command"][3]) == {"namespace": "fl"}
    assert values["image"]["reference"] == "job:1"


WRONG = [
    (
        told(1, "ModuleNotFoundError: No module named 'launcher'"),
        "No module named 'launcher'",
        "images/Dockerfile",
    ),
    (told(1, "ModuleNotFoundError: No module named 'nvflare'"), "nvflare", "nvflare 2.9"),
    (told(1, "RuntimeError: nvflare 2.8.3 is not 2.9"), "nvflare 2.8.3", "nvflare 2.9, at least 2.9.0"),
    (told(1, "FileNotFoundError: helm is not on PATH"), "helm", "target parent"),
    (told(1, "TypeError: there is no argument 'polcy'; there are ..."), "polcy", "older than the kit"),
    (told(1, "ValueError: boo"), "boo", "read the job's log"),
    (exited(9), "AppError", "read the job's log"),
    (
        scheduled(
            main(
                "terminated", "StartError", f'exec: "{PYTHON}": stat {PYTHON}: no such file or directory', 128
            )
        ),
        "BadCommand",
        "default_python_path",
    ),
    (
        scheduled(main("waiting", "InvalidImageName", 'couldn\'t parse image name "job:1:1"')),
        "ImageNameInvalid",
        "correct the image's name",
    ),
]


@pytest.mark.parametrize(("view", "word", "cure"), WRONG)
def test_a_bad_image_is_named_with_a_cure_and_is_gone(view, word, cure):
    fake = world_of(view)
    with pytest.raises((InvalidInput, Rejected), match=word) as found:
        look(fake)
    assert cure in found.value.cure
    assert fake.is_empty


def test_an_interrupt_removes_everything():
    fake = world_of(None)
    cancel = threading.Event()
    threading.Timer(0.05, cancel.set).start()
    with pytest.raises(Cancelled):
        look(fake, cancel)
    assert fake.is_empty


# the text that runs in the image


def test_the_probe_runs_where_there_is_no_package(tmp_path):
    text = Path(probe.__file__).read_text().replace("/dev/termination-log", str(tmp_path / "message"))
    done = subprocess.run([sys.executable, "-I", "-S", "-c", text, "{}", ""], cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert (tmp_path / "message").read_text() == "ModuleNotFoundError: No module named 'launcher'"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (
            "launcher.flare.ClientHelmJobLauncher",
            "ok    kit {}: adopted: the workspace of a parent; its rights are those above",
        ),
        (
            "nvflare.app_opt.job_launcher.k8s_launcher.ClientK8sJobLauncher",
            "FAIL  kit {}: still has FLARE's own launcher",
        ),
    ],
)
def test_the_workspace_that_a_parent_has_mounted_is_a_kit_without_a_chart(tmp_path, capsys, path, line):
    (tmp_path / "local").mkdir()
    component = {"id": "k8s_launcher", "path": path, "args": {}}
    (tmp_path / "local/resources.json.default").write_text(json.dumps({"components": [component]}))
    run_checks([next(kit.kit_checks(SITE, kit.read(tmp_path)))])
    assert capsys.readouterr().out.splitlines()[0] == line.format(tmp_path)
