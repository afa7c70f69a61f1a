import type { ActivityReport } from '@leastwise/activity';

import { cspHash, escapeHtml } from './html/escape.ts';
import { SCRIPT } from './html/script.ts';
import {
  activityHtml,
  changesHtml,
  peopleHtml,
  sectionHtml,
  tilesHtml,
  unusualHtml,
} from './html/sections.ts';
import { STYLE } from './html/style.ts';
import { type ChartName, periodText } from './text.ts';

/**
 * What a page may do: show its own style sheet and run its own script, known by their hashes, and nothing else: it
 * loads nothing, sends nothing, and takes no base or form from what is in it.
 */
const POLICY = [
  "default-src 'none'",
  `style-src ${cspHash(STYLE)}`,
  `script-src ${cspHash(SCRIPT)}`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const SECTIONS = [
  ['unusual', 'What is unusual'],
  ['activity', 'Activity'],
  ['people', 'People'],
  ['changes', 'Changes'],
  ['blind-spots', 'What this report cannot see'],
] as const;

function headHtml(report: ActivityReport): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="referrer" content="no-referrer">',
    '<meta name="robots" content="noindex">',
    '<meta name="generator" content="leastwise">',
    `<title>kubectl activity: ${escapeHtml(report.cluster)}, ${periodText(report)}</title>`,
    `<style>${STYLE}</style>`,
    '</head>',
  ].join('\n');
}

function headerHtml(report: ActivityReport): string {
  const { officeHours, timeZone } = report;
  const chips = [
    'Days in UTC',
    ...(officeHours === undefined
      ? []
      : [`Office hours ${officeHours.from}:00 to ${officeHours.to}:00, ${timeZone}`]),
    ...(report.isPseudonymous ? ['Names of people are pseudonyms'] : []),
    ...(report.hasAllClients ? ['All clients'] : ['kubectl and its like']),
  ];
  const links = SECTIONS.map(([id, title]) => `<li><a href="#${id}">${title}</a></li>`);
  return [
    '<header>',
    '<h1>kubectl activity</h1>',
    `<div class="sub">Cluster <strong>${escapeHtml(report.cluster)}</strong>, ${periodText(report)}</div>`,
    `<div>${chips.map((chip) => `<span class="chip">${escapeHtml(chip)}</span>`).join('')}</div>`,
    `<nav aria-label="Sections"><ul>${links.join('')}</ul></nav>`,
    tilesHtml(report),
    '</header>',
  ].join('\n');
}

function blindSpotsHtml({ blindSpots }: ActivityReport): string {
  return `<ul>\n${blindSpots.map((spot) => `<li>${escapeHtml(spot)}</li>`).join('\n')}\n</ul>`;
}

/**
 * Renders a report as one HTML page that needs nothing else: no file, no network. Its Content-Security-Policy allows
 * its own style sheet and script by their hashes alone. Tables can be sorted and filtered, also by keyboard; without
 * the script all is there. Whatever comes from the log is text.
 * @param charts - SVG drawings of `activityCharts` with the colours of the page; the heat map needs none
 * @remarks Pure; the same report gives the same bytes.
 * @throws InvariantError if a drawing holds more than shapes and texts
 */
export function renderActivityHtml(
  report: ActivityReport,
  charts: ReadonlyMap<ChartName, string> = new Map(),
): string {
  const contents: Readonly<Record<(typeof SECTIONS)[number][0], string>> = {
    unusual: unusualHtml(report),
    activity: activityHtml(report, charts),
    people: peopleHtml(report),
    changes: changesHtml(report),
    'blind-spots': blindSpotsHtml(report),
  };
  return [
    headHtml(report),
    '<body>',
    '<a class="skip" href="#main">Skip to the report</a>',
    headerHtml(report),
    '<main id="main">',
    ...SECTIONS.map(([id, title]) => sectionHtml(id, title, contents[id])),
    '</main>',
    '<footer><p>Made by leastwise from audit logs. What clients say of themselves is not proven.</p></footer>',
    `<script>${SCRIPT}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}
