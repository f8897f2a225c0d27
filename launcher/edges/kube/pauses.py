"""Growing pauses between requests that fail, or end too early to be worth their cost.

Without them a server that answers every watch with 410, or ends every stream at once, is asked hundreds of
times a second by each process that watches.
"""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["Pauses"]

# Many processes that lost one API server together must not come back together.
_LEAST_SHARE = 0.5
# Of our own: whoever seeds or watches that of the module (a test, a simulation) means other numbers.
_CHANCE = random.Random()  # noqa: S311 - no secret depends on it


class Pauses:
    """Pauses that double from one trouble to the next, up to a limit, and start again after a healthy while.

    Args:
        first: the first pause, in seconds; each is shortened by chance, to half of it at most.
        longest: the longest one.
        healthy: a request that lasted so many seconds was worth it.
        chance: returns a number between two others.
    """

    def __init__(
        self,
        first: float,
        longest: float,
        healthy: float,
        chance: Callable[[float, float], float] = _CHANCE.uniform,
    ) -> None:
        self._first, self._longest, self._healthy = first, longest, healthy
        self._chance = chance
        self._next = first

    def after(self, lasted: float, *, failed: bool = True, at_least: float = 0.0) -> float:
        """Return how long to pause after a request, in seconds.

        Args:
            lasted: seconds from the request to its end.
            failed: whether it failed; one that did not and was healthy needs no pause.
            at_least: what the server asked for.
        """
        if lasted >= self._healthy:
            self._next = self._first
            if not failed:
                return at_least
        pause = self._next * self._chance(_LEAST_SHARE, 1.0)
        self._next = min(2 * self._next, self._longest)
        return max(pause, at_least)
