"""Messages of kube-scheduler: which code, and which resources are short."""

from __future__ import annotations

import pytest

from launcher.core.catalogue import Code
from launcher.core.pending.classify import classify
from launcher.core.pending.scheduler import scarce_resources, scheduling_code
from tests.fakes import unscheduled
from tests.messages import SCHEDULER


@pytest.mark.parametrize(("message", "code"), SCHEDULER)
def test_scheduling_code(message, code):
    assert scheduling_code(message) is code
    assert classify(unscheduled(message)).code is code


def test_text_after_preemption_is_ignored():
    message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: 1 Insufficient cpu."
    assert scheduling_code(message) is Code.NO_MATCHING_NODE
    assert scarce_resources(message) == ()


def test_scarce_resources():
    message = "0/3 nodes are available: 1 Insufficient cpu, 1 Insufficient nvidia.com/gpu, 1 Too many pods."
    assert scarce_resources(message) == ("cpu", "nvidia.com/gpu", "pods")
