import { createHash, randomBytes } from 'node:crypto';

import {
  ActivityReportBuilder,
  type Calendar,
  Detecting,
  type KeyedHash,
  type ReportOptions,
  type Settings,
} from '@leastwise/activity';
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

/** What was read of one cluster. */
export interface ClusterActivity {
  readonly builder: ActivityReportBuilder;
  /** `undefined` where nobody asked for detections. */
  readonly detecting: Detecting | undefined;
}

/** What a report is about, and where detections are; no calendar means none. */
export type ActivityOptions = Omit<ReportOptions, 'cluster' | 'seen'> & {
  readonly calendar: Calendar | undefined;
  /** What detections are told of the clusters. */
  readonly settings: Settings;
};

/** What was read, by cluster, and how the reading went. */
export interface ReadActivity {
  readonly clusters: ReadonlyMap<string, ClusterActivity>;
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

/**
 * Without a secret, so that the same logs give the same report. No threshold of a detection rests on it: so few texts
 * are counted exactly.
 */
const hashOfText: KeyedHash = (text) => {
  const digest = createHash('sha256').update(text).digest();
  return { hi: digest.readUInt32LE(0), lo: digest.readUInt32LE(4) };
};

/** Takes bytes of logs to the report, and to the detections, of each cluster. */
class ActivityReader {
  readonly clusters = new Map<string, ClusterActivity>();
  /** Of every cluster, those of which all events are left out too. */
  readonly #detecting = new Map<string, Detecting>();
  readonly stats = emptyStats();
  readonly #flags: InputFlags;
  readonly #letters: CountingDeadLetters;
  readonly #options: ActivityOptions;
  readonly #accepts: (event: AuditEvent) => boolean;
  readonly #latestUs = (Date.now() + MAX_CLOCK_SKEW_MS) * 1000;
  // Clients cannot make one request pass for another, since they do not know the key.
  readonly #context = createAttributeContext({ keyHex: randomBytes(IDENTITY_KEY_BYTES).toString('hex') });

  constructor(flags: InputFlags, letters: CountingDeadLetters, options: ActivityOptions) {
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
    const detecting = this.#detectingOf(cluster);
    if (!this.#accepts(event)) {
      // The source was alive, though nobody wants to know what it said.
      detecting?.sawAlive(event.receivedAtUs);
      return;
    }
    const attribution = attribute(event, cluster, this.#context);
    this.#clusterOf(cluster, detecting).builder.add(event, attribution);
    detecting?.add(event, attribution);
  }

  #detectingOf(cluster: string): Detecting | undefined {
    const { calendar, settings } = this.#options;
    const known = this.#detecting.get(cluster);
    if (known !== undefined || calendar === undefined) return known;
    const fresh = new Detecting({ calendar, settings, hash: hashOfText, seen: new FingerprintSet() });
    this.#detecting.set(cluster, fresh);
    return fresh;
  }

  #clusterOf(cluster: string, detecting: Detecting | undefined): ClusterActivity {
    const known = this.clusters.get(cluster);
    if (known !== undefined) return known;
    const seen = new FingerprintSet();
    const fresh = { builder: new ActivityReportBuilder({ ...this.#options, cluster, seen }), detecting };
    this.clusters.set(cluster, fresh);
    return fresh;
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
  options: ActivityOptions,
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
  return { clusters: reader.clusters, stats: reader.stats, letters };
}
