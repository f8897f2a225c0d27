"""The catalogue: one row of facts for every cause and every end of a job.

It is the only place that knows what a code means, how long its cause may last, which FLARE return code
it ends in and what FLARE 2.9.0's own launcher does about it. Classifiers choose a code; the verdicts of
:mod:`launcher.core.pending.classify` and :mod:`launcher.core.ending.job_end` read the rest from here.
"""

from __future__ import annotations

from collections.abc import Mapping

from launcher.core.catalogue.codes import Code, Entry, Limit, StrictRule
from launcher.core.catalogue.creation import CREATION
from launcher.core.catalogue.ends import ENDS
from launcher.core.catalogue.starting import STARTING
from launcher.core.catalogue.unscheduled import UNSCHEDULED

__all__ = ["CATALOGUE", "CREATION", "ENDS", "STARTING", "UNSCHEDULED", "Code", "Entry", "Limit", "StrictRule"]

CATALOGUE: Mapping[Code, Entry] = {**CREATION, **UNSCHEDULED, **STARTING, **ENDS}
