import { bindingBlocks } from './compliance-bindings.ts';
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
import { sentence, subjectText, verbsByTarget } from './pull-request/sections.ts';
import { compare, compareSubjects } from './subject-name.ts';

const DAY_MS = 86_400_000;
/** Of one binding so many lines are shown, and the rest is counted. */
const SHOWN_GRANTS = 50;
const SHOWN_SUBJECTS = 20;

const columnsOf = ({ isAuditPolicyKnown }: ComplianceReport) => [
  { title: 'subject' },
  { title: 'score', isNumber: true },
  { title: 'band' },
  { title: 'used', isNumber: true },
  { title: 'granted', isNumber: true },
  ...(isAuditPolicyKnown ? [{ title: 'not observable', isNumber: true }] : []),
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
    ...blindBlocks(report),
    ...unusedBlocks(report),
    ...unobservableBlocks(report),
    ...bindingBlocks(report.bindings),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function leadText({ asOfDay, retentionDays }: ComplianceReport): string {
  const day = new Date(asOfDay * DAY_MS).toISOString().slice(0, 10);
  return `How much of what each subject is granted it used in the ${counted(retentionDays, 'day')} up to ${day}, by the RBAC that is known of the cluster: 100 is all of it.`;
}

function scoreBlocks(report: ComplianceReport): string[] {
  const { subjects, leftOut, isAuditPolicyKnown } = report;
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
    isAuditPolicyKnown
      ? '**not observable**: no use is known, and the audit policy does not log every use: it counts neither way.'
      : 'The audit policy of the cluster is not known here: what it does not log counts as unused.',
  ];
  const rows = ordered.map((each) => scoreRow(each, isAuditPolicyKnown));
  return [table(columnsOf(report), rows), legend.join(' '), ...rest];
}

function kindsOf(excess: SubjectCompliance['sensitiveExcess']): string[] {
  return [...new Set(excess.map(({ kind }) => kind))].sort();
}

function scoreRow(each: SubjectCompliance, isAuditPolicyKnown: boolean): string[] {
  const { subject, score, severity, used, granted, unobservable, isAtLeast, uncovered } = each;
  const kinds = kindsOf(each.sensitiveExcess);
  const unseen = kindsOf(each.sensitiveUnobservable);
  // Of who was not watched for long enough "not used" only says "not seen".
  const isOpen = kinds.length > 0 && !each.isObservable;
  return [
    subjectText(subject),
    score === undefined ? '–' : `${score}${isAtLeast ? '+' : ''}`,
    severity ?? '–',
    String(used),
    String(granted),
    ...(isAuditPolicyKnown ? [unobservable === 0n ? '' : String(unobservable)] : []),
    uncovered === 0 ? '' : String(uncovered),
    [
      ...(kinds.length === 0 ? [] : [`${kinds.join(', ')}${isOpen ? ' (not proven)' : ''}`]),
      ...(unseen.length === 0 ? [] : [`not observable: ${unseen.join(', ')}`]),
    ].join('; '),
  ];
}

/** The lowest score first, then the most that is unused; those without a score last. */
function compareScores(a: SubjectCompliance, b: SubjectCompliance): number {
  const rank = ({ score }: SubjectCompliance): number => score ?? 101;
  const unused = ({ granted, used, unobservable }: SubjectCompliance): bigint =>
    granted - used - unobservable;
  const difference = unused(b) - unused(a);
  return (
    rank(a) - rank(b) ||
    (difference === 0n ? 0 : difference > 0n ? 1 : -1) ||
    compareSubjects(a.subject, b.subject)
  );
}

/** Whom the audit policy hides: what they are granted cannot be judged at all. */
function blindBlocks({ subjects }: ComplianceReport): string[] {
  const lines = [...subjects]
    .sort((a, b) => compareSubjects(a.subject, b.subject))
    .flatMap(({ subject, hiddenBy }) =>
      hiddenBy === undefined
        ? []
        : [`- ${subjectText(subject)}: nothing of it is logged: ${sentence(hiddenBy)}`],
    );
  return lines.length === 0 ? [] : ['## Blind spots', lines.join('\n')];
}

function unusedBlocks({ unused: all, minimumObservationDays }: ComplianceReport): string[] {
  const unused = all.filter((each) => each.unused.length + each.more > 0);
  const proof = `A subject is here only where it was observable for ${counted(minimumObservationDays, 'day')} at least, and a binding only where it names the subject.`;
  if (unused.length === 0) return ['## Unused grants', `None is proven. ${proof}`];
  const blocks = byBinding(unused, (each) => [`Not used by ${subjectsText(each)}:`, grantLines(each)]);
  return ['## Unused grants', proof, ...blocks];
}

/** What may be used or not: nobody can tell by the log. */
function unobservableBlocks({ unused: all }: ComplianceReport): string[] {
  const unseen = all.filter(({ unobservable }) => unobservable.length > 0);
  if (unseen.length === 0) return [];
  const blocks = byBinding(unseen, (each) => [`Of ${subjectsText(each)}:`, unobservableLines(each)]);
  return [
    '## Not observable',
    'Not called unused, for the audit policy does not log every use of it.',
    ...blocks,
  ];
}

/** What there is to say of bindings, under a heading for each. */
function byBinding(
  some: readonly UnusedOfBinding[],
  say: (each: UnusedOfBinding) => readonly string[],
): string[] {
  const blocks: string[] = [];
  let title = '';
  for (const each of [...some].sort((a, b) => compare(orderKey(a), orderKey(b)))) {
    const next = `### ${bindingText(each)}`;
    if (next !== title) blocks.push(next);
    title = next;
    blocks.push(...say(each));
  }
  return blocks;
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
  return [...names.slice(0, SHOWN_SUBJECTS), ...more].join(', ');
}

function unobservableLines({ unobservable }: UnusedOfBinding): string {
  const ordered = [...unobservable].sort(
    (a, b) => comparePermissions(a.permission, b.permission) || compare(a.remark, b.remark),
  );
  const grouped = verbsByTarget(
    ordered,
    ({ permission, remark }) => `${targetKey(permission)}\0${remark}`,
    ({ permission }) => permission,
  );
  const lines = grouped.map(
    ({ row, verbs }) => `- ${grantText({ permission: row.permission, verbs })}: ${sentence(row.remark)}`,
  );
  const rest = lines.length - SHOWN_GRANTS;
  return [...lines.slice(0, SHOWN_GRANTS), ...(rest > 0 ? [`- and ${counted(rest, 'more line')}`] : [])].join(
    '\n',
  );
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
