import { randomBytes } from 'node:crypto';

import { type AuditEvent, type BadReason, createFilter, RecordReader } from '@leastwise/audit-event';
import { type RecordedRequest, RequestFold } from '@leastwise/audit-policy';
import type { DeadLetter, SourceChunk } from '@leastwise/source';
import { type CountingDeadLetters, openFileSource } from '@leastwise/source-file';

import {
  countBad,
  enforceStrict,
  filtersOf,
  type InputFlags,
  openDeadLetters,
} from '../commands/input-flags.ts';
import { CliError } from '../exit.ts';
import type { IngestStats } from '../ingest.ts';
import type { Io } from '../io.ts';
import { counted, startProgress } from '../progress.ts';
import { interruptedExit } from '../stop-signals.ts';

/** Clocks differ by less than a day. */
const MAX_CLOCK_SKEW_US = 86_400_000_000;

/**
 * Gives each request of the logs that `-f` names, once: also those that are no evidence of a permission, for an audit
 * policy decides about them, too.
 * @throws CliError where there are none, the user interrupts, or with `--strict` where a record cannot be read
 */
export async function readRequests(
  flags: InputFlags,
  io: Io,
  take: (request: RecordedRequest) => void,
): Promise<void> {
  const letters = openDeadLetters(flags);
  const reading = new RequestReading(flags, letters, take);
  const source = await openFileSource({ inputs: flags.filename ?? [], stdin: io.stdin });
  const progress = startProgress(io);
  try {
    for await (const chunk of source.chunks(io.signal)) {
      reading.take(chunk);
      progress.update(source.progress(), reading.stats.events);
    }
  } finally {
    progress.stop();
    await source.close();
    await letters.close();
  }
  if (io.signal.aborted) throw new CliError('interrupted', interruptedExit(io.signal));
  enforceStrict(flags, reading.stats, letters);
  const bad = countBad(reading.stats);
  if (reading.stats.requests === 0) {
    const why = bad > 0 ? `${counted(bad, 'record')} could not be read` : 'the logs hold none';
    throw new CliError(`no requests: ${why}`);
  }
  if (bad > 0) io.stderr.write(`warning: ${counted(bad, 'record')} could not be read\n`);
  const { unplaced } = reading;
  if (unplaced > 0) io.stderr.write(`warning: ${counted(unplaced, 'event')} do not say what was asked\n`);
}

class RequestReading {
  readonly stats: IngestStats = {
    ...{ bytes: 0, origins: 0, events: 0, requests: 0, denied: 0, repeated: 0 },
    skipped: new Map(),
    bad: new Map(),
  };
  unplaced = 0;
  readonly #flags: InputFlags;
  readonly #letters: CountingDeadLetters;
  readonly #take: (request: RecordedRequest) => void;
  readonly #passes: (event: AuditEvent) => boolean;
  /** Nobody who writes to the log may know the key, else requests could hide behind others. */
  readonly #fold = new RequestFold(randomBytes(8).toString('hex'));
  readonly #latestUs = Date.now() * 1000 + MAX_CLOCK_SKEW_US;
  #reader: RecordReader | undefined;

  constructor(flags: InputFlags, letters: CountingDeadLetters, take: (request: RecordedRequest) => void) {
    this.#flags = flags;
    this.#letters = letters;
    this.#take = take;
    this.#passes = createFilter(filtersOf(flags), flags.filterDefault);
  }

  take({ origin, bytes, endsOrigin, damage }: SourceChunk): void {
    this.#reader ??= this.#open(origin);
    this.#reader.push(bytes);
    if (!endsOrigin) return;
    this.#reader.end();
    this.#reader = undefined;
    if (damage === undefined) return;
    this.#bad('invalid-compression', { origin, line: 0, detail: damage, bytes: new Uint8Array() });
  }

  #open(origin: string): RecordReader {
    const { cluster: ownCluster, clusterField } = this.#flags;
    return new RecordReader(
      {
        event: (event, cluster, line) => {
          if (event.receivedAtUs > this.#latestUs) {
            const detail = `auditID ${event.auditID.slice(0, 64)} is of the future`;
            this.#bad('future', { origin, line, detail, bytes: new Uint8Array() });
          } else {
            this.#event(event, cluster ?? ownCluster);
          }
        },
        skipped: () => undefined,
        bad: (reason, line, detail, bytes) => {
          this.#bad(reason, { origin, line, detail, bytes });
        },
      },
      clusterField === undefined ? {} : { clusterField },
    );
  }

  #event(event: AuditEvent, cluster: string): void {
    this.stats.events += 1;
    if (!this.#passes(event)) return;
    const folded = this.#fold.add(event, cluster);
    if (folded === 'unattributable') this.unplaced += 1;
    if (typeof folded === 'string') return;
    this.stats.requests += 1;
    this.#take(folded);
  }

  #bad(reason: BadReason, letter: Omit<DeadLetter, 'reason'>): void {
    this.stats.bad.set(reason, (this.stats.bad.get(reason) ?? 0) + 1);
    this.#letters.write({ ...letter, reason });
  }
}
