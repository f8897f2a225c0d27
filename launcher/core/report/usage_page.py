"""What jobs have used, as one page: a bar for each job, coloured by cause, and the sums. It loads nothing.

Read by keyboard and screen reader: each bar is a row of a table, with its times in words beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape

from launcher.core import foreign
from launcher.core.lifecycle.ledger import RUNNING, code_of
from launcher.core.report.history import Record
from launcher.core.report.usage import Use, causes_text, once, seconds_text, summed

__all__ = ["page"]

_MOST = 500
_TICKS = 5
# Seconds from one end of the axis to the other -> how a time on it is written.
_CLOCKS = ((600.0, "%H:%M:%S"), (86_400.0, "%H:%M"), (math.inf, "%m-%d %H:%M"))
_NARROWEST = 0.15  # percent of the whole width: what is shorter is still seen
_COLOURS = 8  # of causes; those with less time share the last one
# Colours that people who do not see red and green alike tell apart (Okabe and Ito), for both themes.
_STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1b1b;--line:#d5d5d5;--soft:#5c5c5c;--bad:#a83e00;
--run:#0072b2;--c0:#e69f00;--c1:#d55e00;--c2:#cc79a7;--c3:#009e73;--c4:#b8a500;--c5:#56b4e9;--c6:#7a5195;--c7:#8a8a8a}
@media (prefers-color-scheme:dark){
:root{--bg:#16181c;--fg:#e8e8e8;--line:#3a3d44;--soft:#a0a4ad;--bad:#ff9a4d;--run:#4aa3df}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem 1.25rem 3rem;max-width:80rem;background:var(--bg);color:var(--fg);
font:15px/1.45 system-ui,sans-serif}
h1{font-size:1.4rem;margin:.5rem 0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
p{margin:.3rem 0}.soft{color:var(--soft)}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.jobs{table-layout:fixed}.jobs th:first-child{width:20rem}.jobs th:last-child{width:13rem}
.jobs th[scope=row]{overflow-wrap:anywhere;font-weight:400}.jobs td.bar{padding-right:1rem}
.jobs td.end{overflow-wrap:anywhere}.wide{overflow-x:auto}
.words{font-size:.85rem;color:var(--soft)}
.track{position:relative;height:1.1rem;border-radius:3px;
background:color-mix(in srgb,var(--line) 35%,transparent)}
.track span{position:absolute;top:0;bottom:0;min-width:2px}
tr:focus-within,tr:focus{outline:2px solid var(--run);outline-offset:-2px}
.axis{display:flex;justify-content:space-between;color:var(--soft);font-size:.85rem;padding-right:1rem}
.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;list-style:none;padding:0;margin:.6rem 0}
.legend i{display:inline-block;width:.9rem;height:.9rem;border-radius:2px;margin-right:.4rem;
vertical-align:-.1rem}
.failed{color:var(--bad);font-weight:600}
@media (max-width:48rem){.jobs tr{display:grid}.jobs thead{display:none}
.jobs th,.jobs td{border:0}.jobs tbody tr{border-bottom:1px solid var(--line)}}
"""


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
    colours = _colours(jobs)
    head = f"{len(jobs)} job processes" + (f", the last {_MOST} of them below" if len(jobs) > _MOST else "")
    when = "" if since is None else f", ended since {_moment(since, made)}"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>fljob usage</title><style>{_STYLE}</style></head><body>",
        "<h1>Where the time of jobs went</h1>",
        f'<p class="soft">{escape(head + when)}; made {_moment(made, made)}</p>',
        _legend(colours),
        _jobs(shown, colours, made) if shown else "<p>No job has ended.</p>",
        *(_sums(f"By {key}", summed(jobs, key, None)) for key in ("study", "code", "site") if jobs),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _colours(jobs: Sequence[Record]) -> Mapping[str, str]:
    """Return the colour of each code, those with the most time first."""
    sums: dict[str, float] = {}
    for one in jobs:
        for cause, seconds in one.seconds.items():
            code = code_of(cause)
            sums[code] = sums.get(code, 0.0) + seconds
    sums.pop(RUNNING, None)
    order = sorted(sums, key=lambda code: (-sums[code], code))
    found = {code: f"var(--c{min(number, _COLOURS - 1)})" for number, code in enumerate(order)}
    return {RUNNING: "var(--run)", **found}


def _legend(colours: Mapping[str, str]) -> str:
    items = (
        f'<li><i style="background:{colour}"></i>{escape(foreign.name(code))}</li>'
        for code, colour in [*colours.items()][:20]
    )
    return f'<ul class="legend" aria-label="Colours of causes">{"".join(items)}</ul>'


def _jobs(jobs: Sequence[Record], colours: Mapping[str, str], made: datetime) -> str:
    begin = min(one.launched for one in jobs)
    length = max((max(one.ended for one in jobs) - begin).total_seconds(), 1.0)
    ticks = (begin + (max(one.ended for one in jobs) - begin) * step / (_TICKS - 1) for step in range(_TICKS))
    axis = "".join(f"<span>{_clock(tick, made, length)}</span>" for tick in ticks)
    rows = (_row(one, colours, begin, length) for one in jobs)
    return (
        '<h2 id="jobs">Jobs</h2><table class="jobs" aria-labelledby="jobs"><thead><tr>'
        '<th scope="col">Job</th>'
        f'<th scope="col"><div class="axis" aria-hidden="true">{axis}</div></th>'
        '<th scope="col">End</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _row(one: Record, colours: Mapping[str, str], begin: datetime, length: float) -> str:
    at = 100 * (one.launched - begin).total_seconds() / length
    bars = []
    for cause, seconds in one.seconds.items():
        wide = 100 * seconds / length
        title = f"{foreign.name(cause)} {seconds_text(seconds)}"
        style = f"left:{at:.3f}%;width:{max(wide, _NARROWEST):.3f}%;background:{colours[code_of(cause)]}"
        bars.append(f'<span style="{style}" title="{escape(title)}"></span>')
        at += wide
    words = causes_text(dict(sorted(one.seconds.items(), key=lambda item: -item[1])), 6)
    is_well = one.return_code == 0
    end = escape(one.code) if is_well else f'<span class="failed">{escape(one.code)}</span>'
    about = f"{foreign.name(one.job)} at {foreign.name(one.site)}" + (
        f", study {foreign.name(one.study)}" if one.study else ""
    )
    return (
        f'<tr tabindex="0"><th scope="row">{escape(about)}</th><td class="bar"><div class="track" '
        f'aria-hidden="true">{"".join(bars)}</div><div class="words">{escape(words)}</div></td>'
        f'<td class="end">{end}</td></tr>'
    )


def _sums(title: str, uses: Sequence[Use]) -> str:
    rows = (
        f'<tr><th scope="row">{escape(foreign.name(use.key))}</th><td class="n">{use.jobs}</td>'
        f'<td class="n">{use.failed}</td><td class="n">{seconds_text(use.running)}</td>'
        f'<td class="n">{seconds_text(sum(use.waiting.values()))}</td>'
        f"<td>{escape(causes_text(use.waiting, 6))}</td></tr>"
        for use in uses
    )
    name = title.lower().replace(" ", "-")
    heads = '<th scope="col" class="n">Jobs</th><th scope="col" class="n">Failed</th>'
    times = '<th scope="col" class="n">Ran</th><th scope="col" class="n">Waited</th><th scope="col">For</th>'
    return (
        f'<h2 id="{name}">{title}</h2><div class="wide"><table aria-labelledby="{name}"><thead><tr>'
        '<th scope="col"></th>'
        f"{heads}{times}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _moment(moment: datetime, made: datetime) -> str:
    return moment.astimezone(made.tzinfo).strftime("%Y-%m-%d %H:%M")


def _clock(moment: datetime, made: datetime, length: float) -> str:
    form = next(form for most, form in _CLOCKS if length < most)
    return moment.astimezone(made.tzinfo).strftime(form)
