import type { ComplianceReport, SubjectCompliance, UnusedGrant, UnusedOfBinding } from './compliance.ts';
import { clusterFolder } from './folders.ts';
import { MARKDOWN_NOTICE } from './generated.ts';
import {
  code,
  comparePermissions,
  counted,
  grantText,
  permissionText,
  table,
  targetKey,
} from './pull-request/markdown.ts';
import { subjectText, verbsByTarget } from './pull-request/sections.ts';
import { compare, compareSubjects } from './subject-name.ts';

const DAY_MS = 86_400_000;
/** Of one binding so many lines are shown, and the rest is counted. */
const SHOWN_GRANTS = 50;
const SHOWN_SUBJECTS = 20;

const COLUMNS = [
  { title: 'subject' },
  { title: 'score', isNumber: true },
  { title: 'band' },
  { title: 'used', isNumber: true },
  { title: 'granted', isNumber: true },
  { title: 'not granted here', isNumber: true },
  { title: 'sensitive and unused' },
];

/** Where the compliance report of a cluster stands in the repository. */
export function complianceReportPath(cluster: string): string {
  return `reports/${clusterFolder(cluster)}/compliance.md`;
}

/**
 * Renders how much of what is granted in a cluster is used, as Markdown for people: the scores, worst first, and by
 * binding what subjects did not use of it, where that is proven. Names come from requests and from RBAC and are shown
 * as code, so that they cannot form Markdown; longer ones are cut after 256 characters.
 * @remarks Pure; the order of lists makes no difference.
 */
export function renderComplianceReport(cluster: string, report: ComplianceReport): string {
  const blocks = [
    MARKDOWN_NOTICE,
    `# Compliance of cluster ${code(cluster)}`,
    leadText(report),
    ...scoreBlocks(report),
    ...unusedBlocks(report),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function leadText({ asOfDay, retentionDays }: ComplianceReport): string {
  const day = new Date(asOfDay * DAY_MS).toISOString().slice(0, 10);
  return `How much of what each subject is granted it used in the ${counted(retentionDays, 'day')} up to ${day}, by the RBAC that is known of the cluster: 100 is all of it.`;
}

function scoreBlocks({ subjects, leftOut }: ComplianceReport): string[] {
  const rest =
    leftOut === 0
      ? []
      : [`Not listed: ${counted(leftOut, 'subject')}, left out by choice or part of Kubernetes.`];
  if (subjects.length === 0) return ['Nobody is scored.', ...rest];
  const ordered = [...subjects].sort(compareScores);
  const legend = [
    'Red is below 50, Yellow below 80. A score with `+` is at least that: some rules are too wide to be taken apart.',
    ...(ordered.some(({ uncovered }) => uncovered > 0)
      ? ['**not granted here**: used and allowed, though the known RBAC does not grant it.']
      : []),
  ];
  return [table(COLUMNS, ordered.map(scoreRow)), legend.join(' '), ...rest];
}

function scoreRow(each: SubjectCompliance): string[] {
  const { subject, score, severity, used, granted, isAtLeast, uncovered, sensitiveExcess } = each;
  const kinds = [...new Set(sensitiveExcess.map(({ kind }) => kind))].sort();
  // Of who was not watched for long enough "not used" only says "not seen".
  const isOpen = kinds.length > 0 && !each.isObservable;
  return [
    subjectText(subject),
    score === undefined ? '–' : `${score}${isAtLeast ? '+' : ''}`,
    severity ?? '–',
    String(used),
    String(granted),
    uncovered === 0 ? '' : String(uncovered),
    `${kinds.join(', ')}${isOpen ? ' (not proven)' : ''}`,
  ];
}

/** The lowest score first, then the most that is unused; those without a score last. */
function compareScores(a: SubjectCompliance, b: SubjectCompliance): number {
  const rank = ({ score }: SubjectCompliance): number => score ?? 101;
  const unused = ({ granted, used }: SubjectCompliance): bigint => granted - used;
  const difference = unused(b) - unused(a);
  return (
    rank(a) - rank(b) ||
    (difference === 0n ? 0 : difference > 0n ? 1 : -1) ||
    compareSubjects(a.subject, b.subject)
  );
}

function unusedBlocks({ unused, minimumObservationDays }: ComplianceReport): string[] {
  const proof = `A subject is here only where it was observable for ${counted(minimumObservationDays, 'day')} at least, and a binding only where it names the subject.`;
  if (unused.length === 0) return ['## Unused grants', `None is proven. ${proof}`];
  const ordered = [...unused].sort((a, b) => compare(orderKey(a), orderKey(b)));
  const blocks: string[] = [];
  let title = '';
  for (const each of ordered) {
    const next = `### ${bindingText(each)}`;
    if (next !== title) blocks.push(next);
    title = next;
    blocks.push(subjectsText(each), grantLines(each));
  }
  return ['## Unused grants', proof, ...blocks];
}

function orderKey({ binding, role, subjects }: UnusedOfBinding): string {
  const { namespace, kind, name } = binding;
  return JSON.stringify([namespace, kind, name, role.kind, role.name, subjects.map(subjectText).sort()]);
}

function bindingText({ binding: { kind, namespace, name }, role }: UnusedOfBinding): string {
  const place = namespace === '' ? '' : ` in ${code(namespace)}`;
  return `${code(`${kind} ${name}`)}${place}: ${code(`${role.kind} ${role.name}`)}`;
}

function subjectsText({ subjects }: UnusedOfBinding): string {
  const names = [...subjects].sort(compareSubjects).map(subjectText);
  const rest = names.length - SHOWN_SUBJECTS;
  const more = rest > 0 ? [counted(rest, 'more subject')] : [];
  return `Not used by ${[...names.slice(0, SHOWN_SUBJECTS), ...more].join(', ')}:`;
}

function grantLines({ unused, more }: UnusedOfBinding): string {
  const ordered = [...unused].sort((a, b) => comparePermissions(a.permission, b.permission));
  const whole = ordered.filter(({ isPartlyUsed }) => !isPartlyUsed);
  const grouped = verbsByTarget(
    whole,
    ({ permission }) => targetKey(permission),
    ({ permission }) => permission,
  );
  const lines = [
    ...grouped.map(({ row, verbs }) => grantText({ permission: row.permission, verbs })),
    ...ordered.filter(({ isPartlyUsed }) => isPartlyUsed).map(partlyText),
  ].map((line) => `- ${line}`);
  const rest = lines.length - SHOWN_GRANTS;
  return [
    ...lines.slice(0, SHOWN_GRANTS),
    ...(rest > 0 ? [`- and ${counted(rest, 'more line')}`] : []),
    ...(more > 0
      ? [`- and ${counted(more, 'permission')} that ${more === 1 ? 'was' : 'were'} not looked into`]
      : []),
  ].join('\n');
}

function partlyText({ permission }: UnusedGrant): string {
  return `${permissionText(permission)}: something of it was used`;
}
