"""A value that a thread makes, so that helm runs while Python imports what asks the API server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

__all__ = ["LatePort", "Later", "is_importing"]

T = TypeVar("T")

_UNDER_WAY: set[int] = set()


def is_importing() -> bool:
    """Return whether any ``Later`` is being made; asked by handlers of signals, so it locks nothing.

    An exception that a handler raises while the main thread lets go of the lock of a module is lost there,
    and the lock with it: ``Exception ignored in: <function _get_module_lock.<locals>.cb``. The thread that
    wants the lock next waits for ever, and the interpreter for the thread.
    """
    return bool(_UNDER_WAY)


class LatePort:
    """A port whose adapter is found when it is first asked for something.

    Args:
        adapter: returns it.
        own: attributes that need no adapter.
    """

    def __init__(self, adapter: Callable[[], Any], **own: Any) -> None:
        self._adapter = adapter
        self.__dict__ |= own

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter(), name)


class Later(Generic[T]):
    """A value that a thread makes.

    Args:
        make: makes it; what it raises is raised for whoever asks.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._made: T | BaseException | None = None
        self._make = make
        # No daemon: the interpreter waits for it instead of ending under it.
        self._thread = threading.Thread(target=self._run, name="fljob-imports")
        _UNDER_WAY.add(id(self))
        self._thread.start()

    def _run(self) -> None:
        try:
            self._made = self._make()
        except BaseException as error:  # noqa: BLE001 - raised for whoever asks
            self._made = error
        finally:
            _UNDER_WAY.discard(id(self))

    def value(self) -> T:
        """Return it, or raise what its making raised."""
        self._thread.join()
        if isinstance(self._made, BaseException):
            raise self._made
        return cast("T", self._made)
