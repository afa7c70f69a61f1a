import { type Subject, subjectKey, usernameOf } from '@leastwise/audit-event';
import { PolicyObservability, type SubjectObservability } from '@leastwise/audit-policy';
import {
  bindingUsageOf,
  type ClusterState,
  type RbacObject,
  scoreCluster,
  type SubjectScore,
} from '@leastwise/rbac';
import type { Command } from 'commander';

import { readOnePolicy } from '../audit-policy/read-policies.ts';
import { CliError } from '../exit.ts';
import type { Io } from '../io.ts';
import { printable, safeJson } from '../output.ts';
import { day, days, kubernetesVersion, oneOf, type PolicyFlags, policyOptions } from '../policy-flags.ts';
import { counted } from '../progress.ts';
import { chosenCluster, clustersOf, type EvidenceFlags, type RbacFlags, rbacOf } from './cluster-input.ts';
import { addInputFlags } from './input-flags.ts';
import { type BindingsBySubject, bindingsTable, bindingsValue } from './score-bindings.ts';

interface ScoreFlags extends EvidenceFlags, PolicyFlags, RbacFlags {
  readonly auditPolicy?: string;
  readonly bindings?: boolean;
  readonly output: 'table' | 'json';
}

/** Adds `leastwise score`. */
export function addScore(program: Command, io: Io): void {
  const command = program
    .command('score')
    .description('compliance: how much of the permissions that each subject holds it used, 0 to 100');
  addInputFlags(command)
    .option('--state <place>', 'no logs: what a state knows already; a folder of `run`, or redis://…')
    .option('--state-prefix <text>', 'what its keys in Redis begin with', 'leastwise:')
    .option('--rbac <path...>', 'the RBAC of the cluster: files and folders')
    .option('--live', 'the RBAC of the cluster, from the cluster itself')
    .option('--kubeconfig <file>', 'with --live: how the cluster is reached (default: as kubectl does)')
    .option('--context <name>', 'with --live: a context of it (default: its current one)')
    .option(
      '--audit-policy <file>',
      'the audit policy of the cluster: what it does not log is not observable, not unused',
    )
    .option('--bindings', 'also which bindings the API server named as those that allowed requests')
    .option('--retention-days <n>', 'use counts for so many days (default 90)', days)
    .option('--as-of <day>', 'up to which day use counts, YYYY-MM-DD (default: the newest in the logs)', day)
    .option(
      '--kubernetes-version <version>',
      'the version whose defaults are added (default: the newest known)',
      kubernetesVersion,
    )
    .option('-o, --output <form>', 'table or json', oneOf('table', 'json'), 'table')
    .addHelpText(
      'after',
      '\nExample:\n' +
        '  kubectl get roles,rolebindings,clusterroles,clusterrolebindings -A -o yaml > rbac.yaml\n' +
        '  leastwise score -f audit.log --rbac rbac.yaml\n',
    )
    .action(async (flags: ScoreFlags) => {
      await score(flags, io);
    });
}

async function score(flags: ScoreFlags, io: Io): Promise<void> {
  const { filename, state } = flags;
  if ((filename === undefined) === (state === undefined))
    throw new CliError('score needs audit logs (-f FILE) or a state (--state PLACE), one of the two');
  const objects = await grantedIn(flags);
  const policy = await auditPolicyOf(flags, io);
  const cluster = scoredCluster(await observedClusters(flags, io), flags);
  const input = { cluster, rbac: objects, options: policyOptions(flags) };
  const scores = scoreCluster({ ...input, ...(policy && { sightOf: policy.sightOf }) });
  const usages = flags.bindings === true ? bindingUsageOf(input) : undefined;
  const told = scores.map((score) => ({ ...score, sight: policy?.of(score.subject) }));
  if (flags.output === 'json') io.stdout.write(jsonOf(cluster, told, usages));
  else io.stdout.write(tableOf(told, policy !== undefined) + bindingsText(told, usages));
  tellHidden(told, io);
}

/** A score, and what the audit policy lets one see; `undefined` where that is not known. */
type ToldScore = SubjectScore & { readonly sight: SubjectObservability | undefined };

/** @throws CliError where the file does not hold one policy that an API server would start with */
async function auditPolicyOf({ auditPolicy }: ScoreFlags, io: Io): Promise<PolicyObservability | undefined> {
  return auditPolicy === undefined
    ? undefined
    : new PolicyObservability(await readOnePolicy(auditPolicy, io));
}

/** Those of whom nothing is logged: their lines say nothing. */
function tellHidden(scores: readonly ToldScore[], io: Io): void {
  for (const { subject, sight } of scores) {
    if (sight?.isHidden !== true) continue;
    const reasons = sight.hiding.map(({ reason }) => reason).join('; ');
    io.stderr.write(`warning: nothing of ${printable(nameOf(subject))} is logged: ${reasons}\n`);
  }
}

async function grantedIn(flags: ScoreFlags): Promise<readonly RbacObject[]> {
  const { rbac, live = false } = flags;
  const objects = live === (rbac !== undefined) ? undefined : await rbacOf(flags);
  if (objects !== undefined) return objects;
  throw new CliError('score needs RBAC: from files (--rbac PATH) or the cluster (--live), one of the two');
}

async function observedClusters(flags: ScoreFlags, io: Io): Promise<readonly ClusterState[]> {
  const reading = { group: undefined, observe: { deniedAs: 'denied' } } as const;
  const { clusters, bad } = await clustersOf(flags, reading, io);
  if (bad > 0) io.stderr.write(`warning: ${counted(bad, 'record')} could not be read\n`);
  return clusters;
}

/** @throws CliError also where nothing was observed */
function scoredCluster(clusters: readonly ClusterState[], flags: ScoreFlags): ClusterState {
  const cluster = chosenCluster(clusters, flags, '--rbac is the RBAC of one cluster');
  if (cluster === undefined) throw new CliError('nothing could be scored: no requests were observed');
  return cluster;
}

function nameOf(subject: Subject): string {
  return subject.kind === 'Group' ? `group ${subject.name}` : usernameOf(subject);
}

function grouped(count: bigint): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

function rowOf(each: SubjectScore, isPolicyKnown: boolean): string[] {
  const kinds = [...new Set(each.sensitiveExcess.map(({ kind }) => kind))].sort();
  const text = each.score === undefined ? '-' : `${String(each.score)}${each.isAtLeast ? '+' : ''}`;
  return [
    text,
    each.severity ?? '-',
    grouped(each.used),
    grouped(each.granted),
    ...(isPolicyKnown ? [grouped(each.unobservable)] : []),
    String(each.uncovered.length),
    kinds.length === 0 ? '-' : kinds.join(','),
    printable(nameOf(each.subject)),
  ];
}

/** Texts stand to the left, numbers to the right. */
const TEXT_COLUMNS: readonly string[] = ['SEVERITY', 'SENSITIVE EXCESS', 'SUBJECT'];

function tableOf(scores: readonly SubjectScore[], isPolicyKnown: boolean): string {
  const head = [
    ...['SCORE', 'SEVERITY', 'USED', 'GRANTED'],
    ...(isPolicyKnown ? ['NOT OBSERVABLE'] : []),
    ...['UNCOVERED', 'SENSITIVE EXCESS', 'SUBJECT'],
  ];
  const rows = [head, ...scores.map((each) => rowOf(each, isPolicyKnown))];
  const widths = head.map((_, i) => rows.reduce((width, row) => Math.max(width, row[i]?.length ?? 0), 0));
  const lines = rows.map((row) =>
    row
      .map((cell, i) =>
        TEXT_COLUMNS.includes(head[i] ?? '') ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

function bindingsText(scores: readonly SubjectScore[], usages: BindingsBySubject | undefined): string {
  if (usages === undefined) return '';
  const subjects = scores.map(({ subject }) => subject);
  return `\n${bindingsTable(usages, subjects, nameOf)}`;
}

/** A number, or beyond what JSON's readers keep exactly, its digits as a text. */
function countOf(count: bigint): number | string {
  return count <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(count) : String(count);
}

function jsonOf(
  { cluster }: ClusterState,
  scores: readonly ToldScore[],
  usages: BindingsBySubject | undefined,
): string {
  const subjects = scores.map((each) => ({
    subject: each.subject,
    score: each.score ?? null,
    severity: each.severity ?? null,
    used: countOf(each.used),
    granted: countOf(each.granted),
    isAtLeast: each.isAtLeast,
    sensitiveExcess: each.sensitiveExcess,
    ...(each.sight && {
      unobservable: countOf(each.unobservable),
      sensitiveUnobservable: each.sensitiveUnobservable,
      isHidden: each.sight.isHidden,
    }),
    uncovered: each.uncovered.map(({ cell, count, viaRbac }) => ({ permission: cell, count, viaRbac })),
    ...(usages && bindingsValue(usages.get(subjectKey(each.subject)))),
  }));
  return `${safeJson(JSON.stringify({ cluster, subjects }, null, 2))}\n`;
}
