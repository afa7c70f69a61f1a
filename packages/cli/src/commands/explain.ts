import { boundedSubject, type Subject, subjectKey } from '@leastwise/audit-event';
import { PolicyObservability } from '@leastwise/audit-policy';
import type { ClusterState, PolicyOptions, RbacObject, SubjectState } from '@leastwise/rbac';
import { openEmbeddedStore } from '@leastwise/state';
import type { Command } from 'commander';

import { readOnePolicy } from '../audit-policy/read-policies.ts';
import { CliError, EXIT } from '../exit.ts';
import { explain, type Explanation } from '../explain/explanation.ts';
import { nearSubjects } from '../explain/near-subjects.ts';
import { parseSubject, subjectArgument } from '../explain/subject-argument.ts';
import { explanationText } from '../explain/text.ts';
import type { Io } from '../io.ts';
import { type LiveFlags, readLiveRbac } from '../live-cluster.ts';
import { openState } from '../open-state.ts';
import { printable, safeJson } from '../output.ts';
import { inferPolicies } from '../policies.ts';
import { addPolicyFlags, oneOf, type PolicyFlags, policyOptions } from '../policy-flags.ts';
import { counted } from '../progress.ts';
import { readRbacFiles } from '../rbac-files.ts';
import { addInputFlags, countBad, type InputFlags } from './input-flags.ts';
import { readLogs } from './read-logs.ts';

interface ExplainFlags extends InputFlags, PolicyFlags, LiveFlags {
  readonly groupBy: 'reason' | 'membership';
  readonly state?: string;
  readonly statePrefix: string;
  readonly rbac?: readonly string[];
  readonly live?: boolean;
  readonly auditPolicy?: string;
  readonly output: 'text' | 'json';
}

/** Adds `leastwise explain`. */
export function addExplain(program: Command, io: Io): void {
  const command = program
    .command('explain')
    .description(
      'why a subject has what it has: the evidence of each rule, what is withheld, what was refused',
    )
    .argument('<subject>', 'serviceaccount:NAMESPACE:NAME, user:NAME or group:NAME')
    .option(
      '--group-by <how>',
      "a group's requests: those it was granted (reason) or all of its members' (membership)",
      oneOf('reason', 'membership'),
      'reason',
    );
  addInputFlags(command)
    .option('--state <place>', 'no logs: what a state knows already; a folder of `run`, or redis://…')
    .option('--state-prefix <text>', 'what its keys in Redis begin with', 'leastwise:')
    .option('--rbac <path...>', 'the RBAC of the cluster, files and folders: what the subject holds')
    .option('--live', 'the RBAC of the cluster, from the cluster itself')
    .option('--kubeconfig <file>', 'with --live: how the cluster is reached (default: as kubectl does)')
    .option('--context <name>', 'with --live: a context of it (default: its current one)')
    .option('--audit-policy <file>', 'the audit policy of the cluster: what it does not log of the subject');
  addPolicyFlags(command)
    .option('-o, --output <form>', 'text or json', oneOf('text', 'json'), 'text')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  leastwise explain serviceaccount:shop:cart -f audit.log\n' +
        '  leastwise explain user:alice --state gitops/.leastwise --live\n',
    )
    .action(async (subject: string, flags: ExplainFlags) => {
      await explainSubject(boundedSubject(parseSubject(subject)), flags, io);
    });
}

function checkFlags(subject: Subject, flags: ExplainFlags): void {
  const { filename, state, rbac, live = false } = flags;
  if ((filename === undefined) === (state === undefined))
    throw new CliError('explain needs audit logs (-f FILE) or a state (--state PLACE), one of the two');
  if (state !== undefined && subject.kind === 'Group')
    throw new CliError('a group needs the logs: a state keeps what each subject did');
  if (live && rbac !== undefined)
    throw new CliError('the RBAC is read from files (--rbac PATH) or the cluster (--live), not both');
  const given = (['kubeconfig', 'context'] as const).find((flag) => flags[flag] !== undefined);
  if (!live && given !== undefined) throw new CliError(`--${given} goes with --live`);
}

async function explainSubject(subject: Subject, flags: ExplainFlags, io: Io): Promise<void> {
  checkFlags(subject, flags);
  const options = policyOptions(flags);
  const rbac = await rbacOf(flags);
  const auditPolicy =
    flags.auditPolicy === undefined
      ? undefined
      : new PolicyObservability(await readOnePolicy(flags.auditPolicy, io));
  const clusters = await clustersOf(subject, { flags, options }, io);
  const cluster = chosenCluster(clusters, flags);
  const state = cluster?.subjects.get(subjectKey(subject));
  if (cluster === undefined || state === undefined || !isObserved(state)) {
    const near = nearSubjects(subject, knownIn(cluster));
    // What it holds without ever having been seen is the more worth knowing.
    if (cluster && (rbac || flags.output === 'json'))
      write(
        { ...explain({ subject, cluster, inferred: undefined, options, rbac, auditPolicy }), near },
        flags,
        io,
      );
    throw new CliError(unknownText(subject, cluster, near), EXIT.negative);
  }
  const { policies } = inferPolicies([cluster], options, (each) => each === state);
  const [inferred] = policies;
  write({ ...explain({ subject, cluster, inferred, options, rbac, auditPolicy }), near: [] }, flags, io);
}

function isObserved({ allowed, denied }: SubjectState): boolean {
  return [allowed, denied].some(({ rules, overflow }) => rules.size > 0 || overflow !== undefined);
}

function write(
  explanation: Explanation & { readonly near: readonly Subject[] },
  flags: ExplainFlags,
  io: Io,
): void {
  const text =
    flags.output === 'json'
      ? `${safeJson(JSON.stringify(explanation, null, 2))}\n`
      : explanationText(explanation);
  io.stdout.write(text);
}

function knownIn(cluster: ClusterState | undefined): Subject[] {
  return [...(cluster?.subjects.values() ?? [])].map(({ subject }) => subject);
}

function unknownText(subject: Subject, cluster: ClusterState | undefined, near: readonly Subject[]): string {
  const where = cluster === undefined ? '' : ` in cluster ${cluster.cluster}`;
  const isBeyond = cluster?.subjectsOverflow !== undefined;
  return [
    `nothing was observed of ${subjectArgument(subject)}${where}`,
    ...(isBeyond ? ['more subjects were seen than are kept: it may be one of them'] : []),
    ...(near.length > 0 ? ['near it:', ...near.map((each) => `  ${subjectArgument(each)}`)] : []),
  ].join('\n');
}

async function rbacOf(flags: ExplainFlags): Promise<readonly RbacObject[] | undefined> {
  if (flags.live === true) return (await readLiveRbac(flags)).objects.map(({ object }) => object);
  if (flags.rbac === undefined) return undefined;
  const { objects, problems } = await readRbacFiles(flags.rbac);
  if (problems.length > 0) throw new CliError(problems.join('\n'));
  return objects;
}

interface Asked {
  readonly flags: ExplainFlags;
  readonly options: PolicyOptions;
}

async function clustersOf(
  subject: Subject,
  { flags, options }: Asked,
  io: Io,
): Promise<readonly ClusterState[]> {
  if (flags.state !== undefined) {
    if (options.includeDenied) throw new CliError('--include-denied needs the logs');
    await using store = await openState(flags.state, flags.statePrefix);
    return [...(await store.read())];
  }
  await using store = await openEmbeddedStore({});
  const { ingestion } = await readLogs(flags, io, store, {
    group: subject.kind === 'Group' ? { name: subject.name, by: flags.groupBy } : undefined,
    observe: { deniedAs: options.includeDenied ? 'allowed' : 'denied' },
  });
  const bad = counted(countBad(ingestion.stats), 'record');
  const clusters = [...(await store.read())];
  if (countBad(ingestion.stats) > 0) {
    if (clusters.every(({ lastSeenUs }) => lastSeenUs <= 0))
      throw new CliError(`nothing could be explained: ${bad} could not be read`);
    io.stderr.write(`warning: ${bad} could not be read\n`);
  }
  return clusters;
}

/** A subject is one of one cluster; `undefined` where nothing was observed at all. */
function chosenCluster(clusters: readonly ClusterState[], flags: ExplainFlags): ClusterState | undefined {
  const seen = clusters.filter(({ lastSeenUs }) => lastSeenUs > 0);
  if (seen.length <= 1) return seen[0];
  const named = seen.find(({ cluster }) => cluster === flags.cluster);
  if (named) return named;
  const names = seen.map(({ cluster }) => printable(cluster)).sort();
  throw new CliError(`a subject is one of one cluster: name it with --cluster (${names.join(', ')})`);
}
