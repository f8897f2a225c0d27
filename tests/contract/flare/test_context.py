"""Incomplete contexts: FLARE's launcher and ours raise the same, and ours leaves nothing behind."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nvflare.apis.fl_constant import FLContextKey
from nvflare.apis.fl_context import FLContext, FLContextManager
from nvflare.apis.job_launcher_spec import JobProcessArgs

from launcher.core.flare.refused_note import note_from_text, note_to_text
from launcher.core.flare.submitter import NOBODY, Submitter
from launcher.core.spec.jobspec import Role
from launcher.flare.context import noted, read_job, startup_kit, to_note
from tests.contract.flare import flare_side, our_side
from tests.contract.flare.case import JOB, write_workspace
from tests.contract.flare.in_memory import CASE
from tests.fakes import START

_PROPERTIES = (FLContextKey.WORKSPACE_OBJECT, FLContextKey.ARGS, FLContextKey.JOB_PROCESS_ARGS)
# What launch_job gets, and the workspace -> what it gets instead.
Change = Callable[[Mapping[str, Any], FLContext, Path], tuple[Any, FLContext]]


def meta(change: Callable[[Mapping[str, Any]], Any]) -> Change:
    """Change the job's meta."""
    return lambda job, context, _root: (change(job), context)


def prop(key: str, value: Callable[[Any, Path], Any]) -> Change:
    """Change one property of the context."""

    def act(job: Mapping[str, Any], context: FLContext, root: Path) -> tuple[Any, FLContext]:
        context.set_prop(key, value(context.get_prop(key), root), private=True, sticky=False)
        return job, context

    return act


def made_of(engine: Callable[[FLContext], Any], name: Callable[[FLContext], Any]) -> Change:
    """Make the context of another engine or identity."""

    def act(job: Mapping[str, Any], context: FLContext, _root: Path) -> tuple[Any, FLContext]:
        manager = FLContextManager(engine=engine(context), identity_name=name(context), job_id=JOB)
        changed = manager.new_context()
        for key in _PROPERTIES:
            changed.set_prop(key, context.get_prop(key), private=True, sticky=False)
        return job, changed

    return act


def same_engine(context: FLContext) -> Any:
    return context.get_engine()


def same_name(context: FLContext) -> Any:
    return context.get_identity_name()


def entry(module: Any) -> Change:
    """Change the module of the job process."""
    return prop(FLContextKey.JOB_PROCESS_ARGS, lambda given, _: {**given, JobProcessArgs.EXE_MODULE: module})


# name -> (what is wrong, message of both; empty where the exception is Python's own)
BOTH: dict[str, tuple[Change, str]] = {
    "no meta": (meta(lambda _: None), ""),
    "empty meta": (meta(lambda _: {}), "missing job_id"),
    "empty job id": (meta(lambda job: {**job, "job_id": ""}), "missing job_id"),
    **{f"no {key}": (prop(key, lambda *_: None), f"missing {key}") for key in _PROPERTIES},
    "no process arguments": (
        prop(FLContextKey.JOB_PROCESS_ARGS, lambda *_: {}),
        f"missing {FLContextKey.JOB_PROCESS_ARGS}",
    ),
    "no module": (
        prop(
            FLContextKey.JOB_PROCESS_ARGS,
            lambda given, _: {key: one for key, one in given.items() if key != JobProcessArgs.EXE_MODULE},
        ),
        f"missing {JobProcessArgs.EXE_MODULE}",
    ),
    "module is null": (entry(None), f"missing {JobProcessArgs.EXE_MODULE}"),
    "module is one word": (entry(("-m",)), ""),
    "module is three words": (entry(("-m", "a", "b")), ""),
    "custom folder elsewhere": (
        prop(
            FLContextKey.ARGS,
            lambda _, root: argparse.Namespace(workspace=str(root.parent / "elsewhere"), set=None),
        ),
        "is not under workspace",
    ),
    "arguments without a workspace": (
        prop(FLContextKey.ARGS, lambda *_: argparse.Namespace(set=None)),
        "no attribute 'workspace'",
    ),
    "workspace is text": (prop(FLContextKey.WORKSPACE_OBJECT, lambda *_: "text"), "'str' object has no"),
    "a context of nothing": (lambda job, _context, _root: (job, FLContext()), "missing"),
    "no engine": (made_of(lambda _: None, same_name), "missing parent CellNet cell"),
    "an engine without a cell": (made_of(lambda _: object(), same_name), "missing parent CellNet cell"),
}
# name -> (what is wrong, what FLARE does, ours, why)
DIFFERENT: dict[str, tuple[Change, type[Exception] | None, type[Exception], str]] = {
    "empty identity name": (
        made_of(same_engine, lambda _: ""),
        None,
        ValueError,
        "FLARE launches a pod that no site owns; a release is found again by the name of its site",
    ),
    "no identity name": (
        made_of(same_engine, lambda _: None),
        None,
        ValueError,
        "the same: FLARE takes it for an empty one",
    ),
    "job id is a number": (
        meta(lambda job: {**job, "job_id": 7}),
        AttributeError,
        RuntimeError,
        "FLARE stumbles over it; ours says which key is wrong, with FLARE's type for a wrong meta",
    ),
}


def outcome(change: Change, root: Path, side: Any) -> tuple[Exception | None, Any]:
    """Return what a launcher raises, None when it launches, and the launcher."""
    write_workspace(root, CASE)
    job, context = change(dict(CASE.meta), flare_side.context(CASE, root), root)
    launcher = side.make_launcher(CASE, root)
    if side is flare_side:
        launcher.core_v1 = flare_side.Recorder()
    try:
        launcher.launch_job(job, context)
    except Exception as error:  # noqa: BLE001 - FLARE has no root of its errors
        return error, launcher
    return None, launcher


@pytest.mark.parametrize("name", BOTH)
def test_both_raise_the_same_type(tmp_path, name):
    change, words = BOTH[name]
    flare, _ = outcome(change, tmp_path / "workspace", flare_side)
    ours, launcher = outcome(change, tmp_path / "workspace", our_side)
    assert flare is not None
    assert type(ours) is type(flare), repr(ours)
    assert re.search(re.escape(words), str(flare))
    assert re.search(re.escape(words), str(ours))
    assert launcher.fake.is_empty


@pytest.mark.parametrize("name", DIFFERENT)
def test_listed_differences(tmp_path, name):
    change, of_flare, of_ours, why = DIFFERENT[name]
    flare, _ = outcome(change, tmp_path / "workspace", flare_side)
    ours, launcher = outcome(change, tmp_path / "workspace", our_side)
    assert (type(flare) if flare else None) is of_flare, why
    assert type(ours) is of_ours, why
    assert "\n  cure: " in str(ours)
    assert launcher.fake.is_empty


def test_both_launch_from_a_complete_context(tmp_path):
    for side in (flare_side, our_side):
        error, _ = outcome(meta(dict), tmp_path / "workspace", side)
        assert error is None


def test_a_note_has_the_submitter_unless_the_site_does_not_want_them(tmp_path):
    write_workspace(tmp_path, CASE)
    asked = {
        **CASE.meta,
        "submitter_name": "ada@example.com",
        "submitter_org": "heart",
        "submitter_role": "lead",
    }
    job = read_job(asked, flare_side.context(CASE, tmp_path), Role.CLIENT)
    assert job.submitter == Submitter("ada@example.com", "heart", "lead")
    for kept in (job, replace(job, submitter=NOBODY)):
        text = note_to_text(to_note(kept, asked, Role.CLIENT, START))
        assert noted(note_from_text(text), str(tmp_path), "startup", job.cell).submitter == kept.submitter
    assert "ada" not in text


def test_the_key_that_signs_jobs_stays_with_the_parent(tmp_path):
    for name in ("client.key", "client.crt", "rootCA.pem", "fed_client.json", "job_ca.key", "start.sh"):
        (tmp_path / name).write_text(name)
    assert set(startup_kit(str(tmp_path))) == {"client.key", "client.crt", "rootCA.pem", "fed_client.json"}
