import type { Permission } from '@leastwise/audit-event';
import { severityRank } from '@leastwise/findings';

import { markdownCode, markdownLink } from './escape-markdown.ts';
import { clusterFolder, namespaceFolder, subjectFolder } from './folders.ts';
import { MARKDOWN_NOTICE } from './generated.ts';
import type {
  ObservedPermission,
  PolicyReport,
  RefusedPermissions,
  RemarkedPermission,
  SubjectReport,
} from './policy-report.ts';
import { compare, compareSubjects, subjectName } from './subject-name.ts';

/** A window shorter than this has not seen what happens once a month. */
const MINIMUM_DAYS = 30;
/** How many refused permissions of a subject are shown before the rest is counted. */
const SHOWN_REFUSALS = 20;
/** How much of one name is shown: names of Kubernetes objects fit, and nobody can make a row of a megabyte. */
const SHOWN_CHARACTERS = 256;

/** Where the report of a cluster stands in the repository. */
export function policyReportPath(cluster: string): string {
  return `reports/${clusterFolder(cluster)}/policies.md`;
}

/**
 * Renders what the policies of a cluster rest on, as Markdown for people: how long was observed, and for each
 * subject why it has what it has, what was left out of its policy and what it was refused. Names come from
 * requests and are shown as code, so that they cannot form Markdown; longer ones are cut after 256 characters.
 * @remarks Pure; the order of subjects and permissions makes no difference.
 */
export function renderPolicyReport(cluster: string, report: PolicyReport): string {
  const subjects = [...report.subjects].sort((a, b) => compareSubjects(a.subject, b.subject));
  const blocks = [
    MARKDOWN_NOTICE,
    `# Policies of cluster ${code(cluster)}`,
    ...windowBlocks(report),
    ...subjects.flatMap((subject) => subjectBlocks(cluster, subject)),
    ...leftOutBlocks(report),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function windowBlocks({ firstEventUs, lastEventUs, daysWithEvents }: PolicyReport): string[] {
  if (daysWithEvents === 0) return ['Nothing was observed.'];
  const window = `Observed from ${timeOf(firstEventUs)} to ${timeOf(lastEventUs)} (UTC), events on ${counted(daysWithEvents, 'day')}.`;
  if (daysWithEvents >= MINIMUM_DAYS) return [window];
  const warning = `> **Too short:** fewer than ${MINIMUM_DAYS} days. What runs once a month may not have been seen, and these policies would refuse it.`;
  return [window, warning];
}

function subjectBlocks(cluster: string, report: SubjectReport): string[] {
  const blocks = [`## ${code(subjectName(report.subject))}`, linksTo(cluster, report)];
  if (report.isIncomplete) {
    blocks.push('> **Incomplete:** more permissions were used than are kept; this policy may lack some.');
  }
  if (report.unlogged !== undefined) blocks.push(`> **Blind spot:** ${code(report.unlogged)}`);
  blocks.push(...findingBlocks(report.findings));
  blocks.push(
    ...observedBlocks('Granted', report.granted),
    ...observedBlocks('Withheld: special verbs, granted only by choice', report.withheld),
    ...widenedBlocks(report.widened),
    ...remarkedBlocks('Not renderable', report.unrenderable),
    ...observedBlocks('Not used within the retention window, so not granted', report.outsideRetention),
  );
  if (report.grantedElsewhere > 0) {
    blocks.push(`Granted elsewhere, so not here: ${counted(report.grantedElsewhere, 'permission')}.`);
  }
  return [...blocks, ...refusedBlocks(report.refused)];
}

function findingBlocks(findings: SubjectReport['findings'] = []): string[] {
  const counts = [...findings]
    .filter(({ count }) => count > 0)
    .sort((a, b) => severityRank(a.severity) - severityRank(b.severity))
    .map(({ severity, count }) => `${count} ${severity}`);
  return counts.length === 0 ? [] : [`Findings of this policy: ${counts.join(', ')}.`];
}

function linksTo(cluster: string, { subject, namespaces, hasClusterFolder }: SubjectReport): string {
  const link = (text: string, ...scope: string[]): string =>
    markdownLink(shorten(text), [
      '..',
      '..',
      'clusters',
      clusterFolder(cluster),
      ...scope,
      subjectFolder(subject),
      'rbac.yaml',
    ]);
  const links = [...namespaces]
    .sort()
    .map((namespace) => link(namespace, 'namespaces', namespaceFolder(namespace)));
  if (hasClusterFolder) links.unshift(link('cluster-wide', 'cluster'));
  return links.length === 0 ? 'No policy.' : `Policy: ${links.join(', ')}`;
}

function observedBlocks(title: string, observed: readonly ObservedPermission[]): string[] {
  if (observed.length === 0) return [];
  const rows = observed
    .map((each) => ({ each, key: permissionKey(each.permission) }))
    .sort((a, b) => compare(a.key, b.key))
    .map(({ each }) => observedRow(each));
  return [`### ${title}`, [OBSERVED_HEAD, ...rows].join('\n')];
}

const OBSERVED_HEAD =
  '| permission | requests | days | first seen | last seen | sample auditID | clients |\n|---|--:|--:|---|---|---|---|';

function observedRow(observed: ObservedPermission): string {
  const cells = [
    describe(observed.permission),
    String(observed.count),
    String(observed.days),
    timeOf(observed.firstSeenUs),
    timeOf(observed.lastSeenUs),
    code(observed.sampleAuditID),
    [...observed.clients].sort().map(code).join(', '),
  ];
  return `| ${cells.join(' | ')} |`;
}

function remarkedBlocks(title: string, remarked: readonly RemarkedPermission[]): string[] {
  if (remarked.length === 0) return [];
  const rows = remarked.map(({ permission, remark }) => `- ${describe(permission)}: ${code(remark)}`);
  return [`### ${title}`, rows.sort().join('\n')];
}

function widenedBlocks(widened: SubjectReport['widened']): string[] {
  if (widened.length === 0) return [];
  const rows = widened.map(({ what, remark }) => `- ${code(what)}: ${code(remark)}`);
  return ['### Wider than what was used', rows.sort().join('\n')];
}

function refusedBlocks({ observed, otherRequests }: RefusedPermissions): string[] {
  if (observed.length === 0 && otherRequests === 0) return [];
  const ranked = [...observed].sort(
    (a, b) => b.count - a.count || comparePermissions(a.permission, b.permission),
  );
  const shown = ranked.slice(0, SHOWN_REFUSALS);
  const rest = ranked.slice(SHOWN_REFUSALS);
  const blocks = ['### Refused requests, never granted by themselves'];
  if (shown.length > 0) blocks.push([OBSERVED_HEAD, ...shown.map(observedRow)].join('\n'));
  const requests = rest.reduce((sum, { count }) => sum + count, otherRequests);
  if (requests > 0) blocks.push(`Not shown: ${counted(requests, 'more refused request')}.`);
  return blocks;
}

function leftOutBlocks({ leftOut }: PolicyReport): string[] {
  if (leftOut.length === 0) return [];
  const ordered = [...leftOut].sort((a, b) => compareSubjects(a.subject, b.subject));
  const rows = ordered.map(({ subject, remark }) => `- ${code(subjectName(subject))}: ${code(remark)}`);
  return ['## Subjects without a policy', rows.join('\n')];
}

function describe(permission: Permission): string {
  const { verb, apiGroup, resource, namespace, name, path } = permission;
  if (resource === '') return `${code(verb)} URL ${code(path)}`;
  const parts = [`${code(verb)} ${code(resource)}`];
  if (apiGroup !== '') parts.push(`of ${code(apiGroup)}`);
  if (name !== '') parts.push(`named ${code(name)}`);
  parts.push(namespace === '' ? 'cluster-wide' : `in ${code(namespace)}`);
  return parts.join(' ');
}

function comparePermissions(a: Permission, b: Permission): number {
  return compare(permissionKey(a), permissionKey(b));
}

function permissionKey({ namespace, apiGroup, resource, path, name, verb }: Permission): string {
  return `${namespace}\0${apiGroup}\0${resource}\0${path}\0${name}\0${verb}`;
}

function code(text: string): string {
  return markdownCode(shorten(text));
}

function shorten(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** To the second, in UTC. */
function timeOf(us: number): string {
  return new Date(us / 1000).toISOString().slice(0, 19).replace('T', ' ');
}
