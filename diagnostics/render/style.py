"""The look of the HTML report: light and dark, narrow and printed."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--ink:#1c2024;--soft:#5b6570;--line:#d9dee3;--ground:#fff;--card:#f6f8fa;
--fail:#b3261e;--warn:#8a5a00;--pass:#1a7f37;--unknown:#5b6570;--info:#0b66b5;--c0:#0072b2}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#9aa5b1;--line:#3a4148;--ground:#14171a;--card:#1d2125;
--fail:#ff8a80;--warn:#ffc460;--pass:#6fdc8c;--unknown:#9aa5b1;--info:#7cc0ff;--c0:#56b4e9}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--ground);max-width:60rem;margin:0 auto;
padding:1rem}
h1{font-size:1.4rem}h2{font-size:1.2rem;margin:2.5rem 0 .3rem;overflow-wrap:anywhere}
h3{font-size:1rem;margin:1.2rem 0 .3rem}
.headline{font-weight:600;font-size:1.05rem;margin:.2rem 0 .3rem}.run>.about{margin:0 0 1rem}
.stamp{font-weight:700;white-space:nowrap}
.stamp.fail{color:var(--fail)}.stamp.warn{color:var(--warn)}.stamp.pass{color:var(--pass)}
.stamp.unknown{color:var(--unknown)}.stamp.info{color:var(--info)}
.finding{background:var(--card);border-left:4px solid var(--soft);padding:.6rem 1rem;margin:.8rem 0;border-radius:4px}
.finding.fail{border-color:var(--fail)}.finding.warn{border-color:var(--warn)}.finding.info{border-color:var(--info)}
.finding h3{margin:0}.finding p{margin:.3rem 0}.finding ul{margin:.3rem 0;padding-left:1.2rem}
.about,.how,figcaption,footer{color:var(--soft);font-size:.88rem}.remedy{font-weight:600}
code{font-size:.85rem;overflow-wrap:anywhere}li{overflow-wrap:anywhere}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th.n,td.n{text-align:right}td.fail{color:var(--fail);font-weight:600}td.warn{color:var(--warn);font-weight:600}
td.good{color:var(--pass)}
.name{overflow-wrap:anywhere;max-width:22rem}th{color:var(--soft);font-weight:600}
figure{margin:.6rem 0}.chart{width:100%;height:auto;display:block}.spark{width:120px;height:22px;display:block}
.spark path{fill:none;stroke:var(--c0);stroke-width:1.3}
.grid{stroke:var(--line);fill:none}.chart text{font:11px system-ui,sans-serif;fill:var(--soft)}
.chart .y{text-anchor:end;dominant-baseline:middle}.chart .x{text-anchor:middle}
.chart .unit,.chart .last{text-anchor:end}
.line{fill:none;stroke-width:1.4;stroke-linejoin:round}
.c0{stroke:var(--c0)}.c1{stroke:#d55e00}.c2{stroke:#009e73}.c3{stroke:#cc79a7}
.raw{stroke:var(--soft);stroke-dasharray:4 3}
.dot{stroke:none;fill:var(--c0)}.broken{stroke:var(--fail);stroke-width:1.5}
.axis{stroke:var(--soft);fill:none}.patch{opacity:.14;fill:var(--soft)}.patch.fail{fill:var(--fail)}
.patch.warn{fill:#e69f00}.patch.good{fill:#009e73}.patch.plain{opacity:.05}
.patch.aim{fill:var(--ground);stroke:var(--ink);stroke-width:1.2;opacity:.9}
.chart .area{font-size:9.5px}
.window{opacity:.16;fill:var(--soft)}.window.fail{fill:var(--fail)}.window.warn{fill:#e69f00}
.window.info{fill:var(--info)}
.key{margin-right:1rem}.key:before{content:"";display:inline-block;width:1rem;margin-right:.3rem;vertical-align:middle;
border-top:3px solid var(--c0)}.k1:before{border-color:#d55e00}.k2:before{border-color:#009e73}
.k3:before{border-color:#cc79a7}.kraw:before{border-color:var(--soft);border-top-style:dashed}
section.pair{margin:.6rem 0}
details{margin:.6rem 0}summary{cursor:pointer;font-weight:600}footer{margin-top:3rem;border-top:1px solid var(--line)}
@page{margin:14mm}
@media print{:root{color-scheme:light;--ink:#1c2024;--soft:#4a535c;--line:#c9cfd5;--ground:#fff;--card:#fff;
--fail:#b3261e;--warn:#7a4f00;--pass:#1a7f37;--unknown:#4a535c;--info:#0b66b5;--c0:#0072b2}
html{font-size:11.5px}body{max-width:none;font-size:1rem;padding:0;print-color-adjust:exact;
-webkit-print-color-adjust:exact}
.finding{border:1px solid var(--line);border-left-width:4px}.wide{overflow:visible}
.finding,figure,tr,summary{break-inside:avoid}h2,h3,summary{break-after:avoid}thead{display:table-header-group}
.run+.run{break-before:page}details.screen:not([open]){display:none}
details::details-content{content-visibility:visible;display:block}details>summary{list-style:none}
.chart{max-height:52mm}}
"""
