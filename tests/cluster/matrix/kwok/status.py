"""Rows whose pod gets a status from kwok, verbatim."""

from __future__ import annotations

import yaml

from launcher.core.catalogue import Code
from launcher.core.pending.clocks import Action
from tests.cluster.matrix.row import KWOK, Row
from tests.cluster.matrix.scene import fake_node, on_fake_node

__all__ = ["container", "failed", "fake_row", "terminated", "waits"]

_STATUS = "fake.fljob.internal/status"


def fake_row(
    name: str, how: str, code: Code, return_code: int, status: dict, extra: str = "{}", **more: object
) -> Row:
    """Return a row whose pod gets a status on its fake node; ``extra`` are more values of the site."""
    annotations = {_STATUS: yaml.safe_dump(status, width=1000), "fake.fljob.internal/run-for": "1h"}
    values = yaml.safe_load(on_fake_node())
    values["pod"]["annotations"] = annotations
    values |= yaml.safe_load(extra)
    return Row(
        name=name,
        how=how,
        code=code,
        return_code=return_code,
        provenance=KWOK,
        objects=fake_node(),
        values=yaml.safe_dump(values, width=100000),
        **more,  # type: ignore[arg-type]
    )


def container(**state: dict) -> dict:
    """Return the status of the job container in a state."""
    return {
        "name": "$container",
        "image": "x",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": state,
    }


def waits(name: str, reason: str, message: str, code: Code, return_code: int, **more: object) -> Row:
    """Return a row whose job container waits for a reason."""
    waiting = {"reason": reason, **({"message": message} if message else {})}
    status = {"phase": "Pending", "containerStatuses": [container(waiting=waiting)]}
    more = {"action": Action.WAIT, **more}
    return fake_row(name, f"waiting reason {reason}", code, return_code, status, **more)


def failed(name: str, reason: str, message: str, code: Code, return_code: int = 104, **status: object) -> Row:
    """Return a row whose pod failed for a reason of its own."""
    told = {"phase": "Failed", **({"reason": reason} if reason else {}), "message": message, **status}
    return fake_row(name, f"pod reason {reason}: {message}"[:110], code, return_code, told)


def terminated(name: str, exit_code: int, reason: str, message: str, code: Code, return_code: int) -> Row:
    """Return a row whose job container ended for a reason."""
    told = {"exitCode": exit_code, "reason": reason, "message": message}
    status = {"phase": "Failed", "containerStatuses": [container(terminated=told)]}
    return fake_row(name, f"container reason {reason}", code, return_code, status, exit_code=exit_code)
