"""What a parent notes of a refused job comes back as it was, and nothing else counts as a note."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from launcher.core.catalogue import Code
from launcher.core.flare.refused_note import LONGEST, RefusedNote, note_from_text, note_to_text
from launcher.errors import InvalidInput
from tests.fakes import START

NOTE = RefusedNote(
    job_id="9e107d9d-372b-4c81-8c4e-0f1d2b3c4d5e",
    site="site-1",
    role="client",
    federation="0123456789abcdef",
    study="penguins",
    custom="9e107d9d/app_site-1/custom",
    module="nvflare.private.fed.app.client.worker_process",
    flags=(("-m", "/workspace"), ("-c", "site-1")),
    options=("secure_train=true", "org=acme"),
    variables=("NVFL_AUTH_TOKEN", "NVFL_SSID"),
    meta={"job_id": "9e107d9d", "launcher_spec": {"default": {"k8s": {"image": "a"}}}},
    launched=START,
    code=Code.QUOTA_EXCEEDED,
    detail="exceeded quota: q",
    spent={Code.QUOTA_EXCEEDED: 17.5, Code.API_UNAVAILABLE: 2.0},
)


def changed(**changes):
    content = json.loads(note_to_text(NOTE))
    return json.dumps({key: value for key, value in {**content, **changes}.items() if value is not KeyError})


def test_a_note_comes_back_as_it_was():
    assert note_from_text(note_to_text(NOTE)) == NOTE


def test_a_job_without_options_comes_back_without():
    assert note_from_text(changed(options=None)).options is None


def test_of_the_meta_only_what_a_launch_and_its_history_read_is_noted():
    read = {**NOTE.meta, "submitter_name": "ada", "study": "penguins"}
    more = RefusedNote(**{**vars(NOTE), "meta": {**read, "custom_props": "x"}})
    assert note_from_text(note_to_text(more)).meta == read


def test_one_more_try_is_one_line_of_bounded_length():
    again = NOTE.refused(Code.QUOTA_BUSY, "a\nb" + "x" * 10_000, {Code.QUOTA_BUSY: 1.0})
    assert (again.code, again.spent, again.job_id) == (Code.QUOTA_BUSY, {Code.QUOTA_BUSY: 1.0}, NOTE.job_id)
    assert "\n" not in again.detail
    assert len(again.detail) <= 1000


BROKEN = {
    "nothing": "",
    "half of one": note_to_text(NOTE)[:-20],
    "a list": "[]",
    "a deep one": "[" * 100_000,
    "another version": changed(version=2),
    "a version that is no number": changed(version=True),
    "a key more": changed(token="x"),
    "a key less": changed(site=KeyError),
    "no job": changed(job_id=" "),
    "a number for a text": changed(site=7),
    "a text that never ends": changed(study="x" * 5000),
    "a zero byte": changed(site="a\0b"),
    "a folder outside": changed(custom="../../etc"),
    "a folder from the root": changed(custom="/etc"),
    "a module that is none": changed(module="os; rm"),
    "a flag alone": changed(flags=[["-m"]]),
    "flags without end": changed(flags=[["-m", "x"]] * 101),
    "a word for options": changed(options="secure"),
    "a variable that is none": changed(variables=["A=B"]),
    "a meta that is none": changed(meta=[]),
    "a time without a zone": changed(launched="2026-01-01T00:00:00"),
    "a time that is none": changed(launched="yesterday"),
    "a code that is none": changed(code="Bored"),
    "less than no time": changed(spent={"QuotaExceeded": -1}),
    "no number of seconds": changed(spent={"QuotaExceeded": True}),
    "time without end": changed(spent={"QuotaExceeded": float("inf")}),
    "time of another cause": changed(spent={"Bored": 1}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_no_parent_has_written_is_refused(name):
    with pytest.raises(InvalidInput, match="note of a refused job"):
        note_from_text(BROKEN[name])


@pytest.mark.parametrize("meta", [{"study": object()}, {"study": "x" * LONGEST}])
def test_what_nobody_could_read_is_not_written(meta):
    with pytest.raises(ValueError, match=r"meta|longer"):
        note_to_text(RefusedNote(**{**vars(NOTE), "meta": meta}))


def test_a_job_of_long_ago_is_as_old_as_it_is():
    early = START - timedelta(days=400)
    assert note_from_text(changed(launched=early.isoformat())).launched == early
