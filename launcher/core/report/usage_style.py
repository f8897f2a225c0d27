"""The looks of the page of `fljob usage --html`: light and dark, on a phone, in print, without colours."""

from __future__ import annotations

__all__ = ["CLASSES", "POLICY", "STYLE"]

# Whatever a name in a history were to make of the page, a browser loads and runs nothing for it.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

# Of causes; those with less time share the last one. Each has a colour and a pattern of its own, since not
# everybody tells colours apart, and a printer may have none. "run" is what runs: no pattern.
CLASSES = ("c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7")

# Texts have a contrast of 4.5 to 1 at least, bars one of 3 to 1 (WCAG 2.2, 1.4.3, 1.4.11); a test measures.
_COLOURS = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1b1b;--line:#dcdcdc;--soft:#595959;--bad:#a83e00;
--link:#0058a3;--ink:rgba(255,255,255,.62);--run:#0072b2;--c0:#b06a00;--c1:#c94f00;--c2:#b0558c;--c3:#008060;--c4:#7d7300;
--c5:#3d7ea6;--c6:#7a5195;--c7:#6b6b6b}
@media (prefers-color-scheme:dark){
:root{--bg:#16181c;--fg:#e8e8e8;--line:#34373e;--soft:#a9adb6;--bad:#ff9a4d;
--link:#7cc0ff;--ink:rgba(0,0,0,.55);--run:#4aa3df;--c0:#e69f00;--c1:#f07f3c;--c2:#dd8fba;--c3:#2fbf95;--c4:#d6c800;
--c5:#7fc4ee;--c6:#b892d6;--c7:#a3a3a3}}
"""
_LAYOUT = """
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem 1.25rem 3rem;max-width:80rem;background:var(--bg);color:var(--fg);
font:15px/1.45 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.4rem;margin:.5rem 0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
p{margin:.3rem 0}.soft{color:var(--soft)}
a{color:var(--link)}:focus-visible{outline:2px solid var(--link);outline-offset:3px;border-radius:2px}
nav{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;margin:.6rem 0}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600}th[scope=row]{font-weight:400}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;padding-left:.6rem}
@media (min-width:56.01rem){
.sums .for{padding-left:1.2rem}.sums th:first-child{min-width:9rem}
.jobs{table-layout:fixed}.jobs th:first-child{width:27%}.jobs th:last-child{width:13rem}
.jobs .bar{padding-right:1rem}}
.words{font-size:.85rem;color:var(--soft)}
.track{position:relative;height:1.1rem;overflow:hidden;border:1px solid var(--line);border-width:0 1px;
background:repeating-linear-gradient(90deg,var(--line) 0 1px,transparent 1px 25%)}
.track div{position:absolute;inset:.1rem auto .1rem 0;min-width:4px;display:flex}
.track i{flex:none}
.axis{position:relative;height:1.3rem;color:var(--soft);font-size:.85rem;font-weight:400;white-space:nowrap}
.axis span{position:absolute;left:50%;transform:translateX(-50%)}.axis span:nth-child(2){left:25%}
.axis span:nth-child(4){left:75%}.axis span:first-child{left:0;transform:none}
.axis span:last-child{left:auto;right:0;transform:none}
.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;list-style:none;padding:0;margin:.6rem 0}
.legend i{display:inline-block;width:1.5rem;height:.9rem;margin-right:.4rem;vertical-align:-.1rem}
.failed{color:var(--bad);font-weight:600}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media (max-width:72rem){.axis span:nth-child(even){display:none}}
@media (max-width:56rem){
.jobs tr,.sums tr{display:grid}th,td{border:0}
tr{border-bottom:1px solid var(--line);padding:.3rem 0}
thead .away{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.sums tr{grid-template-columns:repeat(4,1fr)}.sums th:first-child,.sums .for{grid-column:1/-1;padding-left:0}
.sums .n{text-align:left;padding-left:0}}
"""
# A browser that paints with the few colours of its user, or on paper, leaves backgrounds out: those are all a
# bar has.
_PATTERNS = """
.run,.c0,.c1,.c2,.c3,.c4,.c5,.c6,.c7{forced-color-adjust:none;print-color-adjust:exact;
-webkit-print-color-adjust:exact}
.run{background:var(--run)}
.c0{background:repeating-linear-gradient(45deg,var(--ink) 0 2px,transparent 2px 6px) var(--c0)}
.c1{background:repeating-linear-gradient(-45deg,var(--ink) 0 2px,transparent 2px 6px) var(--c1)}
.c2{background:repeating-linear-gradient(90deg,transparent 0 4px,var(--ink) 4px 5px) var(--c2)}
.c3{background:repeating-linear-gradient(0deg,var(--ink) 0 1px,transparent 1px 4px) var(--c3)}
.c4{background:radial-gradient(var(--ink) 1.3px,transparent 1.5px) 0 0/5px 5px var(--c4)}
.c5{background:repeating-linear-gradient(45deg,var(--ink) 0 1px,transparent 1px 5px),
repeating-linear-gradient(-45deg,var(--ink) 0 1px,transparent 1px 5px) var(--c5)}
.c6{background:repeating-linear-gradient(90deg,transparent 0 7px,var(--ink) 7px 10px) var(--c6)}
.c7{background:repeating-linear-gradient(0deg,var(--ink) 0 1px,transparent 1px 5px),
repeating-linear-gradient(90deg,transparent 0 5px,var(--ink) 5px 6px) var(--c7)}
"""
STYLE = f"{_COLOURS}{_LAYOUT}{_PATTERNS}"
