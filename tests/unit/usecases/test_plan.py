"""What a plan asks, and what it leaves out once an answer says it all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from launcher.core.catalogue import Code
from launcher.core.names import credential_secret_name
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.plan.images import Held, Login
from launcher.core.plan.rows import Answer
from launcher.core.plan.views import Cluster, Found, PlannedImage, PlannedPod, Reference, Use
from launcher.core.rights import Right
from launcher.core.views import NodeView, Seen
from launcher.errors import Denied, InvalidInput, NotFound, Reason, Rejected, Unavailable
from launcher.usecases.plan import Asked, made_plan, make_plan, refused_plan
from tests.fakes import make_pod
from tests.jobs import make_spec

SECRET = Use("v1", "Secret")
NODE = NodeView("n", {"cpu": "8", "pods": "9"})


class FakePlanning:
    """A cluster that takes everything but what ``says`` refuses by kind, and has what ``there`` names."""

    images = ()

    def __init__(self, says=None, references=(), there=(), missing=()):
        self.says, self.references, self.there = says or {}, references, there
        self.lacking, self.tried, self.looked = missing, [], []

    def try_out(self, ref, body):
        self.tried.append((ref.kind, ref.name, ref.namespace))
        error = self.says.get(ref.kind)
        if error is not None:
            raise error
        return body

    def pod(self, raw, namespace):
        return PlannedPod(view=make_pod(namespace=namespace), references=self.references, images=self.images)

    def missing(self, rights, namespace):
        if isinstance(self.lacking, Exception):
            raise self.lacking
        return tuple(self.lacking)

    def look(self, reference, namespace):
        self.looked.append(reference.name)
        return Seen.found(Found()) if reference.name in self.there else Seen.absent()

    def logins(self, secrets, namespace):
        return tuple(Login("r.example", name) for name in secrets)

    def cluster(self):
        return Cluster(nodes=(NODE,), used={})


class FakeRegistries:
    """Registries that have ``r.example/a:1``."""

    def __init__(self):
        self.asked = []

    def held(self, place, logins):
        self.asked.append((place.registry, place.repository, [one.basic for one in logins]))
        if place.repository != "a":
            raise NotFound("none")
        return Held()


def asked(*more, **changes):
    spec = make_spec(**changes)
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": spec.pod_name}}
    return Asked(spec=spec, objects=(*more, pod), policy=WaitPolicy(), driver="secret")


def codes(plan):
    return [row.code for row in plan.rows if row.answer is not Answer.OK]


def test_a_job_that_nothing_stops():
    api = FakePlanning()
    plan = make_plan(asked(), api)
    assert (codes(plan), plan.return_code) == ([], 0)
    (record, pod) = api.tried
    assert record[0] == "Secret"
    assert record[1].startswith("sh.helm.release.v1.")
    assert pod[0] == "Pod"


def test_the_record_is_what_the_driver_says():
    api = FakePlanning()
    make_plan(replace(asked(), driver="configmap"), api)
    assert api.tried[0][0] == "ConfigMap"


def test_a_namespace_that_is_not_there_says_it_all():
    api = FakePlanning({"Secret": NotFound("n", reason=Reason.NAMESPACE_MISSING)})
    plan = make_plan(asked(), api)
    assert (codes(plan), len(api.tried), api.looked) == ([Code.NAMESPACE_MISSING], 1, [])


def test_a_cluster_that_cannot_be_asked_is_an_error():
    with pytest.raises(Unavailable):
        make_plan(asked(), FakePlanning({"Secret": Unavailable("gone")}))


def test_what_a_launch_makes_is_not_looked_for():
    job = asked()
    own = credential_secret_name(job.spec.pod_name)
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made"}}
    named = [Reference(SECRET, own, "a"), Reference(Use("v1", "ConfigMap"), "made", "b")]
    named += [Reference(SECRET, job.spec.startup_secret or "other", "c"), Reference(SECRET, "none", "d")]
    api = FakePlanning(references=tuple(named))
    plan = make_plan(replace(job, objects=(config, *job.objects)), api)
    assert own not in api.looked
    assert "made" not in api.looked
    assert codes(plan)[-1] is Code.MISSING_REF


def test_a_pod_that_is_refused_is_still_looked_at():
    api = FakePlanning(
        {"Pod": Rejected("q", reason=Reason.QUOTA_EXCEEDED)}, (Reference(SECRET, "none", "volume"),)
    )
    plan = make_plan(asked(), api)
    assert codes(plan) == [Code.QUOTA_EXCEEDED, Code.MISSING_REF]
    assert (plan.decisive.code, plan.return_code) == (Code.QUOTA_EXCEEDED, 104)


def test_rights():
    plan = make_plan(asked(), FakePlanning(missing=[Right("pods", "patch")]))
    assert plan.return_code == 104
    plan = make_plan(asked(), FakePlanning(missing=Denied("no")))
    assert [row.what for row in plan.rows if row.answer is Answer.NOT_ASKED] == ["rights"]


def test_without_advice_only_the_objects_are_tried_out():
    api = FakePlanning(references=(Reference(SECRET, "none", "volume"),))
    plan = make_plan(asked(), api, advice=False)
    assert ([row.what.split()[0] for row in plan.rows], api.looked) == (["release", "Pod"], [])


def test_without_a_cluster():
    plan = made_plan(asked())
    assert [row.detail for row in plan.rows] == ["is made; no cluster was asked"]
    plan = refused_plan(asked(), InvalidInput("wrong"))
    assert (plan.decisive.code, plan.return_code) == (Code.SITE_INVALID, 104)


def test_the_clock_is_the_jobs_own():
    assert make_plan(asked(pending_timeout=7), FakePlanning()).policy.pending_timeout == 7


def test_registries_are_asked_with_the_logins_of_the_pod():
    api, registries = (
        FakePlanning(references=(Reference(SECRET, "pull", "p", for_pull=True),)),
        FakeRegistries(),
    )
    api.there = ("pull",)
    api.images = (
        PlannedImage("r.example/a:1", "container job"),
        PlannedImage("other.example/b:1", "container b"),
    )
    plan = make_plan(asked(), api, registries=registries)
    assert registries.asked == [("r.example", "a", ["pull"]), ("other.example", "b", [])]
    assert (codes(plan), plan.return_code) == ([Code.IMAGE_NOT_FOUND], 101)


def test_registries_are_asked_on_request_only():
    api = FakePlanning()
    api.images = (PlannedImage("r.example/none:1", "container job"),)
    assert make_plan(asked(), api).return_code == 0
