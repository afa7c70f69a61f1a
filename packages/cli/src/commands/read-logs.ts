import { type CountingDeadLetters, openFileSource } from '@leastwise/source-file';
import type { SubjectStore } from '@leastwise/state';

import { CliError } from '../exit.ts';
import { Ingestion, type IngestOptions } from '../ingest.ts';
import type { Io } from '../io.ts';
import { startProgress } from '../progress.ts';
import { interruptedExit } from '../stop-signals.ts';
import { enforceStrict, filtersOf, type InputFlags, openDeadLetters } from './input-flags.ts';

/** Clocks differ by less than a day. */
const MAX_CLOCK_SKEW_MS = 86_400_000;

/** What a command wants of its logs besides what the flags say. */
export type Reading = Pick<IngestOptions, 'group' | 'observe' | 'hasDays' | 'isAllOrNothing'>;

/** Logs on their way into a store. */
export interface OpenReading {
  readonly ingestion: Ingestion;
  readonly letters: CountingDeadLetters;
}

/** Prepares the reading of logs into a store as the flags say. @throws CliError where a filter is wrong. */
export async function openReading(
  flags: InputFlags,
  store: SubjectStore,
  reading: Reading,
): Promise<OpenReading> {
  const filters = filtersOf(flags);
  const letters = openDeadLetters(flags);
  const ingestion = await Ingestion.start(store, {
    cluster: flags.cluster,
    clusterField: flags.clusterField,
    filters,
    filterDefault: flags.filterDefault,
    latestUs: (Date.now() + MAX_CLOCK_SKEW_MS) * 1000,
    deadLetters: letters,
    ...reading,
  });
  return { ingestion, letters };
}

/**
 * Reads all logs that `-f` names, with a progress bar where somebody looks.
 * @throws CliError where the user interrupts, or with `--strict` where a record cannot be read.
 */
export async function readLogs(
  flags: InputFlags,
  io: Io,
  store: SubjectStore,
  reading: Reading,
): Promise<OpenReading> {
  const source = await openFileSource({ inputs: flags.filename ?? [], stdin: io.stdin });
  const open = await openReading(flags, store, reading);
  const progress = startProgress(io);
  try {
    await open.ingestion.read(source, progress, io.signal);
  } finally {
    progress.stop();
    await source.close();
    await open.letters.close();
  }
  if (io.signal.aborted) throw new CliError('interrupted', interruptedExit(io.signal));
  enforceStrict(flags, open.ingestion.stats, open.letters);
  return open;
}
