import {
  type ActivityReport,
  clientText,
  type CommandRow,
  type PersonReport,
  type UnusualRow,
  type UnusualSeverity,
} from '@leastwise/activity';

/** What a chart may be of. */
export const CHART_NAMES = ['hours', 'verbs', 'refused'] as const;

/** One of {@link CHART_NAMES}. */
export type ChartName = (typeof CHART_NAMES)[number];

/** What each chart shows, in words. */
export const CHART_TITLES: Readonly<Record<ChartName, string>> = {
  hours: 'Requests by day and hour',
  verbs: 'What people did, by kind of verb',
  refused: 'Refused requests over time',
};

const SECOND_US = 1_000_000;
/** Of `2026-11-21`. */
const DAY_CHARACTERS = 10;

/** `1,234,567`, the same on every machine. */
export function digits(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 person`, `2 people`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${digits(count)} ${count === 1 ? one : many}`;
}

/** `2026-11-21 01:43:45`, in UTC. */
export function timeText(us: number): string {
  return new Date(us / 1000).toISOString().slice(0, 19).replace('T', ' ');
}

/** `2026-11-21`, `2026-11-08 to 2026-11-21`. */
export function periodText({ period }: ActivityReport): string {
  if (period === undefined) return 'nothing observed';
  return period.from === period.to ? period.from : `${period.from} to ${period.to}`;
}

/** One sentence of numbers; words and numbers of ours only. */
export function summaryText({ totals }: ActivityReport): string {
  const who = [
    counted(totals.people, 'person', 'people'),
    ...(totals.serviceAccounts === 0 ? [] : [counted(totals.serviceAccounts, 'service account')]),
  ].join(' and ');
  const what = [
    counted(totals.changes, 'change'),
    counted(totals.deletes, 'deletion'),
    `${counted(totals.execs, 'request')} into pods`,
    counted(totals.secretReads, 'read of secrets', 'reads of secrets'),
  ].join(', ');
  return `${who}, ${counted(totals.commands, 'command')}, ${counted(totals.requests, 'request')}, ${digits(totals.refused)} refused: ${what}.`;
}

/** A namespace, or what it means that there is none. */
export function namespaceText(namespace: string): string {
  return namespace === '' ? '(cluster)' : namespace;
}

/** The clients of somebody, with what a cap left out. */
export function clientTexts({ clients, moreClients }: PersonReport): string[] {
  const shown = clients.map((client) => clientText({ ...client, isDispatcher: false }));
  return [...shown, ...(moreClients.requests === 0 ? [] : ['others'])];
}

/** The clients of somebody in one line. */
export function clientsText(person: PersonReport): string {
  return clientTexts(person).join(', ');
}

/** The names that commands were about in one line, with what was left out. */
export function namesText({ names, moreNames }: Pick<CommandRow, 'names' | 'moreNames'>): string {
  return [...names, ...(moreNames === 0 ? [] : [`and ${digits(moreNames)} more`])].join(', ');
}

/** What came of commands: `12 done, 3 refused`. */
export function outcomesText({
  count,
  refused,
  failed,
}: Pick<CommandRow, 'count' | 'refused' | 'failed'>): string {
  const parts = [
    [count - refused - failed, 'done'],
    [refused, 'refused'],
    [failed, 'failed'],
  ] as const;
  return parts
    .filter(([n]) => n > 0)
    .map(([n, word]) => `${digits(n)} ${word}`)
    .join(', ');
}

/** How the certainty of a command is put in words; `''` for what is as sure as a client's word can be. */
export function certaintyText(certainty: CommandRow['certainty']): string {
  switch (certainty) {
    case 'inferred':
      return '';
    case 'likely':
      return 'likely';
    case 'request':
      return 'request';
  }
}

/** Severities in words, gravest first. */
export const SEVERITY_WORDS: Readonly<Record<UnusualSeverity, string>> = {
  critical: 'Critical',
  high: 'High',
  medium: 'Medium',
  low: 'Low',
};

/** When something unusual was: its window where it has one, else its moment; in UTC. */
export function whenText({ atUs, untilUs }: Pick<UnusualRow, 'atUs' | 'untilUs'>): string {
  const from = timeText(atUs);
  // Of a single request, there is nothing between.
  if (untilUs === undefined || untilUs - atUs <= SECOND_US) return `${from} UTC`;
  const until = timeText(untilUs);
  const isSameDay = from.slice(0, DAY_CHARACTERS) === until.slice(0, DAY_CHARACTERS);
  return `${from} to ${isSameDay ? until.slice(DAY_CHARACTERS + 1) : until} UTC`;
}

/** A part of a person's commands that has a table of its own. */
export const HIGHLIGHTS = [
  ['refusedAttempts', 'Refused attempts'],
  ['deletes', 'Deletions'],
  ['execs', 'Into pods: exec, attach, port-forward, cp, debug'],
  ['secretReads', 'Reads of secrets'],
] as const satisfies readonly (readonly [keyof PersonReport, string])[];

/** How many commands rows stand for. */
export function commandCount(rows: readonly CommandRow[], more = 0): number {
  return rows.reduce((sum, { count }) => sum + count, more);
}

/** Facts on one person, a label and a text each; texts are raw. */
export function factsOf(person: PersonReport): readonly (readonly [label: string, text: string])[] {
  const { discovery, offHours, untold, isMaster } = person;
  return [
    ['Clients, self-reported', clientsText(person)],
    ['First and last request', `${timeText(person.firstUs)} to ${timeText(person.lastUs)} UTC`],
    ['Namespaces', namespacesText(person)],
    ...(isMaster ? [['Groups', 'system:masters, whom RBAC can refuse nothing'] as const] : []),
    ...(offHours === undefined
      ? []
      : [
          [
            'Outside of office hours',
            `${counted(offHours.requests, 'request')}, ${digits(offHours.refused)} refused; ${digits(offHours.changes)} changing`,
          ] as const,
        ]),
    ...(person.firstSeen === undefined ? [] : [['For the first time', firstSeenText(person)] as const]),
    ['Discovery', `${counted(discovery, 'request')} about what the server can do, counted apart`],
    ...(untold === 0
      ? []
      : [['Not told apart', `${counted(untold, 'request')}: too many to infer commands from`] as const]),
  ];
}

const SHOWN_NAMESPACES = 12;

function namespacesText({ namespaces, moreNamespaces }: PersonReport): string {
  const shown = namespaces.slice(0, SHOWN_NAMESPACES).map(({ namespace, requests, refused }) => {
    const refusals = refused === 0 ? '' : `, ${digits(refused)} refused`;
    return `${namespaceText(namespace)} (${digits(requests)}${refusals})`;
  });
  const rest =
    moreNamespaces.requests +
    namespaces.slice(SHOWN_NAMESPACES).reduce((sum, { requests }) => sum + requests, 0);
  return [...shown, ...(rest === 0 ? [] : [`others (${digits(rest)})`])].join(', ');
}

const SHOWN_FIRST = 12;

function firstSeenText({ firstSeen = [], moreFirstSeen }: PersonReport): string {
  if (firstSeen.length === 0) return 'nothing';
  const shown = firstSeen.slice(0, SHOWN_FIRST).map(({ verb, resource }) => `${verb} ${resource}`);
  const rest = firstSeen.length - shown.length + moreFirstSeen;
  return [...shown, ...(rest === 0 ? [] : [`and ${digits(rest)} more`])].join(', ');
}
