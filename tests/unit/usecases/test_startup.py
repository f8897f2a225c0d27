"""The Secrets of startup kits: who has one, and which may go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from launcher.core import names
from launcher.errors import Conflict, NotFound
from launcher.usecases.startup import put_startup_kit, remove_startup_kit, startup_kits
from tests.fakes import exited, running
from tests.jobs import make_spec

FED = "0123456789abcdef"
NAME = names.startup_secret_name("site-1")


@pytest.fixture
def kit(fake):
    """A startup kit's Secret, as a parent makes it, and the credentials of a job beside it."""
    put_startup_kit(fake.world, make_spec(startup_secret=NAME), FED, {"rootCA.pem": b"x"})
    labels = {names.LABEL_JOB_ID: "a", names.LABEL_SITE: "site-1", names.LABEL_FEDERATION: FED}
    fake.secrets.put("nvflare-cred-a", "fl", {}, labels)
    return NAME


def use(fake, pod, federation=FED):
    labels = {names.LABEL_JOB_ID: "a", names.LABEL_SITE: "site-1", names.LABEL_FEDERATION: federation}
    fake.pods.show(replace(pod, labels=labels))


def test_it_is_listed_with_whose_it_is_and_who_uses_it(fake, kit):
    use(fake, running())
    [one] = startup_kits(fake.world, "fl")
    assert (one.name, one.secret.site, one.secret.federation, one.pods) == (kit, "site-1", FED, ("job-1",))


@pytest.mark.parametrize("pod", [None, exited(1, phase="Failed"), "of another federation"])
def test_one_that_no_job_uses_goes(fake, kit, pod):
    if pod is not None:
        use(fake, running() if isinstance(pod, str) else pod, "f" if isinstance(pod, str) else FED)
    remove_startup_kit(fake.world, "fl", kit)
    assert set(fake.secrets.items) == {"nvflare-cred-a"}


def test_one_that_a_job_uses_stays(fake, kit):
    use(fake, running())
    with pytest.raises(Conflict, match="is used by pod job-1"):
        remove_startup_kit(fake.world, "fl", kit)
    assert kit in fake.secrets.items


def test_no_other_secret_is_one(fake, kit):
    assert kit
    with pytest.raises(NotFound):
        remove_startup_kit(fake.world, "fl", "nvflare-cred-a")
