import type { Permission, Subject } from '@leastwise/audit-event';

import { markdownFence, markdownText } from '../escape-markdown.ts';
import { clusterFolder, namespaceFolder, subjectFolder } from '../folders.ts';
import { compare, compareSubjects, subjectName } from '../subject-name.ts';
import type { Section } from './fit.ts';
import {
  code,
  comparePermissions,
  counted,
  fileLink,
  fold,
  permissionText,
  ruleYaml,
  shorten,
  table,
} from './markdown.ts';
import { countRange, countRank, dayOf, daysRange, lastSeen } from './ranges.ts';
import type { PullRequestReport, RefusedRule, SubjectChange } from './report.ts';

/** So many rows are shown at once; the others wait in a fold. */
const VISIBLE_ROWS = 20;
/** Of what matters most, so many rows stay when a text is shortened. */
export const LEAST_ROWS = 10;
const VISIBLE_NAMESPACES = 5;
const SENTENCE_CHARACTERS = 500;

/** A row of a section that is grouped by subject. */
interface SubjectRow<Row> {
  readonly subject: Subject;
  readonly row: Row;
}

/** A sentence that may name what events named. */
export function sentence(text: string): string {
  return markdownText(shorten(text, SENTENCE_CHARACTERS));
}

/** A subject as a code span. */
export function subjectText(subject: Subject): string {
  return code(subjectName(subject));
}

/** What of a section is shown at once, and the rest in a fold. */
export function foldedRows<Row>(
  rows: readonly Row[],
  shown: number,
  render: (rows: readonly Row[]) => string,
): string {
  const blocks = [render(rows.slice(0, Math.min(shown, VISIBLE_ROWS)))];
  const hidden = rows.slice(VISIBLE_ROWS, shown);
  if (hidden.length > 0) blocks.push(fold(`${hidden.length} more`, render(hidden)));
  return blocks.join('\n\n');
}

/** One row a subject: where, how much changes, and what it has, uses and would have. */
export function subjectsSection(report: PullRequestReport, importance: number): Section {
  const subjects = inOrder(report.subjects);
  const columns = [
    { title: 'subject' },
    { title: 'where' },
    { title: 'change' },
    { title: 'granted', isNumber: true },
    { title: 'used', isNumber: true },
    { title: 'proposed', isNumber: true },
  ];
  const rows = subjects.map((change) => [
    subjectText(change.subject),
    placesOf(report, change),
    changeText(change.added.length, change.removed.length),
    String(change.granted),
    String(change.used),
    String(change.proposed),
  ]);
  const legend = '**granted** today · **used** in the window · **proposed** after the merge';
  return {
    noun: 'subject',
    size: rows.length,
    importance,
    least: LEAST_ROWS,
    render: (shown) =>
      shown === 0 ? '' : `${foldedRows(rows, shown, (some) => table(columns, some))}\n\n${legend}`,
  };
}

/** `+2 −14`, without what is zero; `±0` where nothing changes. */
export function changeText(added: number, removed: number): string {
  const parts = [...(added > 0 ? [`+${added}`] : []), ...(removed > 0 ? [`−${removed}`] : [])];
  return parts.length === 0 ? '±0' : parts.join(' ');
}

/** What was used and would be refused. */
export function brokenSection({ subjects }: PullRequestReport, importance: number): Section {
  return listSection(
    { title: '### Breaks', noun: 'broken request', importance, least: LEAST_ROWS },
    rowsOf(subjects, ({ broken }) => [...broken].sort(comparePermissions).map(permissionText)),
  );
}

/** Each new grant with its evidence. */
export function addedSection(report: PullRequestReport, importance: number): Section {
  const rows = rowsOf(report.subjects, ({ added }) =>
    [...added].sort((a, b) => comparePermissions(a.permission, b.permission)),
  );
  const columns = [
    { title: 'grant' },
    { title: 'requests', isNumber: true },
    { title: 'days', isNumber: true },
    { title: 'first seen' },
    { title: 'last seen' },
    { title: 'client' },
    { title: 'sample auditID' },
  ];
  const cells = rows.map(({ subject, row }) => ({
    subject,
    row: [
      permissionText(row.permission),
      countRange(row.count),
      daysRange(row.days),
      dayOf(row.firstSeenUs),
      lastSeen(row.lastSeenUs, report.window.lastEventUs),
      [...row.clients]
        .sort()
        .map((client) => code(client))
        .join(', '),
      code(row.sampleAuditID),
    ],
  }));
  return bySubjectSection(
    { title: '### Added', noun: 'added grant', importance, least: LEAST_ROWS },
    cells,
    (some) => table(columns, some),
  );
}

/** Kinds of client, by their own word. */
export function clientsText(clients: readonly string[]): string {
  if (clients.length === 0) return '–';
  return [...clients]
    .sort()
    .map((client) => code(client))
    .join(', ');
}

/** What stays granted without a proven use, and why. */
export function unprovenSection({ subjects }: PullRequestReport, importance: number): Section {
  return listSection(
    { title: '### Kept, though no use is known', noun: 'kept grant', importance },
    rowsOf(subjects, ({ unproven }) =>
      [...unproven]
        .sort((a, b) => comparePermissions(a.permission, b.permission) || compare(a.remark, b.remark))
        .map(({ permission, remark }) => `${permissionText(permission)}: ${sentence(remark)}`),
    ),
  );
}

/** What was used and is granted only by the team's choice. */
export function withheldSection({ subjects }: PullRequestReport, importance: number): Section {
  const title = '### Withheld\n\nUsed, but with verbs that are granted only by choice.';
  return listSection(
    { title, noun: 'withheld grant', importance },
    rowsOf(subjects, ({ withheld }) => [...withheld].sort(comparePermissions).map(permissionText)),
  );
}

/** Refused requests as ready rules, those asked for most first. */
export function refusedSection({ subjects }: PullRequestReport, importance: number): Section {
  const rows = rowsOf(subjects, ({ refused }) => inOrderOfRequests(refused));
  return {
    noun: 'refused rule',
    size: rows.length,
    importance,
    render: (shown) => {
      const blocks = rows.slice(0, shown).map(({ subject, row }) => {
        const place = row.namespace === '' ? 'cluster-wide' : `in ${code(row.namespace)}`;
        const requests = `${countRange(row.requests)} refused ${row.requests === 1 ? 'request' : 'requests'}`;
        return `${subjectText(subject)} ${place}, ${requests}:\n\n${markdownFence('yaml', ruleYaml(row.rule))}`;
      });
      const lead = 'Refused requests never become grants by themselves. These rules would allow them:';
      const summary = `Not part of this change: ${counted(rows.length, 'rule')} for refused requests`;
      return shown === 0 ? '' : fold(summary, [lead, ...blocks].join('\n\n'));
    },
  };
}

/** About whom nothing is proposed for now. */
export function heldBackSection({ heldBack }: PullRequestReport, importance: number): Section {
  const rows = [...heldBack]
    .sort((a, b) => compareSubjects(a.subject, b.subject) || compare(a.remark, b.remark))
    .map(({ subject, remark }) => `- ${subjectText(subject)}: ${sentence(remark)}`);
  return plainListSection({ title: '### Held back', noun: 'subject', importance, least: LEAST_ROWS }, rows);
}

/** A list of lines under a title. */
export function plainListSection({ title, ...head }: SectionHead, rows: readonly string[]): Section {
  return {
    ...head,
    size: rows.length,
    render: (shown) =>
      [title, ...(shown === 0 ? [] : [foldedRows(rows, shown, (some) => some.join('\n'))])].join('\n\n'),
  };
}

/** Rows under a heading for each subject. */
export function bySubjectSection<Row>(
  { title, ...head }: SectionHead,
  rows: readonly SubjectRow<Row>[],
  renderRows: (rows: readonly Row[]) => string,
): Section {
  const render = (some: readonly SubjectRow<Row>[]): string =>
    groupBySubject(some)
      .map(([subject, its]) => `#### ${subjectText(subject)}\n\n${renderRows(its)}`)
      .join('\n\n');
  return {
    ...head,
    size: rows.length,
    render: (shown) => [title, ...(shown === 0 ? [] : [foldedRows(rows, shown, render)])].join('\n\n'),
  };
}

/** What a section is called, and how much of it matters. */
export interface SectionHead extends Pick<Section, 'noun' | 'importance' | 'least'> {
  readonly title: string;
}

/** Rows of all subjects, in the order of the subjects. */
export function rowsOf<Row>(
  subjects: readonly SubjectChange[],
  rows: (change: SubjectChange) => readonly Row[],
): SubjectRow<Row>[] {
  return inOrder(subjects).flatMap((change) => rows(change).map((row) => ({ subject: change.subject, row })));
}

function inOrder(subjects: readonly SubjectChange[]): SubjectChange[] {
  return [...subjects].sort((a, b) => compareSubjects(a.subject, b.subject));
}

/** By ranges, so that one request more does not change the order. */
function inOrderOfRequests(refused: readonly RefusedRule[]): RefusedRule[] {
  const rank = ({ requests }: RefusedRule): number => countRank(requests);
  return [...refused].sort((a, b) => rank(b) - rank(a) || compare(ruleKey(a), ruleKey(b)));
}

function ruleKey({ namespace, rule }: RefusedRule): string {
  return JSON.stringify([namespace, ruleYaml(rule)]);
}

function listSection(head: SectionHead, rows: readonly SubjectRow<string>[]): Section {
  return bySubjectSection(head, rows, (lines) => lines.map((line) => `- ${line}`).join('\n'));
}

function groupBySubject<Row>(rows: readonly SubjectRow<Row>[]): [Subject, Row[]][] {
  const groups: [Subject, Row[]][] = [];
  for (const { subject, row } of rows) {
    const last = groups.at(-1);
    if (last?.[0] === subject) last[1].push(row);
    else groups.push([subject, [row]]);
  }
  return groups;
}

function placesOf(report: PullRequestReport, change: SubjectChange): string {
  const { subject, namespaces, hasClusterFolder, proposed } = change;
  // What is new is only on the branch, and what goes away altogether only on the base.
  const base = proposed === 0 ? report.links?.base : report.links?.branch;
  const root = `clusters/${clusterFolder(report.cluster)}`;
  const folder = subjectFolder(subject);
  const places = [...namespaces].sort().map((namespace) => ({
    name: namespace,
    path: `${root}/namespaces/${namespaceFolder(namespace)}/${folder}/rbac.yaml`,
  }));
  if (hasClusterFolder) places.unshift({ name: 'cluster-wide', path: `${root}/cluster/${folder}/rbac.yaml` });
  const shown = places
    .slice(0, VISIBLE_NAMESPACES)
    .map(({ name, path }) => (base === undefined ? code(name) : fileLink(name, base, path)));
  const rest = places.length - shown.length;
  return [...shown, ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
}

/** Verbs of one subject that differ in nothing but the verb, for one line. */
export function verbsByTarget<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  permissionOf: (row: Row) => Permission,
): { readonly row: Row; readonly verbs: readonly string[] }[] {
  const groups = new Map<string, { row: Row; verbs: string[] }>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { row, verbs: [permissionOf(row).verb] });
    else group.verbs.push(permissionOf(row).verb);
  }
  return [...groups.values()];
}
