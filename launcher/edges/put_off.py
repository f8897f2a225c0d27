"""Packages whose body runs only when it is needed.

The import of ``a.b`` runs the body of ``a`` first, and some libraries import all of themselves there. With
the body put off, ``a.b`` costs what it needs itself. The package stays whole: a name that only the body
defines makes it run, so another user of the library in this process (FLARE is one of ``kubernetes``) sees no
difference.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["put_off"]


def put_off(*packages: str) -> None:
    """Make packages known without running their bodies; those that are imported already stay as they are.

    Args:
        packages: names, each after the package that it is in.
    """
    for name in packages:
        spec = None if name in sys.modules else importlib.util.find_spec(name)
        if spec is None:
            continue
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        vars(module)["__getattr__"] = _Body(module, spec).find
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)


class _Body:
    """What a package does at its first import."""

    def __init__(self, module: ModuleType, spec: ModuleSpec) -> None:
        self._module, self._spec = module, spec
        self._lock = threading.RLock()
        self._has_run = False

    def find(self, name: str) -> Any:
        """Return what the package has under a name (PEP 562): a module in it, or what its body defines.

        Raises:
            AttributeError: it has nothing of that name.
        """
        inner = f"{self._spec.name}.{name}"
        # `importlib` asks for names with underscores, which no module in a package is called.
        if not name.startswith("_") and importlib.util.find_spec(inner):
            return importlib.import_module(inner)
        self._run()
        found = vars(self._module)
        if name in found:
            return found[name]
        if found["__getattr__"] != self.find:  # the body has brought its own
            return found["__getattr__"](name)
        raise AttributeError(f"module {self._spec.name!r} has no attribute {name!r}")

    def _run(self) -> None:
        with self._lock:
            if not self._has_run and self._spec.loader is not None:
                self._has_run = True
                self._spec.loader.exec_module(self._module)
