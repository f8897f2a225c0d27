"""What Helm leaves of a release: found, taken away if it is the release's, or told with the cure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from launcher.core.views import MadeObject, ObjectRef, ReleaseView, Seen
from launcher.errors import Denied, LauncherError, Reason, Unavailable
from launcher.usecases.remove import remove
from launcher.usecases.whole_releases import WholeReleases
from tests.fakes import START, FakeWorld, make_pod
from tests.unit.usecases.test_remove import JOB

POLICY = ObjectRef("networking.k8s.io/v1", "NetworkPolicy", "fj-1", "fl")
MAP = ObjectRef("v1", "ConfigMap", "of-chart", "fl")
POD = ObjectRef("v1", "Pod", "job-1", "fl")
OURS = MadeObject("u1", "fj-1", "fl")


@dataclass
class FakeObjects:
    """Objects by name; answers that are due come first."""

    items: dict[str, MadeObject] = field(default_factory=dict)
    answers: list[LauncherError | Seen[MadeObject]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    delete_error: LauncherError | None = None

    def look(self, ref):
        self.asked.append(ref.name)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, LauncherError):
            raise answer
        found = self.items.get(ref.name)
        return answer or (Seen.absent() if found is None else Seen.found(found))

    def delete(self, ref, uid):
        if self.delete_error is not None:
            raise self.delete_error
        assert self.items[ref.name].uid == uid
        del self.items[ref.name]


@pytest.fixture
def fake():
    fake = FakeWorld()
    fake.pods.show(make_pod())
    fake.releases.items["fj-1"] = ReleaseView("fj-1", "fl", "deployed", 1, START)
    return fake


def whole(fake, objects, *refs):
    named = {"fj-1": refs} if "fj-1" in fake.releases.items else {}
    return WholeReleases(fake.releases, lambda name, _: named.get(name, ()), objects, fake.clock)


def test_what_helm_has_skipped_is_taken_away(fake):
    objects = FakeObjects({"fj-1": OURS, "of-chart": OURS})
    assert whole(fake, objects, POD, POLICY, MAP).uninstall("fj-1", "fl") is True
    assert objects.items == {}


@pytest.mark.parametrize(
    "other",
    [
        MadeObject("u2"),
        MadeObject("u2", "fj-2", "fl"),
        MadeObject("u2", "fj-1", "other"),
        replace(OURS, stays=True),
    ],
)
def test_what_is_not_the_releases_or_is_to_stay_is_left_alone(fake, other):
    objects = FakeObjects({"fj-1": other})
    whole(fake, objects, POLICY).uninstall("fj-1", "fl")
    assert objects.items == {"fj-1": other}


@pytest.mark.parametrize("before", [{}, {"fj-1": OURS}])
def test_what_a_later_install_has_made_of_that_name_is_left_alone(fake, before):
    objects, later = FakeObjects(dict(before)), replace(OURS, uid="u2")
    WholeReleases(fake.releases, lambda *_: (POLICY,), objects, fake.clock).uninstall(
        "fj-1", "fl", lambda: objects.items.update({"fj-1": later})
    )
    assert objects.items == {"fj-1": later}


def test_what_the_record_does_not_name_is_not_even_looked_at(fake):
    objects = FakeObjects({"other": OURS})
    whole(fake, objects, POD).uninstall("fj-1", "fl")
    assert objects.asked == []
    assert whole(fake, objects).uninstall("fj-1", "fl") is False


FORBIDDEN = Denied("may not get networkpolicies", cure="`fljob rbac`", reason=Reason.FORBIDDEN)


def test_helm_is_not_let_loose_on_what_may_not_be_looked_at(fake):
    objects = FakeObjects({"fj-1": OURS}, [FORBIDDEN])
    releases = whole(fake, objects, POLICY)
    with pytest.raises(Denied, match=r"left as it is, since Helm would forget its networkpolicy") as caught:
        releases.uninstall("fj-1", "fl")
    assert caught.value.cure == FORBIDDEN.cure
    assert "fj-1" in fake.releases.items
    assert releases.uninstall("fj-1", "fl") is True
    assert objects.items == {}


def test_a_cluster_that_cannot_be_asked_is_no_reason_to_forget_anything(fake):
    objects = FakeObjects({"fj-1": OURS}, [Seen.unavailable("503")])
    with pytest.raises(Unavailable, match="left as it is: 503"):
        whole(fake, objects, POLICY).uninstall("fj-1", "fl")
    assert "fj-1" in fake.releases.items


def test_after_the_record_is_gone_the_cluster_is_asked_again(fake):
    down = [Seen.unavailable("503"), Unavailable("500"), Seen.unavailable("503")]
    objects = FakeObjects({"fj-1": OURS}, [Seen.found(OURS), *down])
    whole(fake, objects, POLICY).uninstall("fj-1", "fl")
    assert objects.items == {}
    assert fake.clock.monotonic() == 7.5


@pytest.mark.parametrize("failures", [[FORBIDDEN], [Unavailable("503")] * 4])
def test_what_cannot_be_taken_away_is_told_with_the_command(fake, failures):
    objects = FakeObjects({"fj-1": OURS}, [Seen.found(OURS), *failures])
    with pytest.raises(type(failures[0]), match="may be left") as caught:
        whole(fake, objects, POLICY).uninstall("fj-1", "fl")
    assert "`kubectl delete networkpolicy.networking.k8s.io fj-1 -n fl`" in caught.value.cure


def test_a_job_whose_release_may_not_be_removed_does_not_run_on(fake):
    objects = FakeObjects({"fj-1": OURS}, [FORBIDDEN])
    world = replace(fake.world, releases=whole(fake, objects, POLICY))
    with pytest.raises(Denied):
        remove(world, JOB)
    assert fake.pods.items == {}
    assert "fj-1" in fake.releases.items
    remove(world, JOB)
    assert fake.is_empty
    assert objects.items == {}


def test_a_pod_that_may_not_be_deleted_either_hides_no_error(fake):
    fake.releases.uninstall_errors = [FORBIDDEN]
    fake.pods.delete = lambda *_args, **_more: (_ for _ in ()).throw(Denied("pods: delete"))
    with pytest.raises(Denied, match="networkpolicies"):
        remove(fake.world, JOB)
