import { boundedSubject, type Subject, subjectKey } from '@leastwise/audit-event';
import { PolicyObservability } from '@leastwise/audit-policy';
import type { ClusterState, PolicyOptions, SubjectState } from '@leastwise/rbac';
import type { Command } from 'commander';

import { readOnePolicy } from '../audit-policy/read-policies.ts';
import { CliError, EXIT } from '../exit.ts';
import { explain, type Explanation } from '../explain/explanation.ts';
import { nearSubjects } from '../explain/near-subjects.ts';
import { parseSubject, subjectArgument } from '../explain/subject-argument.ts';
import { explanationText } from '../explain/text.ts';
import type { Io } from '../io.ts';
import { safeJson } from '../output.ts';
import { inferPolicies } from '../policies.ts';
import { addPolicyFlags, oneOf, type PolicyFlags, policyOptions } from '../policy-flags.ts';
import { counted } from '../progress.ts';
import { chosenCluster, clustersOf, type EvidenceFlags, type RbacFlags, rbacOf } from './cluster-input.ts';
import { addInputFlags } from './input-flags.ts';
import type { Reading } from './read-logs.ts';

interface ExplainFlags extends EvidenceFlags, PolicyFlags, RbacFlags {
  readonly groupBy: 'reason' | 'membership';
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
}

async function explainSubject(subject: Subject, flags: ExplainFlags, io: Io): Promise<void> {
  checkFlags(subject, flags);
  const options = policyOptions(flags);
  const rbac = await rbacOf(flags);
  const auditPolicy =
    flags.auditPolicy === undefined
      ? undefined
      : new PolicyObservability(await readOnePolicy(flags.auditPolicy, io));
  const clusters = await observedClusters(subject, { flags, options }, io);
  const cluster = chosenCluster(clusters, flags, 'a subject is one of one cluster');
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

interface Asked {
  readonly flags: ExplainFlags;
  readonly options: PolicyOptions;
}

async function observedClusters(
  subject: Subject,
  { flags, options }: Asked,
  io: Io,
): Promise<readonly ClusterState[]> {
  if (flags.state !== undefined && options.includeDenied)
    throw new CliError('--include-denied needs the logs');
  const reading: Reading = {
    group: subject.kind === 'Group' ? { name: subject.name, by: flags.groupBy } : undefined,
    observe: { deniedAs: options.includeDenied ? 'allowed' : 'denied' },
  };
  const { clusters, bad } = await clustersOf(flags, reading, io);
  if (bad === 0) return clusters;
  const records = counted(bad, 'record');
  if (clusters.every(({ lastSeenUs }) => lastSeenUs <= 0))
    throw new CliError(`nothing could be explained: ${records} could not be read`);
  io.stderr.write(`warning: ${records} could not be read\n`);
  return clusters;
}
