"""Asking FLARE's server as one of its admins."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from launcher.core import foreign
from launcher.errors import Denied, InvalidInput, LauncherError, NotFound, Unavailable

__all__ = ["job_meta"]

_KIT = "startup/fed_admin.json"
_SECONDS = 20.0


def job_meta(kit: Path, study: str, job_id: str, user: str = "") -> Mapping[str, Any]:
    """Return the meta of a job, as FLARE's server has it.

    Args:
        kit: startup kit of an admin: the folder that holds ``startup``.
        study: of the job: a session sees the jobs of one.
        job_id: FLARE's id of it.
        user: name of the admin; empty = the one in the kit.

    Raises:
        InvalidInput: there is no such kit.
        Unavailable: the server does not answer.
        Denied: it does not let this admin in, or see the job.
        NotFound: it has no such job.
    """
    name = user or _user_of(kit)
    from nvflare.fuel.flare_api.flare_api import new_secure_session  # noqa: PLC0415 - seconds of imports

    # FLARE writes to stdout while it connects ("Trying to obtain server address ...").
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            session = new_secure_session(name, str(kit.absolute()), timeout=_SECONDS, study=study)
            try:
                found: Mapping[str, Any] = session.get_job_meta(job_id)
            finally:
                session.close()
        except Exception as error:
            raise _told(error, job_id) from error
    return found


def _user_of(kit: Path) -> str:
    where = str(kit / _KIT)
    cure = "name the folder of an admin that `nvflare provision` made: it holds `startup`"
    try:
        name = json.loads((kit / _KIT).read_text())["admin"]["username"]
    except FileNotFoundError as error:
        raise InvalidInput("there is no startup kit of an admin", where=where, cure=cure) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            f"it cannot be read: {foreign.said(str(error))}", where=where, cure=cure
        ) from error
    return str(name)


def _told(error: Exception, job_id: str) -> LauncherError:
    from nvflare.fuel.flare_api import api_spec  # noqa: PLC0415

    said = foreign.said(str(error)) or type(error).__name__
    if isinstance(error, api_spec.JobNotFound):
        return NotFound(
            f"FLARE's server has no job {foreign.name(job_id)} in this study",
            cure="give its whole id, and its study with --study",
        )
    if isinstance(error, (api_spec.AuthenticationError, api_spec.AuthorizationError)):
        return Denied(f"FLARE's server refuses: {said}", cure="use the kit of an admin who may see the job")
    return Unavailable(f"FLARE's server does not answer: {said}", cure="is it up, and its name known here?")
