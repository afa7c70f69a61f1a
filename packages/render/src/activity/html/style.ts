/** The style sheet of a report's page: light and dark as the reader's system says, narrow screens, paper. */
export const STYLE = `:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #ffffff; --text: #1b2330; --muted: #56606f; --line: #dde1e8; --link: #0b57c2; --focus: #0b57c2;
  --high: #b3261e; --high-page: #fdecea; --medium: #8a5200; --medium-page: #fff4e0; --low: #3d5a80; --low-page: #eaf1f9;
  --good: #1a6b3c; --code-page: #f1f3f6;
  --heat0: #eef1f5; --heat1: #c6dcf2; --heat2: #86b6e3; --heat3: #2f74b5; --heat4: #124f8c;
  --read: #5b9bd5; --write: #2d9a5b; --delete: #cf4a3c; --exec: #8e63b5; --other: #8b95a3; --refused: #cf4a3c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f141b; --card: #171e28; --text: #e5eaf1; --muted: #a3aebd; --line: #2c3644; --link: #7db4ff; --focus: #7db4ff;
    --high: #ff9b90; --high-page: #3a1a18; --medium: #ffc36b; --medium-page: #35270f; --low: #9fc3ee; --low-page: #182a40;
    --good: #7fd6a2; --code-page: #1f2833;
    --heat0: #202935; --heat1: #1d4268; --heat2: #2a659f; --heat3: #4d93d6; --heat4: #9cc9f7;
    --read: #5b9bd5; --write: #3fae6d; --delete: #e0675a; --exec: #a983d0; --other: #8b95a3; --refused: #e0675a;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; }
main, header, footer { max-width: 1180px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 40px; }
footer { padding-bottom: 48px; color: var(--muted); font-size: 13px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.02em; }
h2 { font-size: 20px; margin: 0 0 14px; letter-spacing: -0.01em; }
h3 { font-size: 16px; margin: 0; overflow-wrap: anywhere; }
h4 { font-size: 14px; margin: 20px 0 8px; }
p { margin: 0 0 10px; }
a { color: var(--link); text-underline-offset: 2px; }
a:focus-visible, button:focus-visible, input:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -9999px; }
.skip:focus { left: 16px; top: 12px; background: var(--card); padding: 8px 14px; }
.sub { color: var(--muted); font-size: 16px; overflow-wrap: anywhere; }
.chip { display: inline-block; border: 1px solid var(--line); border-radius: 99px; padding: 1px 10px; margin: 6px 6px 0 0; font-size: 13px; color: var(--muted); background: var(--card); }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 18px 0 0; padding: 0; font-size: 14px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 22px 24px; margin: 20px 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(128px, 1fr)); gap: 12px; margin: 24px 0 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 16px; display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.tile dt { color: var(--muted); font-size: 13px; }
.tile dd { margin: 0; font-size: 26px; font-weight: 650; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; line-height: 1.2; }
.tile.bad dd { color: var(--high); }
.unusual { list-style: none; margin: 0; padding: 0; display: grid; gap: 10px; }
.unusual li { border: 1px solid var(--line); border-left: 4px solid var(--low); border-radius: 8px; padding: 10px 14px; overflow-wrap: anywhere; }
.unusual li.critical, .unusual li.high { border-left-color: var(--high); }
.unusual li.medium { border-left-color: var(--medium); }
.unusual p { margin: 2px 0 0; }
.unusual .when { color: var(--muted); font-size: 13px; white-space: nowrap; }
.unusual strong::after { content: ' \\00b7'; color: var(--muted); font-weight: 400; }
.unusual .title { font-weight: 600; }
.unusual .chip { margin: 0; padding: 0 8px; font-size: 12px; line-height: 18px; }
.unusual .samples { color: var(--muted); font-size: 12px; }
.unusual .samples code { font-size: 12px; }
.severities { display: flex; flex-wrap: wrap; gap: 6px; margin: 0 0 14px; }
details.low { border-top: 0; padding: 12px 0 0; }
details.low summary { color: var(--muted); font-size: 14px; margin-bottom: 10px; }
.badge { display: inline-block; border-radius: 99px; padding: 0 9px; font-size: 12px; font-weight: 600; line-height: 20px; white-space: nowrap; background: var(--low-page); color: var(--low); }
.badge.critical { background: var(--high); color: var(--card); }
.badge.high, .badge.refused { background: var(--high-page); color: var(--high); }
.badge.medium, .badge.failed { background: var(--medium-page); color: var(--medium); }
.badge.done { background: transparent; color: var(--good); padding: 0; }
code { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
td code { background: var(--code-page); border-radius: 4px; padding: 1px 5px; }
.scroll { overflow-x: auto; }
.charts { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 28px; }
.charts > :first-child { grid-column: 1 / -1; }
figure { margin: 0; }
figcaption { font-weight: 600; margin: 0 0 10px; }
figure svg { max-width: 100%; height: auto; display: block; }
.heat { border-spacing: 3px; border-collapse: separate; font-size: 11px; font-variant-numeric: tabular-nums; width: 100%; }
.heat th { font-weight: 400; color: var(--muted); padding: 0 2px; border: 0; white-space: nowrap; background: none; text-align: center; }
.heat tbody th { text-align: right; padding-right: 8px; }
.heat td { min-width: 32px; height: 24px; padding: 0; text-align: center; border: 0; border-radius: 4px; background: var(--heat0); color: var(--muted); }
.heat thead td { background: none; }
.heat td.h1 { background: var(--heat1); color: var(--text); }
.heat td.h2 { background: var(--heat2); color: #10202f; }
.heat td.h3 { background: var(--heat3); color: #fff; }
.heat td.h4 { background: var(--heat4); color: #fff; }
.heat td.bad { box-shadow: inset 0 -3px 0 var(--refused); }
@media (prefers-color-scheme: dark) { .heat td.h2 { color: #fff; } .heat td.h3, .heat td.h4 { color: #06121f; } }
.note { color: var(--muted); font-size: 13px; margin: 10px 0 0; }
table.data { border-collapse: collapse; width: 100%; font-size: 14px; }
table.data th { text-align: left; border-bottom: 2px solid var(--line); padding: 6px 7px; white-space: nowrap; vertical-align: bottom; font-size: 13px; }
table.data td { border-bottom: 1px solid var(--line); padding: 7px 7px; vertical-align: top; }
table.data tbody tr:last-child td { border-bottom: 0; }
table.data tbody tr:hover { background: color-mix(in srgb, var(--link) 5%, transparent); }
.number, table.data th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.time { white-space: nowrap; font-variant-numeric: tabular-nums; color: var(--muted); }
td.who { overflow-wrap: anywhere; min-width: 165px; font-weight: 600; }
td.who .soft { font-weight: 400; display: block; }
td.names ul { list-style: none; margin: 0; padding: 0; white-space: nowrap; }
td.what { min-width: 220px; }
td.names { min-width: 120px; }
.soft { color: var(--muted); font-size: 13px; }
th button { all: unset; cursor: pointer; font-weight: 600; }
th button[disabled] { cursor: default; }
th button::after { content: '\\2195'; color: var(--muted); opacity: 0.55; padding-left: 4px; }
th button[disabled]::after { content: ''; padding: 0; }
th[aria-sort='ascending'] button::after { content: '\\2191'; opacity: 1; }
th[aria-sort='descending'] button::after { content: '\\2193'; opacity: 1; }
.filter { display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: center; margin: 0 0 12px; font-size: 14px; }
.filter[hidden] { display: none; }
.filter input { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--muted); border-radius: 8px; padding: 5px 10px; width: 280px; max-width: 100%; }
details { border-top: 1px solid var(--line); padding: 12px 0; }
details:first-of-type { border-top: 0; }
summary { cursor: pointer; }
summary h3 { display: inline; }
summary .soft { margin-left: 6px; }
dl.facts { display: grid; grid-template-columns: minmax(120px, max-content) 1fr; gap: 4px 18px; margin: 14px 0 0; font-size: 14px; }
dl.facts dt { color: var(--muted); }
dl.facts dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 900px) { .charts { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 640px) {
  main, header, footer { padding-left: 14px; padding-right: 14px; }
  header { padding-top: 24px; }
  h1 { font-size: 24px; }
  section { padding: 16px 14px; border-radius: 10px; }
  .tiles { grid-template-columns: repeat(2, 1fr); gap: 8px; }
  .tile { padding: 10px 12px; }
  .tile dd { font-size: 22px; }
  dl.facts { grid-template-columns: 1fr; gap: 0; }
  dl.facts dd { margin-bottom: 8px; }
  .filter input { width: 100%; }
}
@media print {
  :root { --page: #fff; --card: #fff; }
  body { font-size: 11px; }
  nav, .filter, .skip { display: none; }
  section { border: 0; padding: 0; break-inside: auto; }
  tr, .tile, .unusual li { break-inside: avoid; }
  thead { display: table-header-group; }
  th button::after { content: ''; }
  .scroll { overflow: visible; }
}
`;
