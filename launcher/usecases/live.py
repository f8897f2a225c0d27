"""The jobs of a namespace, or of all, after every change, for somebody who goes on looking."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from launcher.core.pending.clocks import WaitPolicy
from launcher.errors import Denied, LauncherError
from launcher.usecases.everywhere import no_right_to_all, spaces
from launcher.usecases.live_roster import LISTS_EVERY, Roster, Round
from launcher.usecases.ports import World

__all__ = ["EVERY", "Round", "follow_jobs"]

# Seconds after which there is a round without a change, for what a person reads off it: the time left.
EVERY = 1.0
_ANY_POD = ""  # see the port
# Changes that come together, such as those of a burst of launches, are one round.
_TOGETHER = 0.2
# Namespaces come and go seldom, and rights to look into one are given soon or never: with growing pauses.
_NAMES_EVERY, _RIGHTS_EVERY = 15.0, 300.0


def follow_jobs(world: World, policy: WaitPolicy, namespace: str) -> Iterator[Round]:
    """Yield all jobs of a namespace now, after every change, and at least every second, for ever.

    What was seen last is yielded while the cluster cannot be asked, with the reason: asking goes on.

    Args:
        world: the ports.
        policy: the site's patience.
        namespace: empty = all namespaces, or, without that right, each in which there are rights.

    Raises:
        LauncherError: the jobs could not be listed at the beginning.
    """
    try:
        roster = Roster(world, policy, namespace)
    except Denied as error:
        if namespace:
            raise
        denied = error
    else:
        while True:
            watch = roster.watch
            version = watch.version(_ANY_POD)
            yield roster.round()
            watch.wait(_ANY_POD, version, EVERY)
            world.clock.sleep(_TOGETHER)
    rosters = _Rosters(world, policy, denied)
    while True:
        yield rosters.round()
        world.clock.sleep(EVERY)


class _Rosters:
    """A roster for each namespace in which there are rights, those that come later, too.

    Args:
        world: the ports.
        policy: the site's patience.
        denied: why there cannot be one for all.

    Raises:
        LauncherError: there is no namespace in which the jobs could be listed.
    """

    def __init__(self, world: World, policy: WaitPolicy, denied: Denied) -> None:
        self._world, self._policy = world, policy
        self._found: dict[str, Roster] = {}
        # In which there are none -> when that is asked again, and after how long once more.
        self._left_out: dict[str, tuple[float, float]] = {}
        self._due = float("-inf")
        self._look()
        if not self._found:
            raise no_right_to_all(denied) from denied

    def round(self) -> Round:
        """Return the jobs as the watches show them."""
        if self._world.clock.monotonic() >= self._due:
            with suppress(LauncherError):  # the rosters say so, too, and what was found stays
                self._look()
        rounds = [self._found[space].round() for space in sorted(self._found)]
        return Round(
            tuple(job for one in rounds for job in one.jobs),
            min((one.as_of for one in rounds), default=self._world.clock.now()),
            next((one.why for one in rounds if one.why), ""),
            tuple(sorted(self._left_out)),
        )

    def _look(self) -> None:
        now = self._world.clock.monotonic()
        self._due = now + _NAMES_EVERY
        names = spaces(self._world)
        if not names:
            return  # nobody may list them any more, or there are too many now
        self._found = {space: one for space, one in self._found.items() if space in names}
        self._left_out = {space: one for space, one in self._left_out.items() if space in names}
        for space in names:
            due, pause = self._left_out.get(space, (now, _NAMES_EVERY))
            if space not in self._found and now >= due:
                self._left_out[space] = now + pause, min(2 * pause, _RIGHTS_EVERY)
                self._begin(space, LISTS_EVERY * len(names))

    def _begin(self, space: str, lists_every: float) -> None:
        with suppress(Denied):
            self._world.pods.list(space)  # before there is a watch that would be refused again and again
            self._found[space] = Roster(self._world, self._policy, space, lists_every=lists_every)
            del self._left_out[space]
