import type {
  ActivityReport,
  ChangeRow,
  CommandRows,
  PersonReport,
  UnusualRow,
  UnusualSeverity,
} from '@leastwise/activity';

import {
  CHART_TITLES,
  type ChartName,
  clientTexts,
  commandCount,
  counted,
  digits,
  namesText,
  SEVERITY_WORDS,
  timeText,
  whenText,
} from '../text.ts';
import { escapeHtml, inertSvg } from './escape.ts';
import { heatHtml } from './heat.ts';
import { commandHtml, personHtml } from './person.ts';
import { type Cell, numberCell, tableHtml, textCell, timeCell } from './table.ts';

/** A section with a heading that the navigation leads to. @param id - a word of ours */
export function sectionHtml(id: string, title: string, content: string): string {
  return `<section id="${id}" aria-labelledby="${id}-title">\n<h2 id="${id}-title">${title}</h2>\n${content}\n</section>`;
}

/** The numbers at the top. */
export function tilesHtml({ totals }: ActivityReport): string {
  const tiles: readonly (readonly [label: string, count: number, isBad?: boolean])[] = [
    [totals.people === 1 ? 'person' : 'people', totals.people],
    ['service accounts', totals.serviceAccounts],
    ['commands', totals.commands],
    ['changes', totals.changes],
    ['refused requests', totals.refused, totals.refused > 0],
    ['deletions', totals.deletes],
    ['requests into pods', totals.execs],
    ['reads of secrets', totals.secretReads],
  ];
  const html = tiles.map(
    ([label, count, isBad]) =>
      `<div class="tile${isBad === true ? ' bad' : ''}"><dt>${label}</dt><dd>${digits(count)}</dd></div>`,
  );
  return `<dl class="tiles">\n${html.join('\n')}\n</dl>`;
}

function unusualItem(row: UnusualRow): string {
  const { severity, who, title, why, detection } = row;
  const about = who === '' ? '' : ` <strong>${escapeHtml(who)}</strong>`;
  const id = detection === undefined ? '' : ` <span class="chip">${escapeHtml(detection)}</span>`;
  return [
    `<li class="${severity}"><span class="badge ${severity}">${SEVERITY_WORDS[severity]}</span>${about}`,
    `<span class="title">${escapeHtml(title)}</span>${id} <span class="when">${whenText(row)}</span>`,
    `<p>${escapeHtml(why)}</p>${samplesHtml(row)}</li>`,
  ].join('\n');
}

function samplesHtml({ auditIDs }: UnusualRow): string {
  if (auditIDs.length === 0) return '';
  const ids = auditIDs.map((id) => `<code>${escapeHtml(id)}</code>`);
  return `<p class="samples">${auditIDs.length === 1 ? 'auditID' : 'auditIDs'} ${ids.join(', ')}</p>`;
}

/** How many there are of each severity, for those who read no further. */
function severitiesHtml(unusual: readonly UnusualRow[]): string {
  const severities: readonly UnusualSeverity[] = ['critical', 'high', 'medium', 'low'];
  const counts = severities.map(
    (each) => [each, unusual.filter((row) => row.severity === each).length] as const,
  );
  const badges = counts
    .filter(([, count]) => count > 0)
    .map(
      ([each, count]) =>
        `<span class="badge ${each}">${digits(count)} ${SEVERITY_WORDS[each].toLowerCase()}</span>`,
    );
  return `<p class="severities">${badges.join(' ')}</p>`;
}

/** What is unusual, the gravest first; what is low is folded away where there is graver. */
export function unusualHtml({ unusual, moreUnusual }: ActivityReport): string {
  if (unusual.length === 0) return '<p>Nothing stands out.</p>';
  const grave = unusual.filter(({ severity }) => severity !== 'low');
  const low = unusual.filter(({ severity }) => severity === 'low');
  const more = moreUnusual === 0 ? [] : [`<p class="note">And ${counted(moreUnusual, 'finding')} more.</p>`];
  const isFolded = grave.length > 0 && low.length > 0;
  return [
    severitiesHtml(unusual),
    listHtml(isFolded ? grave : unusual),
    ...(isFolded
      ? [
          `<details class="low"><summary>${counted(low.length, 'finding')} of low severity</summary>`,
          listHtml(low),
          '</details>',
        ]
      : []),
    ...more,
  ].join('\n');
}

function listHtml(rows: readonly UnusualRow[]): string {
  return `<ul class="unusual">\n${rows.map(unusualItem).join('\n')}\n</ul>`;
}

/** The heat map, and the charts that somebody has drawn. */
export function activityHtml(report: ActivityReport, charts: ReadonlyMap<ChartName, string>): string {
  if (report.heat.length === 0) return '<p>Nothing was observed.</p>';
  const drawn = (['verbs', 'refused'] as const).flatMap((name) => {
    const svg = charts.get(name);
    if (svg === undefined) return [];
    const title = CHART_TITLES[name];
    return [
      `<figure>\n<figcaption>${title}</figcaption>\n<div class="scroll" tabindex="0" role="region" aria-label="${title}">${inertSvg(svg)}</div>\n</figure>`,
    ];
  });
  const heat = `<figure>\n<figcaption>${CHART_TITLES.hours}</figcaption>\n${heatHtml(report)}\n</figure>`;
  return `<div class="charts">\n${[heat, ...drawn].join('\n')}\n</div>`;
}

const PEOPLE_COLUMNS = [
  { title: 'Who' },
  { title: 'Clients, self-reported' },
  { title: 'Commands', isNumber: true },
  { title: 'Refused', isNumber: true },
  { title: 'Deletions', isNumber: true },
  { title: 'Into pods', isNumber: true },
  { title: 'Secrets', isNumber: true },
  { title: 'Last (UTC)' },
];

function clientsHtml(person: PersonReport): string {
  return `<ul>${clientTexts(person)
    .map((text) => `<li>${escapeHtml(text)}</li>`)
    .join('')}</ul>`;
}

function personCells(person: PersonReport, id: string): Cell[] {
  const count = ({ rows, more }: CommandRows): Cell => numberCell(commandCount(rows, more));
  const kind = person.kind === 'person' ? '' : ' <span class="soft">service account</span>';
  return [
    { html: `<a href="#${id}" data-opens="${id}">${escapeHtml(person.name)}</a>${kind}`, look: 'who' },
    { html: clientsHtml(person), look: 'names' },
    count(person.commands),
    count(person.refusedAttempts),
    count(person.deletes),
    count(person.execs),
    count(person.secretReads),
    timeCell(timeText(person.lastUs), person.lastUs),
  ];
}

/** Everybody in one table, and one by one below it. */
export function peopleHtml({ people, others }: ActivityReport): string {
  if (people.length === 0) return '<p>Nobody used kubectl.</p>';
  const ids = people.map((person, index) => [person, `actor-${index + 1}`] as const);
  return [
    tableHtml({
      id: 'people-table',
      caption: 'People and service accounts',
      columns: PEOPLE_COLUMNS,
      rows: ids.map(([person, id]) => personCells(person, id)),
      isFiltered: true,
    }),
    ...(others.requests === 0
      ? []
      : [
          `<p class="note">And ${counted(others.requests, 'request')} of others, ${digits(others.refused)} refused.</p>`,
        ]),
    '<div class="people">',
    ...ids.map(([person, id]) => personHtml(person, id)),
    '</div>',
  ].join('\n');
}

const CHANGE_COLUMNS = [
  { title: 'Time (UTC)' },
  { title: 'Who' },
  { title: 'What' },
  { title: 'Times', isNumber: true },
  { title: 'Names' },
  { title: 'Outcome' },
];

function changeCells(row: ChangeRow): Cell[] {
  const status = row.code === 0 || row.outcome === 'done' ? '' : ` ${row.code}`;
  return [
    timeCell(timeText(row.atUs), row.atUs),
    textCell(row.who, 'who'),
    { html: commandHtml(row.text, row.certainty), look: 'what' },
    numberCell(row.count),
    textCell(row.count === 1 ? '' : namesText(row), 'names'),
    { html: `<span class="badge ${row.outcome}">${row.outcome}${status}</span>` },
  ];
}

/** What was done to the cluster, in time. */
export function changesHtml({ changes, moreChanges }: ActivityReport): string {
  if (changes.length === 0) return '<p>Nothing was changed with kubectl.</p>';
  const rows = changes.map(changeCells);
  const table = tableHtml({
    id: 'changes-table',
    caption: 'Changes in time order',
    columns: CHANGE_COLUMNS,
    rows,
    isFiltered: true,
  });
  return moreChanges === 0
    ? table
    : `${table}\n<p class="note">And ${counted(moreChanges, 'change')} more.</p>`;
}
