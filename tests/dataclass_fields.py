"""The dataclasses of the package, and which of their fields would show a key in a repr."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Callable, Iterable

import launcher

__all__ = ["dataclasses_of", "shown_keys"]

# Fields that may hold a key, wherever they are; `env` and `secret_env` are tuples of EnvVar, which hides its own.
_MAY_HOLD_A_KEY = {
    "credentials", "environ", "files", "key_data", "known", "pod_template", "raw", "secret", "token", "user", "users", "value",
}  # fmt: skip
# Names of Secrets, texts of taints.
_NAMES_ONLY = {"EnvVar", "SecretKey", "SecretMount", "Taint", "Toleration"}


def dataclasses_of(is_wanted: Callable[[str], bool]) -> list[type]:
    """Return the dataclasses of the modules whose names are wanted."""
    found: list[type] = []
    for module in pkgutil.walk_packages(launcher.__path__, "launcher.", onerror=lambda _: None):
        if is_wanted(module.name) and not module.name.endswith(("__main__", "doctor.probe")):
            members = vars(importlib.import_module(module.name)).values()
            found += [
                one for one in members if dataclasses.is_dataclass(one) and one.__module__ == module.name
            ]
    return found


def shown_keys(found: Iterable[type]) -> set[str]:
    """Return the fields of dataclasses that may hold a key and are shown by their repr."""
    return {
        f"{one.__module__}.{one.__name__}.{field.name}"
        for one in found
        for field in dataclasses.fields(one)
        if field.name in _MAY_HOLD_A_KEY
        and field.repr
        and one.__repr__ is not object.__repr__
        and one.__name__ not in _NAMES_ONLY
    }
