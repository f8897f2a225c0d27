"""What the parent's log says about a pending job."""

from __future__ import annotations

import logging

from launcher.core.jobref import JobRef
from launcher.core.lifecycle import step
from launcher.core.patience import WaitPolicy
from launcher.core.track import Observation, Track
from launcher.core.views import Seen
from launcher.observer import tell
from tests.fakes import START, main, scheduled


def test_the_cause_is_told_once_and_without_credentials(caplog):
    caplog.set_level(logging.INFO)
    job = JobRef(release="fj-1", namespace="fl", pod_name="job-1")
    words = 'Get "https://me:canary-1@registry/v2/": token=canary-2'
    pod = scheduled(main("waiting", "ImagePullBackOff", f"Back-off pulling image: ErrImagePull: {words}"))
    track = step(Track(launched=0.0), Observation(1.0, START, Seen.found(pod), Seen.found(())), WaitPolicy())
    told = tell(job, track, None)
    assert tell(job, track, told) is told
    assert len(caplog.records) == 1
    assert 'Get "https://me:***@registry/v2/": token=***' in caplog.text
