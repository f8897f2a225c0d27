"""The Role of `fljob rbac`: enough, nothing in it for nothing, and what becomes of a release when a right goes."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial

import pytest

from launcher.composition import ParentOf, make_service, parent_holder, render_values
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.lifecycle.adoption import Heritage, why_not
from launcher.core.names import LABEL_JOB_ID, PREFIX, pod_name
from launcher.core.ownership import Owner
from launcher.core.rights import NETWORK_POLICIES, POD_DISRUPTION_BUDGETS, WATCHING, Right, needed
from launcher.core.spec.site import SiteConfig, Timeouts
from launcher.core.views import Presence
from launcher.edges.helm import HelmReleases
from launcher.edges.kube import KubeClient, KubeObjects
from launcher.errors import Denied, LauncherError, StoodDown
from launcher.usecases.whole_releases import WholeReleases
from tests.cluster.accounts import account
from tests.cluster.conftest import CHART, happens, kubectl
from tests.jobs import make_spec

pytestmark = pytest.mark.cluster

ALL = needed(more=NETWORK_POLICIES | POD_DISRUPTION_BUDGETS)
GET_POLICY = Right("networkpolicies", "get", "networking.k8s.io")


@pytest.fixture
def site(namespace, tmp_path):
    """A site whose values make a NetworkPolicy and a budget, with an account of its own."""
    values = {"networkPolicy": {"enabled": True}}
    path = tmp_path / "kubeconfig"
    return SiteConfig(
        site="site-1",
        namespace=namespace,
        protect="budget",
        values=values,
        kubeconfig=str(path),
        timeouts=Timeouts(create=1),
    )


@pytest.fixture
def clean(namespace):
    """Take away, as somebody with all rights, what an account without them has left."""
    yield
    kubectl(
        "delete",
        "pod,secret,networkpolicy,poddisruptionbudget",
        "-n",
        namespace,
        "-l",
        LABEL_JOB_ID,
        "--grace-period=1",
    )
    kubectl("delete", "secret", "-n", namespace, "-l", "owner=helm")


def launched(service, namespace, image, **changes):
    command = ("sh", "-c", "echo hello; sleep 600")
    spec = replace(make_spec(), namespace=namespace, image=image, command=command, args=(), **changes)
    return service.launch(spec, secret={"TOKEN": b"x"})


def troubles_of(site, image, caplog):
    """Do with a job what a parent does; return what was refused or warned of."""
    service, namespace = make_service(site), site.namespace
    found = []

    def act(do):
        try:
            return do()
        except LauncherError as error:
            found.append(error.message)

    handle = act(lambda: launched(service, namespace, image))
    if handle is None:
        return found
    pods, job = service.world.pods, handle.job
    watch = pods.watch(namespace)
    for _ in range(600):
        seen = watch.pod(job.pod_name)
        if seen.presence is Presence.UNAVAILABLE:
            found.append(seen.why)
            break
        if seen.value is not None and seen.value.main and seen.value.main.state.value == "running":
            break
        watch.wait(job.pod_name, watch.version(job.pod_name), 0.1)
    # As a parent does for a job that is launched again; without its owner it is younger than the pod, and another's.
    labels = (
        {key: text for key, text in seen.value.labels.items() if key.startswith(PREFIX)} if seen.value else {}
    )
    secrets, name = service.world.secrets, job.credential_secret
    act(lambda: secrets.put(name, namespace, {"TOKEN": b"y"}, labels))
    act(lambda: seen.value and secrets.own(name, namespace, seen.value))
    uid = job.uid or "none"
    act(lambda: pods.events(namespace, uid))
    act(lambda: _watched(pods, namespace, uid))
    act(lambda: list(pods.logs(job.pod_name, namespace, container="job")))
    act(lambda: list(service.sweep(namespace, 0.0, dry_run=True)))
    act(lambda: service.terminate(job.release, namespace))
    service.world.pods.stop()
    return [*found, *(record.getMessage() for record in caplog.records if record.levelname == "WARNING")]


def _watched(pods, namespace, uid):
    """Ask for events until their watch has been asked for once."""
    for _ in range(30):
        pods.events(namespace, uid)
        threading.Event().wait(0.1)


@pytest.mark.usefixtures("clean")
def test_all_rights_are_enough(site, namespace, image, caplog):
    account(namespace, ALL, site_path(site))
    assert troubles_of(site, image, caplog) == []
    assert kubectl("get", "networkpolicy,poddisruptionbudget", "-n", namespace, "-o", "name") == ""


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("right", sorted(ALL), ids=lambda one: f"{one.verb}-{one.resource}".replace("/", "-"))
def test_without_each_of_them_something_fails_that_names_it(site, namespace, image, caplog, right):
    account(namespace, ALL - {right}, site_path(site))
    said = " ".join(troubles_of(site, image, caplog))
    assert said
    assert right.resource.partition("/")[0].removesuffix("s").removesuffix("ie") in said


def site_path(site):
    from pathlib import Path  # noqa: PLC0415

    return Path(site.kubeconfig)


@pytest.mark.usefixtures("clean")
def test_a_right_that_goes_while_the_job_runs_costs_no_policy(site, namespace, image):
    account(namespace, ALL, site_path(site))
    service = make_service(site)
    handle = launched(service, namespace, image)
    account(namespace, ALL - {GET_POLICY}, site_path(site))
    with pytest.raises(Denied, match="networkpolicies"):
        service.terminate(handle.job.release, namespace)
    # The job has ended, and Helm's record is there for whoever grants the right.
    kubectl("wait", "--for=delete", f"pod/{handle.job.pod_name}", "-n", namespace, "--timeout=60s")
    assert handle.job.release in kubectl("get", "networkpolicy", "-n", namespace, "-o", "name")
    account(namespace, ALL, site_path(site))
    service.terminate(handle.job.release, namespace)
    assert kubectl("get", "networkpolicy", "-n", namespace, "-o", "name") == ""
    service.world.pods.stop()


@pytest.mark.usefixtures("clean")
def test_what_helm_skips_is_taken_away(site, namespace, image, world):
    """Helm runs without the right to get policies; whoever looks after it has the right."""
    account(namespace, ALL - {GET_POLICY}, site_path(site))
    rich, poor = HelmReleases(chart=CHART), HelmReleases(chart=CHART, kubeconfig=site.kubeconfig)
    service = make_service(replace(site, kubeconfig=""), world)
    service = replace(service, render=partial(render_values, site=site))
    release = launched(service, namespace, image).job.release
    WholeReleases(poor, rich.objects, KubeObjects(KubeClient()), world.clock).uninstall(release, namespace)
    assert kubectl("get", "networkpolicy", "-n", namespace, "-o", "name") == ""
    assert rich.list(namespace) == ()


@pytest.mark.usefixtures("clean")
def test_a_record_that_helm_may_not_update_is_warned_of(site, namespace, image, caplog):
    account(namespace, ALL - {Right("secrets", "update")}, site_path(site))
    service = make_service(site)
    job = launched(service, namespace, image).job
    assert f"release={job.release} its record is not complete" in caplog.text
    assert f"kubectl auth can-i update secrets -n {namespace}" in caplog.text
    assert service.inspect(job.release, namespace).ownership.owner is Owner.OURS
    service.terminate(job.release, namespace)
    service.world.pods.stop()


class Inheriting:
    """Does for each job what a new FLARE parent asks the cluster for: credentials, and a handle to wait with."""

    def __init__(self, service):
        self.service, self.handles, self.all_of_them = service, [], None

    def take(self, found, secret):
        now = self.service.world.clock.now()
        assert why_not(Heritage(found, secret, "client", now)) == ""
        job = found.job
        assert self.service.world.secrets.credentials(job.credential_secret, job.namespace) == {"TOKEN": "x"}
        self.handles.append(self.service.attach(job.release, job.namespace))
        return True

    def seen(self, *, all_of_them):
        self.all_of_them = all_of_them
        return ()


@pytest.mark.usefixtures("clean")
def test_all_rights_are_enough_to_take_a_job_over(site, namespace, image):
    """In two processes of one account: the parent that launches, and the one that comes after it."""
    account(namespace, ALL | WATCHING, site_path(site))
    first, second = (make_service(site, parent=ParentOf(site.site, "f", parent_holder())) for _ in range(2))
    # By the name of its Secret it is told whose that is.
    launched(first, namespace, image, federation="f", pod_name=pod_name("a1b2", site.site), env=())
    second.world.acting.check()
    with pytest.raises(StoodDown, match="another parent of site site-1 acts"):
        first.world.acting.check()
    first.world.pods.stop()
    heir, lost = Inheriting(second), []
    assert list(second.reap(namespace, site.site, "f", lambda _: False, lost.append, heir=heir)) == []
    (handle,) = heir.handles
    assert (lost, heir.all_of_them) == ([], True)
    assert happens(lambda: handle.poll() is ReturnCode.UNKNOWN and _is_running(namespace), 60)
    handle.terminate()
    assert kubectl("get", "pod,poddisruptionbudget", "-n", namespace, "-o", "name") == ""
    second.world.acting.stop()
    second.world.pods.stop()


def _is_running(namespace):
    return kubectl("get", "pod", "-n", namespace, "-o", "jsonpath={.items[*].status.phase}") == "Running"
