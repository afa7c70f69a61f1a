import type {
  ActivityReport,
  ChangeRow,
  CommandRow,
  CommandRows,
  PersonReport,
  UnusualRow,
} from '@leastwise/activity';

import { markdownText } from '../escape-markdown.ts';
import { MARKDOWN_NOTICE } from '../generated.ts';
import { code, fold, table } from '../pull-request/markdown.ts';
import { actorsMermaid, hoursMermaid } from './mermaid.ts';
import {
  certaintyText,
  CHART_TITLES,
  clientsText,
  commandCount,
  counted,
  digits,
  factsOf,
  HIGHLIGHTS,
  namesText,
  outcomesText,
  periodText,
  SEVERITY_WORDS,
  summaryText,
  timeText,
  whenText,
  type ChartName,
} from './text.ts';

/** Files of charts next to the Markdown, by relative path; what has none is drawn as Mermaid, or left out. */
export type ChartFiles = ReadonlyMap<ChartName, string>;

const SHOWN_PEOPLE = 100;
const SHOWN_COMMANDS = 20;
const SHOWN_CHANGES = 200;
/** Names of Kubernetes objects fit; commands of exec are longer. */
const COMMAND_CHARACTERS = 400;

function command(text: string): string {
  return code(text, COMMAND_CHARACTERS);
}

/** What is not shown: `cut` here, so that the other forms have it, and `capped` in the report itself. */
function rest(noun: string, cut: number, capped: number): string[] {
  return [
    ...(cut === 0 ? [] : [`And ${counted(cut, noun)} more: the page, JSON and CSV have them.`]),
    ...(capped === 0 ? [] : [`And ${counted(capped, noun)} more, which are counted only.`]),
  ];
}

function unusualSection({ unusual, moreUnusual }: ActivityReport): string[] {
  if (unusual.length === 0) return ['## What is unusual', 'Nothing stands out.'];
  return ['## What is unusual', unusual.map(unusualItem).join('\n'), ...rest('finding', 0, moreUnusual)];
}

function unusualItem(row: UnusualRow): string {
  const { severity, who, title, why, detection, auditIDs } = row;
  const about = who === '' ? '' : `${code(who)}: `;
  const of = detection === undefined ? '' : ` (${markdownText(detection)})`;
  // One is enough to begin with; the other forms have them all.
  const samples = auditIDs.slice(0, 1).map((id) => ` auditID ${code(id)}`);
  return `- **${SEVERITY_WORDS[severity]}** ${about}${markdownText(title)}${of}, ${whenText(row)}. ${markdownText(why)}${samples.join('')}`;
}

function chartsSection(report: ActivityReport, charts: ChartFiles): string[] {
  if (report.heat.length === 0) return [];
  return [
    '## Activity',
    // Charts of Mermaid have titles of their own.
    ...(chart('hours', charts) ?? [hoursMermaid(report)]),
    ...(chart('verbs', charts) ?? [actorsMermaid(report)]),
    ...(chart('refused', charts) ?? []),
  ];
}

function chart(name: ChartName, charts: ChartFiles): string[] | undefined {
  const path = charts.get(name);
  if (path === undefined) return undefined;
  return [`### ${CHART_TITLES[name]}`, `![${CHART_TITLES[name]}](${encodeURI(path)})`];
}

const PEOPLE_COLUMNS = [
  { title: 'who' },
  { title: 'clients, self-reported' },
  { title: 'commands', isNumber: true },
  { title: 'refused', isNumber: true },
  { title: 'deletes', isNumber: true },
  { title: 'into pods', isNumber: true },
  { title: 'secret reads', isNumber: true },
  { title: 'last (UTC)' },
];

function whoText({ name, kind }: Pick<PersonReport, 'name' | 'kind'>): string {
  return kind === 'person' ? code(name) : `${code(name)} (service account)`;
}

function personRow(person: PersonReport): string[] {
  const count = ({ rows, more }: CommandRows): string => digits(commandCount(rows, more));
  return [
    whoText(person),
    code(clientsText(person)),
    count(person.commands),
    count(person.refusedAttempts),
    count(person.deletes),
    count(person.execs),
    count(person.secretReads),
    timeText(person.lastUs),
  ];
}

const COMMAND_COLUMNS = [
  { title: 'command' },
  { title: 'times', isNumber: true },
  { title: 'outcome' },
  { title: 'names' },
  { title: 'first (UTC)' },
];

function commandRow(row: CommandRow): string[] {
  const certainty = certaintyText(row.certainty);
  return [
    certainty === '' ? command(row.text) : `${command(row.text)} (${certainty})`,
    digits(row.count),
    outcomesText(row),
    row.names.length === 0 ? '' : code(namesText(row)),
    timeText(row.firstUs),
  ];
}

function commandTable({ rows, more }: CommandRows): string {
  const shown = rows.slice(0, SHOWN_COMMANDS);
  const cut = commandCount(rows.slice(SHOWN_COMMANDS));
  return [table(COMMAND_COLUMNS, shown.map(commandRow)), ...rest('command', cut, more)].join('\n\n');
}

function personSection(person: PersonReport): string {
  const facts = factsOf(person).map(
    ([label, text]) => `- ${label}: ${text === '' ? '-' : code(text, 1_000)}`,
  );
  const highlights = HIGHLIGHTS.flatMap(([key, title]) =>
    person[key].rows.length === 0 ? [] : [`**${title}**`, commandTable(person[key])],
  );
  const content = [
    facts.join('\n'),
    '**All commands**',
    person.commands.rows.length === 0 ? 'None: only discovery.' : commandTable(person.commands),
    ...highlights,
  ];
  return [`### ${whoText(person)}`, fold('What was done', content.join('\n\n'))].join('\n\n');
}

function peopleSection({ people, others }: ActivityReport): string[] {
  if (people.length === 0) return ['## People', 'Nobody used kubectl.'];
  const shown = people.slice(0, SHOWN_PEOPLE);
  return [
    '## People',
    table(PEOPLE_COLUMNS, shown.map(personRow)),
    ...rest('actor', people.length - shown.length, 0),
    ...rest('request', 0, others.requests),
    ...shown.map(personSection),
  ];
}

const CHANGE_COLUMNS = [{ title: 'time (UTC)' }, { title: 'who' }, { title: 'what' }, { title: 'outcome' }];

function changeRow(row: ChangeRow): string[] {
  const certainty = certaintyText(row.certainty);
  const names = row.count === 1 || row.names.length === 0 ? '' : `: ${code(namesText(row))}`;
  const times = row.count === 1 ? '' : ` ×${digits(row.count)}`;
  return [
    timeText(row.atUs),
    code(row.who),
    `${command(row.text)}${certainty === '' ? '' : ` (${certainty})`}${times}${names}`,
    row.code === 0 || row.outcome === 'done' ? row.outcome : `${row.outcome} (${row.code})`,
  ];
}

function changesSection({ changes, moreChanges }: ActivityReport): string[] {
  if (changes.length === 0) return ['## Changes', 'Nothing was changed with kubectl.'];
  const shown = changes.slice(0, SHOWN_CHANGES);
  const cut = changes.slice(SHOWN_CHANGES).reduce((sum, { count }) => sum + count, 0);
  return ['## Changes', table(CHANGE_COLUMNS, shown.map(changeRow)), ...rest('change', cut, moreChanges)];
}

/**
 * Renders a report as Markdown that GitHub, GitLab and Gitea show alike: what is unusual, charts, people with their
 * commands, changes in time order, and what the report cannot see. Whatever comes from the log is shown as code, so
 * that it forms no Markdown, HTML, mention or link. Long lists are cut and say so.
 * @param charts - drawn charts next to the file; without them two are Mermaid
 * @remarks Pure; the same report gives the same bytes.
 */
export function renderActivityMarkdown(report: ActivityReport, charts: ChartFiles = new Map()): string {
  const { cluster, isPseudonymous, hasAllClients, blindSpots } = report;
  const remarks = [
    `Cluster ${code(cluster)}, ${periodText(report)} (UTC days).`,
    ...(isPseudonymous ? ['Names of people are pseudonyms.'] : []),
    ...(hasAllClients ? ['Clients other than kubectl are included.'] : []),
  ];
  const parts = [
    MARKDOWN_NOTICE,
    '# kubectl activity',
    remarks.join(' '),
    `**${summaryText(report)}**`,
    ...unusualSection(report),
    ...chartsSection(report, charts),
    ...peopleSection(report),
    ...changesSection(report),
    '## What this report cannot see',
    blindSpots.map((spot) => `- ${markdownText(spot)}`).join('\n'),
  ];
  return `${parts.join('\n\n')}\n`;
}
