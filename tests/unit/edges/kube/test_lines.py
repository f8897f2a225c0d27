"""Lines of an answer that comes in parts."""

from __future__ import annotations

import time

import pytest

from launcher.edges.kube.lines import lines_in

WHOLE = b"one\n\ntwo words\nthree"
LINES = [b"one", b"", b"two words"]


@pytest.mark.parametrize("size", range(1, len(WHOLE) + 1))
def test_lines_are_the_same_whatever_the_parts(size):
    parts = [WHOLE[at : at + size] for at in range(0, len(WHOLE), size)]
    assert list(lines_in(parts)) == LINES
    assert list(lines_in(parts, with_rest=True)) == [*LINES, b"three"]


@pytest.mark.parametrize("parts", [[], [b""], [b"\n"], [b"", b"a\n", b""]])
def test_there_is_no_rest_after_the_last_line_end(parts):
    assert list(lines_in(parts, with_rest=True)) == b"".join(parts).split(b"\n")[:-1]


def test_a_line_in_many_parts_takes_as_long_as_one_in_few():
    """20 MB in 40,000 parts; looking at all that came before for each part takes a minute."""
    begin = time.thread_time()
    (line,) = lines_in((b"x" * 500 for _ in range(40_000)), with_rest=True)
    assert len(line) == 20_000_000
    assert time.thread_time() - begin < 15.0
