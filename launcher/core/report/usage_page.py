"""What jobs have used, as one page: a bar for each job, coloured by cause, and the sums. It loads nothing.

Read by keyboard and screen reader: a bar is an image in a row of a table, whose name has its times in words.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from html import escape

from launcher.core import foreign
from launcher.core.lifecycle.ledger import RUNNING, code_of
from launcher.core.report.history import Record
from launcher.core.report.usage import Use, causes_text, once, seconds_text, summed
from launcher.core.report.usage_style import CLASSES, POLICY, STYLE

__all__ = ["page"]

# Jobs with a bar, lines of a table of sums, causes of a job or a sum: no history makes a page without end.
_MOST, _MOST_SUMS, _MOST_CAUSES = 1000, 200, 8
_LONGEST = 60  # characters of a cause; those of the catalogue have thirty at most
_TICKS = 5
# Seconds from one end of the axis to the other -> how a time on it is written.
_CLOCKS = ((600.0, "%H:%M:%S"), (86_400.0, "%H:%M"), (math.inf, "%m-%d %H:%M"))
_SUMS = ("study", "code", "site")


def page(records: Iterable[Record], since: datetime | None, made: datetime) -> str:
    """Return the page as HTML text; the same records and times give the same text.

    Args:
        records: of jobs that are gone.
        since: leave out jobs that ended before; None = none.
        made: the time now; times are shown in its zone.
    """
    jobs = sorted(
        (one for one in once(records) if since is None or one.ended >= since),
        key=lambda one: (one.launched, one.job, one.site),
    )
    shown = jobs[-_MOST:]
    classes = _classes(jobs)
    head = f"{len(jobs)} job processes" + (f", the last {_MOST} of them below" if len(jobs) > _MOST else "")
    when = "" if since is None else f", ended since {_moment(since, made)}"
    about = f"{head}{when}; made {_moment(made, made)}, times in {made.tzname() or 'local time'}"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>fljob usage</title><style>{STYLE}</style></head><body>",
        f'<header><h1>Where the time of jobs went</h1><p class="soft">{escape(about)}</p>',
        f"{_ways(jobs)}</header><main>",
        _jobs(shown, classes, made) if shown else "<p>No job has ended.</p>",
        *(_sums(key, summed(jobs, key, None)) for key in _SUMS if jobs),
        "</main></body></html>\n",
    ]
    return "\n".join(parts)


def _ways(jobs: Sequence[Record]) -> str:
    """Return the ways to the tables, so that nobody has to pass a thousand jobs to the sums."""
    if not jobs:
        return ""
    names = ("jobs", *(f"by-{key}" for key in _SUMS))
    links = (f'<a href="#{name}">{name.replace("-", " ").capitalize()}</a>' for name in names)
    return f'<nav aria-label="On this page">{"".join(links)}</nav>'


def _classes(jobs: Sequence[Record]) -> Mapping[str, str]:
    """Return the look of each code, those with the most time first; those behind the last look share it."""
    sums: dict[str, float] = {}
    for one in jobs:
        for cause, seconds in one.seconds.items():
            code = code_of(cause)
            sums[code] = sums.get(code, 0.0) + seconds
    sums.pop(RUNNING, None)
    order = sorted(sums, key=lambda code: (-sums[code], code))
    found = {code: CLASSES[min(number, len(CLASSES) - 1)] for number, code in enumerate(order)}
    return {RUNNING: "run", **found}


def _legend(classes: Mapping[str, str]) -> str:
    shared = [cause for cause, look in classes.items() if look == CLASSES[-1]]
    alone = [cause for cause, look in classes.items() if look != CLASSES[-1]]
    items = [_entry(classes[cause], _name(cause)) for cause in alone]
    if shared:
        others = f"{len(shared)} other causes" if len(shared) > 1 else _name(shared[0])
        items.append(_entry(CLASSES[-1], others))
    return f'<ul class="legend" aria-label="Colours and patterns of causes">{"".join(items)}</ul>'


def _entry(look: str, words: str) -> str:
    return f'<li><i class="{look}"></i>{escape(words)}</li>'


def _jobs(jobs: Sequence[Record], classes: Mapping[str, str], made: datetime) -> str:
    begin = min(one.launched for one in jobs)
    end = max(begin, *(one.ended for one in jobs))
    length = max((end - begin).total_seconds(), 1.0)
    ticks = (begin + (end - begin) * step / (_TICKS - 1) for step in range(_TICKS))
    axis = "".join(f"<span>{_clock(tick, made, length)}</span>" for tick in ticks)
    rows = (_row(one, classes, begin, length, made) for one in jobs)
    return (
        f'<h2 id="jobs">Jobs</h2>{_legend(classes)}<table class="jobs" aria-labelledby="jobs"><thead><tr>'
        '<th scope="col" class="away">Job</th>'
        f'<th scope="col" class="bar"><span class="unseen">Time by cause</span>'
        f'<div class="axis" aria-hidden="true">{axis}</div></th>'
        '<th scope="col" class="away">End</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _row(one: Record, classes: Mapping[str, str], begin: datetime, length: float, made: datetime) -> str:
    at = min(max(100 * (one.launched - begin).total_seconds() / length, 0.0), 100.0)
    whole = sum(one.seconds.values())
    parts = "".join(
        f'<i class="{look}" style="width:{100 * seconds / whole:.3f}%" title="{escape(words)}"></i>'
        for words, look, seconds in _parts(one.seconds, classes)
        if whole
    )
    style = f"left:min({at:.3f}%,calc(100% - 4px));width:{100 * whole / length:.3f}%"
    longest = dict(sorted(one.seconds.items(), key=lambda item: -item[1]))
    words = f"from {_clock(one.launched, made, length)}: {_causes(longest) or 'less than 1s'}"
    job = f"{foreign.name(one.job)} at {foreign.name(one.site)}"
    about = job + (f", study {foreign.name(one.study)}" if one.study else "")
    end = escape(foreign.name(one.code))
    ended = end if one.return_code == 0 else f'<span class="failed">{end}</span>'
    return (
        f'<tr><th scope="row">{escape(about)}</th><td class="bar">'
        f'<div class="track" role="img" aria-label="{escape(f"{job}, {words}")}">'
        f'<div style="{style}">{parts}</div></div>'
        f'<div class="words" aria-hidden="true">{escape(words)}</div></td>'
        f"<td>{ended}</td></tr>"
    )


def _parts(seconds: Mapping[str, float], classes: Mapping[str, str]) -> Iterator[tuple[str, str, float]]:
    """Yield words, look and seconds of each part of a bar, as they came; the shortest of too many are one."""
    order = sorted(seconds, key=lambda cause: -seconds[cause])
    for cause, lasted in seconds.items():
        if cause in order[:_MOST_CAUSES]:
            yield f"{_name(cause)} {seconds_text(lasted)}", classes[code_of(cause)], lasted
    rest = [seconds[cause] for cause in order[_MOST_CAUSES:]]
    if rest:
        yield f"{len(rest)} other causes {seconds_text(sum(rest))}", CLASSES[-1], sum(rest)


def _sums(key: str, uses: Sequence[Use]) -> str:
    rows = (
        f'<tr><th scope="row">{escape(foreign.name(use.key))}</th><td class="n">{use.jobs}</td>'
        f'<td class="n">{use.failed}</td><td class="n">{seconds_text(use.running)}</td>'
        f'<td class="n">{seconds_text(sum(use.waiting.values()))}</td>'
        f'<td class="for">{escape(_causes(use.waiting))}</td></tr>'
        for use in uses[:_MOST_SUMS]
    )
    more = f"<p>and {len(uses) - _MOST_SUMS} more</p>" if len(uses) > _MOST_SUMS else ""
    heads = '<th scope="col" class="n">Jobs</th><th scope="col" class="n">Failed</th>'
    times = '<th scope="col" class="n">Ran</th><th scope="col" class="n">Waited</th>'
    return (
        f'<h2 id="by-{key}">By {key}</h2><table class="sums" aria-labelledby="by-{key}"><thead><tr>'
        f'<th scope="col" class="away">{key.capitalize()}</th>'
        f'{heads}{times}<th scope="col" class="for away">Waited for</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>{more}"
    )


def _causes(seconds: Mapping[str, float]) -> str:
    return causes_text({_name(cause): lasted for cause, lasted in seconds.items()}, _MOST_CAUSES)


def _name(cause: str) -> str:
    return foreign.line(cause, _LONGEST)


def _moment(moment: datetime, made: datetime) -> str:
    return moment.astimezone(made.tzinfo).strftime("%Y-%m-%d %H:%M")


def _clock(moment: datetime, made: datetime, length: float) -> str:
    form = next(form for most, form in _CLOCKS if length < most)
    return moment.astimezone(made.tzinfo).strftime(form)
