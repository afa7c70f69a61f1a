import { openEmbeddedStore, type SubjectStore } from '@leastwise/state';
import type { InferredPolicies, InferredPolicy } from '@leastwise/publish';
import type { PolicyOptions } from '@leastwise/rbac';
import type { Command } from 'commander';

import { CliError, EXIT } from '../exit.ts';
import type { Io } from '../io.ts';
import { writeFolder, writeStream } from '../output.ts';
import { inferPolicies, refusalText } from '../policies.ts';
import { addPolicyFlags, oneOf, namedApart, type PolicyFlags, policyOptions } from '../policy-flags.ts';
import { readRbacFiles } from '../rbac-files.ts';
import { type Selection, type SelectionFlags, selectionOf } from '../selection.ts';
import { summarize, summaryText } from '../summary.ts';
import { openState } from '../open-state.ts';
import { addInputFlags, type InputFlags } from './input-flags.ts';
import { type OpenReading, readLogs } from './read-logs.ts';

interface GenerateFlags extends InputFlags, PolicyFlags, SelectionFlags {
  readonly why?: boolean;
  readonly output: string;
  readonly rbac?: readonly string[];
  readonly quiet?: boolean;
  readonly state?: string;
  readonly statePrefix: string;
}

function outputOf(text: string): string {
  return text.startsWith('dir=') && text.length > 4 ? text : oneOf('yaml', 'json')(text);
}

/** Adds `leastwise generate`. */
export function addGenerate(program: Command, io: Io): void {
  const command = program
    .command('generate')
    .description('policies from audit logs, on standard output; takes the flags of audit2rbac')
    .option('--user <name>', 'the user to generate a policy for')
    .option('--serviceaccount <namespace:name>', 'the service account to generate a policy for')
    .option('--group <name>', 'the group to generate a policy for')
    .option(
      '--group-by <how>',
      "a group's requests: those it was granted (reason) or all of its members' (membership)",
      oneOf('reason', 'membership'),
      'reason',
    )
    .option('--all', 'every subject in one pass')
    .option('-n, --namespace <name>', 'only what was done in this namespace');
  addInputFlags(command);
  addPolicyFlags(command)
    .option('--state <place>', 'no logs: what a state knows already; a folder of `run`, or redis://…')
    .option('--state-prefix <text>', 'what its keys in Redis begin with', 'leastwise:')
    .option('--rbac <path...>', 'RBAC that exists: only what it does not grant already is rendered')
    .option('--why', 'comment each rule with its evidence')
    .option(
      '-o, --output <form>',
      'yaml, json, or dir=PATH for a file per subject and a kustomization',
      outputOf,
      'yaml',
    )
    .option('-q, --quiet', 'no summary')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  leastwise generate -f audit.log --serviceaccount shop:cart\n' +
        '  leastwise generate -f audit.log --user alice --preset audit2rbac\n' +
        '  leastwise generate -f "logs/*.gz" --all --why -o dir=policies\n',
    )
    .action(async (flags: GenerateFlags) => {
      await generate(flags, io);
    });
}

function checkFlags(flags: GenerateFlags): void {
  const { filename, state } = flags;
  if (filename === undefined && state === undefined)
    throw new CliError(
      'no audit log: give one with -f FILE (or - for standard input), or a state with --state',
    );
  if (filename !== undefined && state !== undefined)
    throw new CliError(
      '-f and --state exclude each other: `run -f FILE --state FOLDER` adds logs to a state',
    );
  if (state !== undefined && flags.group !== undefined)
    throw new CliError('--group needs the logs: a state keeps what each subject did');
  if (flags.why === true && flags.output === 'json')
    throw new CliError('--why writes comments, which JSON has not: use -o yaml or -o dir=PATH');
}

async function generate(flags: GenerateFlags, io: Io): Promise<void> {
  checkFlags(flags);
  const selection = selectionOf(flags);
  const existing = await existingRbac(flags);
  const own = policyOptions(flags, existing);
  const options = flags.all === true ? namedApart(own, flags) : own;
  if (flags.state !== undefined) {
    if (options.includeDenied) throw new CliError('--include-denied needs the logs');
    await using store = await openState(flags.state, flags.statePrefix);
    await render({ store, options, selection, flags }, undefined, io);
    return;
  }
  await using store = await openEmbeddedStore({});
  const reading = await readLogs(flags, io, store, {
    group: selection.group,
    observe: { deniedAs: options.includeDenied ? 'allowed' : 'denied' },
  });
  await render({ store, options, selection, flags }, reading, io);
}

interface Rendering {
  readonly store: SubjectStore;
  readonly options: PolicyOptions;
  readonly selection: Selection;
  readonly flags: GenerateFlags;
}

/** @param reading - what was read just now; `undefined` where the state was there before */
async function render(rendering: Rendering, reading: OpenReading | undefined, io: Io): Promise<void> {
  const { store, options, selection, flags } = rendering;
  const clusters = await store.read();
  const inferred = inferPolicies(clusters, options, (state) => selection.isChosen(state));
  if (flags.quiet !== true && reading) {
    const summary = summarize({
      stats: reading.ingestion.stats,
      onlyReceived: (await store.facts()).onlyReceived,
      unreadableSamples: reading.letters.summary().first,
      clusters,
      inferred,
    });
    io.stderr.write(summaryText(summary, io));
  }
  requireEvidence([...inferred.policies, ...inferred.refused], selection, flags);
  const refusal = refusalText(inferred);
  if (refusal === undefined && inferred.policies.every(({ policy }) => policy.objects.length === 0)) {
    io.stderr.write('nothing to render: all that was allowed is granted elsewhere or withheld\n');
  }
  await write(inferred, flags, io);
  if (refusal !== undefined) throw new CliError(refusal, EXIT.negative);
}

async function existingRbac(flags: GenerateFlags) {
  if (flags.rbac === undefined) return [];
  const { objects, problems } = await readRbacFiles(flags.rbac);
  if (problems.length > 0) throw new CliError(problems.join('\n'));
  return objects;
}

function isObserved({ state, policy }: InferredPolicy): boolean {
  const isElsewhere = policy.exceptions.every((each) => each.class === 'not-selected');
  return state.allowed.rules.size > 0 && !(policy.objects.length === 0 && isElsewhere);
}

function requireEvidence(
  inferred: readonly InferredPolicy[],
  selection: Selection,
  flags: GenerateFlags,
): void {
  if (inferred.some(isObserved)) return;
  const where = flags.namespace === undefined ? '' : ` in namespace ${flags.namespace}`;
  const isRefused = inferred.some(({ state }) => state.denied.rules.size > 0);
  const refused = isRefused ? '; refused ones were (--include-denied counts them)' : '';
  throw new CliError(
    `no allowed requests of ${selection.what}${where} were observed${refused}`,
    EXIT.negative,
  );
}

async function write(inferred: InferredPolicies, flags: GenerateFlags, io: Io): Promise<void> {
  const isWhy = flags.why === true;
  if (flags.output.startsWith('dir=')) {
    await writeFolder(flags.output.slice(4), inferred, { isWhy, isAll: flags.all === true });
  } else {
    io.stdout.write(writeStream(inferred.policies, { isWhy, isJson: flags.output === 'json' }));
  }
}
