import { randomBytes } from 'node:crypto';

import { ActivityReportBuilder, type ReportOptions } from '@leastwise/activity';
import {
  attribute,
  type AuditEvent,
  createAttributeContext,
  createFilter,
  type DecodeSink,
  RecordReader,
} from '@leastwise/audit-event';
import type { AuditSource, DeadLetter } from '@leastwise/source';
import { type CountingDeadLetters, openFileSource } from '@leastwise/source-file';
import { FingerprintSet } from '@leastwise/state';

import { enforceStrict, filtersOf, type InputFlags, openDeadLetters } from '../commands/input-flags.ts';
import { CliError } from '../exit.ts';
import type { IngestStats } from '../ingest.ts';
import type { Io } from '../io.ts';
import { startProgress } from '../progress.ts';
import { interruptedExit } from '../stop-signals.ts';

/** Clocks differ by less than a day. */
const MAX_CLOCK_SKEW_MS = 86_400_000;
const IDENTITY_KEY_BYTES = 8;

/** What was read: a builder for each cluster that had events, and how the reading went. */
export interface ReadActivity {
  readonly builders: ReadonlyMap<string, ActivityReportBuilder>;
  readonly stats: IngestStats;
  readonly letters: CountingDeadLetters;
}

function emptyStats(): IngestStats {
  return {
    bytes: 0,
    origins: 0,
    events: 0,
    requests: 0,
    denied: 0,
    repeated: 0,
    skipped: new Map(),
    bad: new Map(),
  };
}

function increment<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Takes bytes of logs to one report builder for each cluster. */
class ActivityReader {
  readonly builders = new Map<string, ActivityReportBuilder>();
  readonly stats = emptyStats();
  readonly #flags: InputFlags;
  readonly #letters: CountingDeadLetters;
  readonly #options: Omit<ReportOptions, 'cluster' | 'seen'>;
  readonly #accepts: (event: AuditEvent) => boolean;
  readonly #latestUs = (Date.now() + MAX_CLOCK_SKEW_MS) * 1000;
  // Clients cannot make one request pass for another, since they do not know the key.
  readonly #context = createAttributeContext({ keyHex: randomBytes(IDENTITY_KEY_BYTES).toString('hex') });

  constructor(
    flags: InputFlags,
    letters: CountingDeadLetters,
    options: Omit<ReportOptions, 'cluster' | 'seen'>,
  ) {
    this.#flags = flags;
    this.#letters = letters;
    this.#options = options;
    this.#accepts = createFilter(filtersOf(flags), flags.filterDefault);
  }

  async read(source: AuditSource, io: Io): Promise<void> {
    const progress = startProgress(io);
    let reader: RecordReader | undefined;
    try {
      for await (const { origin, bytes, endsOrigin, damage } of source.chunks(io.signal)) {
        this.stats.bytes += bytes.byteLength;
        reader ??= this.#open(origin);
        reader.push(bytes);
        if (endsOrigin) {
          reader.end();
          reader = undefined;
          if (damage !== undefined) this.#damaged(origin, damage);
        }
        progress.update(source.progress(), this.stats.events);
      }
    } finally {
      progress.stop();
    }
  }

  #open(origin: string): RecordReader {
    this.stats.origins += 1;
    const { clusterField } = this.#flags;
    return new RecordReader(this.#sink(origin), clusterField === undefined ? {} : { clusterField });
  }

  #sink(origin: string): DecodeSink {
    return {
      event: (event, cluster, line) => {
        if (event.receivedAtUs <= this.#latestUs) {
          this.#add(event, cluster ?? this.#flags.cluster);
          return;
        }
        const detail = `auditID ${event.auditID.slice(0, 64)} is of the future`;
        this.#bad({ reason: 'future', origin, line, detail, bytes: new Uint8Array() });
      },
      skipped: (reason) => {
        increment(this.stats.skipped, reason);
      },
      bad: (reason, line, detail, bytes) => {
        this.#bad({ reason, origin, line, detail, bytes });
      },
    };
  }

  #add(event: AuditEvent, cluster: string): void {
    this.stats.events += 1;
    if (!this.#accepts(event)) return;
    let builder = this.builders.get(cluster);
    if (builder === undefined) {
      builder = new ActivityReportBuilder({ ...this.#options, cluster, seen: new FingerprintSet() });
      this.builders.set(cluster, builder);
    }
    builder.add(event, attribute(event, cluster, this.#context));
  }

  #damaged(origin: string, detail: string): void {
    this.#bad({ reason: 'invalid-compression', origin, line: 0, detail, bytes: new Uint8Array() });
  }

  #bad(letter: DeadLetter): void {
    increment(this.stats.bad, letter.reason);
    this.#letters.write(letter);
  }
}

/**
 * Reads all logs that `-f` names, with a progress bar where somebody looks.
 * @throws CliError where the user interrupts, or with `--strict` where a record cannot be read.
 */
export async function readActivity(
  flags: InputFlags,
  io: Io,
  options: Omit<ReportOptions, 'cluster' | 'seen'>,
): Promise<ReadActivity> {
  const source = await openFileSource({ inputs: flags.filename ?? [], stdin: io.stdin });
  const letters = openDeadLetters(flags);
  const reader = new ActivityReader(flags, letters, options);
  try {
    await reader.read(source, io);
  } finally {
    await source.close();
    await letters.close();
  }
  if (io.signal.aborted) throw new CliError('interrupted', interruptedExit(io.signal));
  enforceStrict(flags, reader.stats, letters);
  return { builders: reader.builders, stats: reader.stats, letters };
}
