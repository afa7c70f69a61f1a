import { exportEvidence, importEvidence } from '@leastwise/state';
import type { DescribedStore } from '@leastwise/state';
import type { Rebuild } from '@leastwise/state-redis';
import type { Command } from 'commander';

import { CliError } from '../exit.ts';
import type { Io } from '../io.ts';
import { isRedis, openState, openStateAdmin, openStateToWrite } from '../open-state.ts';
import { printable } from '../output.ts';
import { oneOf } from '../policy-flags.ts';
import { counted } from '../progress.ts';
import { interruptedExit } from '../stop-signals.ts';
import { showState } from './state-show.ts';
import { showSubcommandFlags } from './subcommand-help.ts';

interface PlaceFlags {
  readonly state: string;
  readonly statePrefix: string;
}

interface ShowFlags extends PlaceFlags {
  readonly brokers?: string;
  readonly output: 'table' | 'json';
}

interface ExportFlags extends PlaceFlags {
  readonly out: string;
}

interface RebuildFlags extends PlaceFlags {
  readonly yes?: boolean;
}

/** Sources that are named one by one. */
const MAX_LISTED = 20;

function addPlace(command: Command): Command {
  return command
    .requiredOption('--state <place>', 'the state: a folder of `run`, or redis://…')
    .option('--state-prefix <text>', 'what its keys in Redis begin with', 'leastwise:');
}

/** Adds `leastwise state`. */
export function addState(program: Command, io: Io): void {
  const state = program.command('state').description('what is remembered: show, export, import, rebuild');
  addPlace(state.command('show').description('what a state holds, and how far its sources were read'))
    .option('--brokers <list>', 'host:port,… of Kafka without TLS: show how far behind each partition is')
    .option('-o, --output <form>', 'table or json', oneOf('table', 'json'), 'table')
    .action(async (flags: ShowFlags) => {
      await using store = await openKnown(flags);
      const ends = flags.brokers === undefined ? undefined : await endsOf(store, flags.brokers);
      await showState(store, { form: flags.output, ends }, io);
    });
  addPlace(state.command('export').description('its evidence as one file'))
    .requiredOption('--out <file>', 'the file to write; packed where its name ends in .gz')
    .action(async (flags: ExportFlags) => {
      await using store = await openKnown(flags);
      const { lines, digest } = await exportEvidence(store, flags.out);
      io.stdout.write(`exported ${counted(lines, 'line')}, sha256 ${digest}\n`);
    });
  addPlace(state.command('import').description('the evidence of an exported file, added once'))
    .argument('<file>', 'what `export` wrote')
    .action(async (file: string, flags: PlaceFlags) => {
      await importFile(file, flags, io);
    });
  addPlace(state.command('rebuild').description('forget what was read from Kafka, so that it is read again'))
    .option('--yes', 'do it; without it, only say what it would do')
    .action(async (flags: RebuildFlags) => {
      await rebuild(flags, io);
    });
  showSubcommandFlags(state);
  state.addHelpText(
    'after',
    '\nExamples:\n' +
      '  leastwise state show --state policies/.leastwise\n' +
      '  leastwise state export --state redis://127.0.0.1:6379 --out evidence.ndjson.gz\n' +
      '  leastwise state import evidence.ndjson.gz --state policies/.leastwise\n',
  );
}

/** One above the newest record of each partition that the state has read of. */
async function endsOf(store: DescribedStore, brokers: string): Promise<ReadonlyMap<string, number>> {
  // Loaded here: few runs need a client of Kafka.
  const { endOffsets } = await import('@leastwise/source-kafka');
  const { sources } = await store.describe();
  const topics = sources.flatMap(({ source }) => /^(.+)\/\d+$/.exec(source)?.[1] ?? []);
  return endOffsets({ brokers: brokers.split(',') }, [...new Set(topics)]);
}

async function openKnown({ state, statePrefix }: PlaceFlags): Promise<DescribedStore> {
  const store = await openState(state, statePrefix);
  if ((await store.describe()).sources.length > 0) return store;
  await store[Symbol.asyncDispose]();
  throw new CliError(
    isRedis(state) ? `there is no state in Redis under "${statePrefix}"` : `there is no state in ${state}`,
  );
}

async function importFile(file: string, { state, statePrefix }: PlaceFlags, io: Io): Promise<void> {
  await using store = await openStateToWrite(state, statePrefix);
  const outcome = await importEvidence(store, file, io.signal).catch((error: unknown) => {
    if (!io.signal.aborted) throw error;
    const message = 'interrupted: the same command goes on where this one was';
    throw new CliError(message, interruptedExit(io.signal));
  });
  const { lines, digest, became } = outcome;
  const what = `${counted(lines, 'line')}, sha256 ${digest}`;
  io.stdout.write(became === 'known' ? `nothing changed: imported before: ${what}\n` : `imported ${what}\n`);
}

function rebuildText({ sources, imports }: Rebuild, isDone: boolean): string {
  const verb = isDone ? 'forgot' : 'would forget';
  const rest = sources.length - MAX_LISTED;
  const lines = [
    sources.length === 0
      ? 'nothing was read from Kafka'
      : `${verb} what was read of ${counted(sources.length, 'partition')}:`,
    ...sources.slice(0, MAX_LISTED).map((source) => `  ${printable(source)}`),
    ...(rest > 0 ? [`  and ${String(rest)} more`] : []),
    ...(imports.length > 0 ? [`kept ${counted(imports.length, 'import')}`] : []),
    'Aggregators read again from the earliest record that Kafka has: each partition with its next record, or when',
    'they are restarted. What is older than that is known no more, unless it was exported before.',
  ];
  return `${lines.join('\n')}\n`;
}

async function rebuild({ state, statePrefix, yes }: RebuildFlags, io: Io): Promise<void> {
  if (!isRedis(state)) {
    throw new CliError('a folder is not read from Kafka: remove it, and `run` reads its input anew');
  }
  await using admin = await openStateAdmin(state, statePrefix);
  if (yes === true) {
    io.stdout.write(rebuildText(await admin.rebuild(new Date()), true));
    return;
  }
  io.stdout.write(rebuildText(await admin.planRebuild(), false));
  throw new CliError('nothing was done: --yes does it');
}
