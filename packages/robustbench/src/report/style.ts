/** The stylesheet of the report: system fonts only, light and dark, print, from phone to wide screen. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fdfdfc; --card: #ffffff; --ink: #191b1f; --soft: #555b66; --faint: #82889340;
  --line: #e3e4e6; --wash: #f4f4f2; --accent: #2456b8; --good: #1d7a46; --warn: #9a5b00; --bad: #b3261e;
  --s0: #b3471b; --s1: #2456b8; --s2: #187a5b; --s3: #8a3ba8; --s4: #8a6a00; --s5: #47505e;
  --shadow: 0 1px 2px #0000000d, 0 4px 16px #0000000a;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", Arial, sans-serif;
  --serif: Charter, "Bitstream Charter", "Iowan Old Style", "Source Serif 4", Cambria, Georgia, "Liberation Serif", serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #131518; --card: #1a1d21; --ink: #e9eaec; --soft: #a3a9b4; --faint: #8b919c40;
    --line: #2d3137; --wash: #20242a; --accent: #8ab0ff; --good: #6fd19a; --warn: #f0b65a; --bad: #ff8f85;
    --s0: #ff9a6b; --s1: #86aeff; --s2: #63d3ab; --s3: #d79bf0; --s4: #e3c155; --s5: #b4bcc8;
    --shadow: none;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 400 16px/1.55 var(--sans); }
main, header.page, footer.page { max-width: 1120px; margin: 0 auto; padding: 0 clamp(18px, 4vw, 48px); }
header.page { padding-top: clamp(36px, 7vw, 84px); }
.eyebrow { margin: 0 0 14px; font-size: 13px; letter-spacing: .02em; color: var(--soft); }
h1 { margin: 0; font: 600 clamp(30px, 5vw, 46px)/1.1 var(--serif); letter-spacing: -.012em; text-wrap: balance; }
.verdict { margin: 20px 0 0; max-width: 46em; font: 400 clamp(18px, 2.2vw, 22px)/1.5 var(--serif); text-wrap: pretty; }
.verdict strong { font-weight: 600; color: var(--accent); white-space: nowrap; }
dl.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(118px, 1fr)); gap: 18px 28px; margin: 36px 0 0;
  padding: 20px 0 0; border-top: 1px solid var(--line); }
dl.facts dt { font-size: 13px; color: var(--soft); }
dl.facts dd { margin: 2px 0 0; font-weight: 500; overflow-wrap: anywhere; }
section { margin-top: clamp(48px, 7vw, 84px); }
h1::first-letter { text-transform: uppercase; }
h2 { margin: 0 0 6px; font: 600 clamp(22px, 3vw, 28px)/1.25 var(--serif); letter-spacing: -.005em; }
h3 { margin: 34px 0 10px; font-size: 16px; font-weight: 600; }
p.lead { margin: 0 0 22px; max-width: 68ch; color: var(--soft); }
.scroll { overflow-x: auto; }
.scroll:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 0 0 8px; font-weight: 600; }
th, td { padding: 9px 14px; text-align: right; font-weight: 400; white-space: nowrap; border-bottom: 1px solid var(--line); }
thead th { vertical-align: bottom; font-size: 14px; }
th[scope=row] { text-align: left; }
th:first-child, td:first-child { padding-left: 0; }
sub { font-size: .75em; line-height: 0; vertical-align: baseline; position: relative; top: .22em; }
table.small { font-size: 14px; }
table.small th, table.small td { padding-top: 6px; padding-bottom: 6px; }
table.small thead th { color: var(--soft); font-size: 13px; }
td.best { font-weight: 650; }
td.none { color: var(--soft); }
table.accuracy thead th, table.accuracy thead td { border-bottom: 0; }
table.accuracy thead tr:last-child th { border-bottom: 1px solid var(--ink); padding-top: 2px; }
table.accuracy th.group { padding-bottom: 4px; font-size: 13px; color: var(--soft); text-align: left; padding-left: 14px; }
table.accuracy th.group span { display: block; border-bottom: 1px solid var(--line); padding-bottom: 5px; }
table.accuracy th.threat { text-align: left; vertical-align: top; width: 20%; min-width: 148px; white-space: normal; }
table.accuracy th.threat b { display: block; font-weight: 600; font-size: 16px; white-space: nowrap; }
table.accuracy th.threat small { color: var(--soft); font-size: 13px; }
table.accuracy td { text-align: left; vertical-align: top; padding-top: 14px; padding-bottom: 14px; }
table.accuracy th[scope=row] { vertical-align: top; padding-top: 16px; white-space: normal; min-width: 170px; max-width: 260px;
  font-weight: 600; line-height: 1.35; }
table.accuracy th[scope=row] small { display: block; margin-top: 3px; font-weight: 400; color: var(--soft); font-size: 13px; }
.share { font-size: 20px; line-height: 1.2; letter-spacing: -.01em; }
.best .share { font-weight: 650; }
.counts { display: block; font-size: 13px; font-weight: 400; color: var(--soft); }
svg.bar { display: block; width: 100%; min-width: 110px; max-width: 190px; height: 11px; margin: 6px 0 4px; overflow: visible; }
svg.bar .track { fill: var(--faint); }
svg.bar .whisker { stroke: var(--ink); stroke-width: 1.2; fill: none; opacity: .62; vector-effect: non-scaling-stroke; }
.s0 { --c: var(--s0); } .s1 { --c: var(--s1); } .s2 { --c: var(--s2); } .s3 { --c: var(--s3); } .s4 { --c: var(--s4); } .s5 { --c: var(--s5); }
svg.bar .fill, .swatch { fill: var(--c); }
.named { display: inline-flex; align-items: baseline; gap: 7px; }
svg.swatch-box { flex: none; width: 12px; height: 12px; position: relative; top: 1px; overflow: visible; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 26px 34px; }
.plots.narrow { grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); }
figure { margin: 0; min-width: 0; }
figure.chart > figcaption { font-weight: 600; margin: 0 0 4px; }
figure.chart > figcaption small { font-weight: 400; color: var(--soft); }
svg.plot { display: block; width: 100%; height: auto; overflow: visible; font: 12px var(--sans); font-variant-numeric: tabular-nums; }
svg.plot text { fill: var(--soft); }
svg.plot text.y, svg.plot .tip .value { text-anchor: end; }
svg.plot text.x, svg.plot .span text { text-anchor: middle; }
svg.plot .grid { stroke: var(--line); fill: none; }
svg.plot .base { stroke: var(--soft); fill: none; }
svg.plot .span rect { fill: none; } svg.plot .span.odd rect { fill: var(--wash); }
svg.plot .span path { stroke: var(--soft); stroke-dasharray: 2 3; fill: none; opacity: .7; }
.line { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.line.dashed { stroke-dasharray: 6 4; }
.mark { fill: var(--c); stroke: var(--paper); stroke-width: 1; }
.hollow { fill: var(--paper); stroke: var(--c); stroke-width: 2.2; }
.ring { fill: none; stroke: var(--soft); stroke-width: 2; }
svg.plot .hit { fill: transparent; }
svg.plot .tip { opacity: 0; pointer-events: none; transition: opacity .12s; }
svg.plot .columns > g:hover .tip { opacity: 1; }
svg.plot .tip .rule { stroke: var(--soft); fill: none; opacity: .6; }
svg.plot .tip .box { fill: var(--card); stroke: var(--line); filter: drop-shadow(0 2px 6px #0002); }
svg.plot .tip text { fill: var(--ink); } svg.plot .tip .heading { font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 22px; margin: 0 0 16px; padding: 0; list-style: none; font-size: 14px; }
.legend li { display: flex; align-items: center; gap: 8px; }
details { margin-top: 14px; font-size: 14px; }
summary { cursor: pointer; color: var(--soft); width: fit-content; border-radius: 4px; }
summary:hover { color: var(--ink); }
details > :not(summary) { margin-top: 10px; }
.examples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 310px), 1fr)); gap: 20px; }
.example { padding: 16px; border: 1px solid var(--line); border-radius: 12px; background: var(--card); box-shadow: var(--shadow); break-inside: avoid; }
.example > figcaption { margin-bottom: 12px; font-size: 14px; color: var(--soft); line-height: 1.45; }
.example > figcaption b { color: var(--ink); font-weight: 600; font-size: 16px; }
.triptych { display: grid; grid-template-columns: repeat(3, 1fr); gap: 10px; }
.triptych div { font-size: 13px; line-height: 1.4; min-width: 0; }
.triptych img { display: block; width: 100%; height: auto; margin-bottom: 7px; background: var(--wash); border-radius: 4px; }
.triptych img.pixelated { image-rendering: pixelated; }
.triptych .what { display: block; color: var(--soft); white-space: nowrap; }
.triptych .class { display: block; font-weight: 600; overflow-wrap: anywhere; }
.triptych .right { color: var(--good); } .triptych .wrong { color: var(--bad); }
ul.findings { list-style: none; margin: 0; padding: 0; }
ul.findings small { color: var(--soft); font-size: 13px; margin-left: 8px; }
ul.findings > li { padding: 4px 0 4px 18px; border-left: 3px solid var(--line); margin-bottom: 22px; max-width: 78ch; }
ul.findings > li.warning { border-color: var(--warn); } ul.findings > li.error { border-color: var(--bad); }
ul.findings > li.info { border-color: var(--accent); }
ul.findings .kind { font-weight: 600; } .warning .kind { color: var(--warn); } .error .kind { color: var(--bad); } .info .kind { color: var(--accent); }
ul.findings p { margin: 2px 0; } ul.findings p.fix { color: var(--soft); }
pre { margin: 0; padding: 14px 16px; overflow-x: auto; background: var(--wash); border-radius: 10px; font: 14px/1.5 var(--mono); }
.columns-2 { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 10px 56px; margin-top: 14px; }
table.facts th { width: 38%; color: var(--soft); vertical-align: top; }
table.facts { table-layout: fixed; }
table.facts th, table.facts td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
footer.page { margin-top: 88px; padding-top: 22px; padding-bottom: 56px; color: var(--soft); font-size: 14px; }
footer.page p { margin: 0 0 10px; max-width: 76ch; }
footer.page hr { border: 0; border-top: 1px solid var(--line); margin: 0 0 22px; }
@media screen and (max-width: 720px) {
  .scroll th[scope=row] { position: sticky; left: 0; background: var(--paper); z-index: 1; white-space: normal; min-width: 112px; }
  table.accuracy th[scope=row] { max-width: 140px; font-size: 15px; }
  table.accuracy th[scope=row] small { display: none; }
}
@media screen and (max-width: 560px) {
  th, td { padding-left: 8px; padding-right: 8px; }
  .example { padding: 12px; }
}
@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --faint: #00000018; --line: #ccc; --wash: #f4f4f4; --accent: #1c468f;
    --good: #1d7a46; --warn: #9a5b00; --bad: #b3261e;
    --s0: #b3471b; --s1: #2456b8; --s2: #187a5b; --s3: #8a3ba8; --s4: #8a6a00; --s5: #47505e; --shadow: none; color-scheme: light; }
  @page { margin: 16mm; }
  body { font-size: 10.5pt; }
  main, header.page, footer.page { max-width: none; padding-left: 0; padding-right: 0; }
  header.page { padding-top: 0; }
  section { margin-top: 30px; }
  h2, h3 { break-after: avoid; } figure, tr, li { break-inside: avoid; }
  .scroll { overflow: visible; }
  th, td { padding: 4px 8px; } table.small { font-size: 8.5pt; } table.small thead th { font-size: 8pt; white-space: normal; }
  table.accuracy th.threat, svg.bar { min-width: 0; } table.accuracy th[scope=row] { min-width: 110px; }
  .plots, .plots.narrow { grid-template-columns: repeat(3, 1fr); gap: 14px 18px; } .plots:not(.narrow) { grid-template-columns: 1fr 1fr; }
  .example { padding: 10px; } .triptych { gap: 6px; } .triptych div { font-size: 8pt; }
  details:not([open]) { display: none; }
  .examples { grid-template-columns: repeat(3, 1fr); gap: 10px; }
  svg, img { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
