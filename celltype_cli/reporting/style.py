"""The style sheet of the HTML page."""

STYLE = """
:root { --ink: #1d2433; --soft: #5b6475; --line: #dfe3ea; --tint: #f6f7fa; --accent: #332288; --warn: #8a4b00; }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { margin: 0; color: var(--ink); background: #fff;
  font: 16px/1.55 system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif;
  display: grid; grid-template-columns: 14rem minmax(0, 76rem); column-gap: 1.5rem; justify-content: center; }
header { grid-column: 1 / -1; padding: 2.2rem 1.5rem 1.2rem; border-bottom: 3px solid var(--accent); }
header p { margin: .3rem 0; color: var(--soft); max-width: 62rem; }
header .kind { text-transform: uppercase; letter-spacing: .09em; font-size: .8rem; color: var(--accent);
  font-weight: 600; }
h1 { margin: .2rem 0 .4rem; font-size: 1.75rem; line-height: 1.25; max-width: 56rem; }
h2 { margin: 0 0 1rem; font-size: 1.3rem; line-height: 1.3; }
h3 { margin: 1.6rem 0 .5rem; font-size: 1.05rem; }
.url { overflow-wrap: anywhere; }
.mark { display: inline-block; margin-left: .6rem; padding: .1rem .6rem; border-radius: 1rem; background: #fff3df;
  color: var(--warn); font-size: .78rem; font-weight: 600; vertical-align: middle; white-space: nowrap; }
header .mark { margin: .3rem .5rem 0 0; font-size: .9rem; }
nav { padding: 1.5rem 0 0 1.5rem; }
nav ol { position: sticky; top: 1.2rem; list-style: none; margin: 0; padding: 0; font-size: .92rem; }
nav li { margin: .1rem 0; }
nav a { display: block; padding: .22rem .6rem; color: var(--soft); text-decoration: none;
  border-left: 3px solid var(--line); }
nav a:hover, nav a:focus { color: var(--accent); border-color: var(--accent); }
main { padding: 1.5rem 1.2rem 4rem 0; }
section { padding: 0 0 1.2rem; margin: 0 0 2.2rem; border-bottom: 1px solid var(--line); }
.scroll { overflow-x: auto; margin: .6rem 0 1rem; }
table { border-collapse: collapse; font-size: .84rem; font-variant-numeric: tabular-nums; }
th { text-align: right; vertical-align: bottom; font-weight: 600; color: var(--soft);
  border-bottom: 2px solid var(--ink); padding: .35rem .5rem; line-height: 1.25; min-width: 3.4rem; }
td { text-align: right; padding: .28rem .5rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th.word, td.word { text-align: left; white-space: normal; }
td.word { min-width: 5rem; }
td.word ~ td.word { min-width: 11rem; }
td.word:first-child { white-space: nowrap; }
#glance td.word:first-child { white-space: normal; min-width: 14rem; }
td.command { text-align: left; color: var(--soft); white-space: normal; min-width: 26rem; }
tbody tr:hover { background: var(--tint); }
td > i { display: inline-block; width: .7rem; height: .7rem; border-radius: .15rem; margin-right: .5rem; }
code { font: .85em ui-monospace, "SF Mono", "DejaVu Sans Mono", monospace; background: var(--tint);
  padding: .12rem .35rem; border-radius: .25rem; overflow-wrap: anywhere; }
.notes { margin: .4rem 0 1rem; padding-left: 1.1rem; color: var(--soft); font-size: .9rem; }
.missing { color: var(--warn); font-size: .92rem; }
.missing li { margin: .25rem 0; }
figure { margin: 1.6rem 0; }
figure img { display: block; max-width: 100%; height: auto; }
figcaption { margin-top: .4rem; color: var(--soft); font-size: .88rem; max-width: 60rem; }
details { margin: .8rem 0; }
summary { cursor: pointer; font-weight: 600; font-size: .95rem; }
@media (max-width: 72rem) {
  body { display: block; }
  nav { padding: 1rem 1.5rem 0; }
  nav ol { position: static; columns: 2; }
  main { padding: 1.5rem; }
}
@media (max-width: 40rem) { nav ol { columns: 1; } h1 { font-size: 1.4rem; } }
@media print {
  @page { size: A4 landscape; margin: 12mm; }
  html { font-size: 11px; }
  body { display: block; font-size: 1rem; }
  nav { display: none; }
  main, header { padding: 0 0 1rem; }
  .scroll { overflow: visible; }
  details::details-content { content-visibility: visible; block-size: auto; }
  th, td { padding: .15rem .4rem; }
  tr, figure { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  figure img { max-height: 150mm; }
}
"""
