"""Who waits for a change of which object: a change wakes those who wait for that object, or for any."""

from __future__ import annotations

import threading

__all__ = ["ANY", "Waiters"]

# In place of a name: whatever object changes. No object of Kubernetes has it.
ANY = ""


class Waiters:
    """Versions of named objects and who waits for a new one; all methods need the lock.

    Args:
        lock: of the snapshot that the objects are in.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._changes = 0
        self._all_at = 0
        self._at: dict[str, int] = {}
        self._waiting: dict[str, list[threading.Condition]] = {}

    @property
    def is_empty(self) -> bool:
        """True while nobody waits."""
        return not self._waiting

    def version(self, name: str) -> int:
        """Return a number that is another one after every change of the object, of ``ANY`` of any object."""
        return self._changes if name == ANY else max(self._all_at, self._at.get(name, 0))

    def wake(self, name: str) -> None:
        """Note a change of one object."""
        self._changes += 1
        self._at[name] = self._changes
        for waiting in (name, ANY):
            for condition in self._waiting.get(waiting, ()):
                condition.notify()

    def wake_all(self) -> None:
        """Note that every object may have changed."""
        self._changes += 1
        self._all_at = self._changes
        self._at.clear()
        for conditions in self._waiting.values():
            for condition in conditions:
                condition.notify()

    def forget(self, name: str) -> None:
        """Keep no version of an object that is gone for good; whoever has an old one is woken for nothing."""
        self._at.pop(name, None)

    def wait(self, name: str, seen: int, timeout: float | None) -> int:
        """Block until ``version(name) != seen`` or ``timeout`` seconds passed; return the version."""
        condition = threading.Condition(self._lock)
        self._waiting.setdefault(name, []).append(condition)
        try:
            condition.wait_for(lambda: self.version(name) != seen, timeout)
        finally:
            self._waiting[name].remove(condition)
            if not self._waiting[name]:
                del self._waiting[name]
        return self.version(name)
