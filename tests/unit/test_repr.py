"""No ``repr`` of what the launcher passes around shows a key: a trace or a message may hold it."""

from __future__ import annotations

from functools import partial

import pytest

from launcher.core.report.bundle import Bundle, Facts
from launcher.core.spec.jobspec import EnvVar
from launcher.core.views import ReleaseView, Seen
from launcher.usecases.launch import Launch
from tests.dataclass_fields import dataclasses_of, shown_keys
from tests.fakes import START, FakeWorld
from tests.jobs import make_spec

CANARY = "canary-5309"
ENV = {"env": [{"name": "TOKEN", "value": CANARY}]}
FOUND = Seen.found(ReleaseView("r", "fl", "deployed", values=ENV))


def put(*_args):
    """Stand in for what makes a Secret."""


@pytest.mark.parametrize(
    "holder",
    [
        Launch(FakeWorld().world, make_spec(), dict, {"T": CANARY.encode()}, partial(put, {"key": CANARY})),
        EnvVar("TOKEN", CANARY),
        EnvVar("TOKEN", raw={"value": CANARY}),
        make_spec(env=(EnvVar("TOKEN", CANARY),)),
        FOUND,
        Bundle({"pod.yaml": CANARY}),
        Facts(status=ENV, pod=Seen.found(ENV), view=None, events=Seen.absent(), release=FOUND, logs=(), missing={}, at=START, values=Seen.found(ENV)),
    ],
    ids=lambda one: type(one).__name__,
)  # fmt: skip
def test_no_repr_shows_a_key(holder):
    assert CANARY not in repr(holder)


def test_no_field_that_may_hold_a_key_is_in_a_repr():
    found = dataclasses_of(lambda name: not name.startswith("launcher.flare"))  # FLARE: tests/contract/flare
    assert len(found) > 80
    assert shown_keys(found) == set()
