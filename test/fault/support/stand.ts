import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  type KafkaOptions,
  type KafkaServer,
  type RedisServer,
  startKafka,
  startRedis,
} from '@leastwise/testkit';
import { Cluster, Redis } from 'ioredis';
import { expect } from 'vitest';

import { leastwise } from '../../integration/support/leastwise.ts';
import { createTopics, endsOf, produce, type Produced } from '../../stream/support/kafka.ts';
import { type AggregatorProcess, startProcess } from '../../stream/support/processes.ts';
import { auditIDOf } from '../../stream/support/evidence.ts';
import { readTopics } from './kafka-log.ts';
import { eventsOf, isProducedAgain, type LoggedRecord, stageOf, truthOf } from './oracle.ts';
import { decode, differences, type Known, rawPartitions } from './redis-state.ts';

/** A broker and a Redis, both processes of their own, in a folder. */
export interface Stand extends AsyncDisposable {
  readonly dir: string;
  readonly kafka: KafkaServer;
  readonly redis: RedisServer;
}

/**
 * The oracle reads with a plain client, which knows no lz4; codecs have tests of their own. Records that say that they
 * are old stay.
 */
const PLAIN = { 'compression.type': 'uncompressed', 'log.retention.ms': '-1' } as const;

/** Starts them. */
export async function startStand(options: Partial<KafkaOptions> = {}): Promise<Stand> {
  const dir = await mkdtemp(join(tmpdir(), 'leastwise-fault-'));
  const [kafka, redis] = await Promise.all([
    startKafka({ dir, ...options, properties: { ...PLAIN, ...options.properties } }),
    startRedis({ dir: join(dir, 'redis'), fsync: 'always' }),
  ]);
  return {
    dir,
    kafka,
    redis,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([kafka.stop(), redis.stop()]);
      // A test that failed is to be looked at.
      if (process.env['LEASTWISE_TEST_KEEP'] === undefined) await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Waits until something is so. @throws Error where that takes too long */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`${what}: not so within ${timeoutMs} ms`);
    await sleep(25);
  }
}

/** What a run is like. */
export interface RunOptions {
  readonly name: string;
  /** Reads the topic of that run anew, into a state of its own. */
  readonly replayOf?: Run;
  readonly partitions: number;
  /** 48, so that nothing is late. */
  readonly dedupeHours?: number;
  /** Where another Redis than the stand's holds the state: the one that counts at the time. */
  readonly redisUrl?: () => string;
  /** All masters, where it is a Cluster. */
  readonly clusterPorts?: readonly number[];
  /** Settings of every aggregator. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** One log, one state, and the aggregators between them. */
export class Run {
  readonly brokers: readonly string[];
  readonly prefix: string;
  readonly topic: string;
  readonly keyed: string;
  readonly dead: string;
  readonly workers: AggregatorProcess[] = [];
  readonly #name: string;
  readonly #stand: Stand;
  readonly #options: RunOptions;
  readonly #poison: Set<string>;
  readonly #nothing = new Set<string>();

  constructor(stand: Stand, options: RunOptions) {
    const { name, replayOf } = options;
    this.#stand = stand;
    this.#options = options;
    this.#name = name;
    this.#poison = replayOf === undefined ? new Set() : replayOf.#poison;
    this.brokers = stand.kafka.brokers;
    this.prefix = `${name}:`;
    this.topic = replayOf?.topic ?? name;
    this.keyed = `${this.topic}-keyed`;
    this.dead = `${this.topic}-dead`;
  }

  get redisUrl(): string {
    return this.#options.redisUrl?.() ?? this.#stand.redis.url;
  }

  #connect(): Redis | Cluster {
    const { clusterPorts } = this.#options;
    const connection =
      clusterPorts === undefined
        ? new Redis(this.redisUrl, { maxRetriesPerRequest: null })
        : new Cluster(clusterPorts.map((port) => ({ host: '127.0.0.1', port })));
    return connection.on('error', () => undefined);
  }

  get dedupeHours(): number {
    return this.#options.dedupeHours ?? 48;
  }

  /** Makes the topics. */
  async create(): Promise<this> {
    const { partitions } = this.#options;
    await createTopics(this.brokers, { [this.topic]: partitions, [this.keyed]: partitions, [this.dead]: 1 });
    return this;
  }

  /** Starts an aggregator. */
  start(environment: Readonly<Record<string, string>> = {}): AggregatorProcess {
    const stage = {
      brokers: this.brokers,
      redisUrl: this.redisUrl,
      prefix: this.prefix,
      groupId: this.#name,
      topics: [this.topic],
    };
    const logFile = join(this.#stand.dir, `${this.#name}-${this.workers.length}.log`);
    const worker = startProcess(stage, logFile, {
      LEASTWISE_AGGREGATOR_KAFKA_SESSION_TIMEOUT: '2s',
      LEASTWISE_AGGREGATOR_KAFKA_DEAD_LETTER_TOPIC: this.dead,
      LEASTWISE_AGGREGATOR_STATE_DEDUPE_HOURS: String(this.dedupeHours),
      ...this.#options.environment,
      ...environment,
    });
    this.workers.push(worker);
    return worker;
  }

  /** Says that these bytes are no audit event. */
  notePoison(value: Buffer): void {
    this.#poison.add(value.toString('latin1'));
  }

  /** Says that these bytes are something, and no audit event. */
  noteNothing(value: Buffer): void {
    this.#nothing.add(value.toString('latin1'));
  }

  #isGood(record: LoggedRecord): boolean {
    return record.topic !== this.dead && !this.isPoison(record) && !this.#isNothing(record);
  }

  #isNothing({ value }: Pick<LoggedRecord, 'value'>): boolean {
    return value !== null && this.#nothing.has(value.toString('latin1'));
  }

  /** Whether a record was made to be a dead letter. */
  isPoison({ value }: Pick<LoggedRecord, 'value'>): boolean {
    return value === null || this.#poison.has(value.toString('latin1'));
  }

  /** Appends lines with their auditID as key, and what is no event with no key in mind. */
  async produce(records: readonly (string | Buffer)[]): Promise<void> {
    const produced = records.map((record): Produced => {
      if (typeof record === 'string') return [auditIDOf(record), record];
      this.notePoison(record);
      return [record.toString('hex', 0, 8), record];
    });
    await produce(this.brokers, this.topic, produced, 100);
  }

  /** Appends lines as the lists of a webhook, without a key. */
  async produceLists(lines: readonly string[], size: number): Promise<void> {
    const lists: Produced[] = [];
    for (let at = 0; at < lines.length; at += size) {
      const items = lines.slice(at, at + size).join(',');
      lists.push([
        null,
        `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${items}]}`,
      ]);
    }
    await produce(this.brokers, this.topic, lists, 20);
  }

  /** Resolves when the state has come to the end of every partition but those. */
  async caughtUp(except: readonly string[] = [], timeoutMs = 60_000): Promise<void> {
    // The first topic may still add to the second one.
    for (const topics of [[this.topic], [this.topic, this.keyed]]) {
      const ends = await endsOf(this.brokers, topics);
      for (const source of except) ends.delete(source);
      await this.#isAt(ends, timeoutMs);
    }
  }

  async #isAt(ends: ReadonlyMap<string, number>, timeoutMs: number): Promise<void> {
    const redis = this.#connect();
    const behind = new Map([...ends].filter(([, end]) => end > 0));
    const deadline = Date.now() + timeoutMs;
    try {
      while (behind.size > 0) {
        for (const [source, end] of [...behind]) {
          const position = await redis.hget(`${this.prefix}p:${source}`, 'o');
          if (Number(position ?? '0') >= end) behind.delete(source);
          else if (Date.now() > deadline) throw new Error(`${source} is at ${position ?? '-'}, not ${end}`);
        }
        await sleep(25);
      }
    } finally {
      redis.disconnect();
    }
  }

  /** A field of a partition, as it stands in Redis. */
  async field(source: string, field: string): Promise<string | undefined> {
    const redis = this.#connect();
    try {
      return (await redis.hget(`${this.prefix}p:${source}`, field)) ?? undefined;
    } finally {
      redis.disconnect();
    }
  }

  /** What the state knows. */
  async known(): Promise<Known> {
    return decode(await this.raw());
  }

  /** The hash of each partition. */
  async raw(): Promise<Map<string, Map<string, Buffer>>> {
    const { clusterPorts } = this.#options;
    if (clusterPorts === undefined) return rawPartitions(this.redisUrl, this.prefix);
    const all = clusterPorts.map((port) => rawPartitions(`redis://127.0.0.1:${port}`, this.prefix));
    return new Map((await Promise.all(all)).flatMap((partitions) => [...partitions]));
  }

  /** The records of all topics of this run. */
  async log(topics: readonly string[] = [this.topic, this.keyed, this.dead]): Promise<LoggedRecord[]> {
    return readTopics(this.brokers, topics);
  }

  /** What the state should know. */
  truth(log: readonly LoggedRecord[]): Known {
    const records = log.filter(({ topic }) => topic !== this.dead);
    return truthOf(records, {
      dedupeHours: this.dedupeHours,
      isPoison: (record) => this.isPoison(record),
      isNothing: (record) => this.#isNothing(record),
    });
  }

  /**
   * Every key of the state, every dead letter, every event that was produced again, and the bytes rendered.
   * @param given - the log, where it is not the one that Kafka has now; then nothing is waited for
   * @param lost - how many records Kafka had removed unread
   */
  async expectExact(given?: readonly LoggedRecord[], lost = 0): Promise<Known> {
    if (!given) await this.caughtUp();
    const log = given ?? (await this.log());
    const known = await this.known();
    const truth = this.truth(log);
    truth.lost = lost;
    expect(differences(known, truth)).toEqual([]);
    for (const { size } of [known.cells, known.windows]) expect(size).toBeGreaterThan(0);
    this.#expectLetters(log);
    this.#expectProducedAgain(log);
    // The command line reads no Cluster.
    if (this.#options.clusterPorts === undefined) await this.#expectSamePolicies(log);
    return known;
  }

  /** Each at least once, whole, and nothing else. */
  #expectLetters(log: readonly LoggedRecord[]): void {
    const wanted = log.filter((record) => record.topic !== this.dead && this.isPoison(record));
    const letters = new Map<string, Map<string, Buffer>>();
    for (const { topic, key, value, headers } of log) {
      if (topic !== this.dead) continue;
      const parts = letters.get(String(key)) ?? new Map<string, Buffer>();
      letters.set(String(key), parts.set(headers['leastwise-part'] ?? '', value ?? Buffer.alloc(0)));
    }
    const whole = new Map(
      [...letters].map(([key, parts]) => {
        const order = [...parts].sort(([a], [b]) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
        return [key, Buffer.concat(order.map(([, bytes]) => bytes)).toString('latin1')];
      }),
    );
    expect(whole).toEqual(
      new Map(
        wanted.map(({ topic, partition, offset, value }) => [
          `${topic}/${partition}/${offset}`,
          (value ?? Buffer.alloc(0)).toString('latin1'),
        ]),
      ),
    );
  }

  #expectProducedAgain(log: readonly LoggedRecord[]): void {
    const good = log.filter((record) => this.#isGood(record));
    const stagesOf = (records: readonly LoggedRecord[]): Set<string> =>
      new Set(records.flatMap(eventsOf).map((event) => stageOf(event)));
    const wanted = stagesOf(good.filter((record) => record.topic === this.topic && isProducedAgain(record)));
    expect(stagesOf(good.filter(({ topic }) => topic === this.keyed))).toEqual(wanted);
  }

  async #expectSamePolicies(log: readonly LoggedRecord[]): Promise<void> {
    const file = join(this.#stand.dir, `${this.#name}.log`);
    const lines = log.filter((record) => record.topic === this.topic && this.#isGood(record));
    await writeFile(file, lines.map(({ value }) => `${String(value)}\n`).join(''));
    const state = ['--state', this.redisUrl, '--state-prefix', this.prefix];
    const wanted = await leastwise(['generate', '--all', '-f', file]);
    const got = await leastwise(['generate', '--all', ...state]);
    expect(got.code).toBe(wanted.code);
    expect(got.stdout).toBe(wanted.stdout);
    expect(got.stdout.length).toBeGreaterThan(1000);
  }

  /** Ends every aggregator that runs, as Kubernetes does. @returns the exit codes of those */
  async stop(): Promise<(number | string)[]> {
    const running = this.workers.filter((each) => !hasEnded(each));
    // What is told to stop before it knows how to just ends.
    await until('all of them are up', () => running.every((each) => isUp(each) || hasEnded(each)));
    for (const { child } of running) {
      child.kill('SIGCONT');
      child.kill('SIGTERM');
    }
    return Promise.all(running.map(({ ended }) => ended));
  }
}

function isUp(worker: AggregatorProcess): boolean {
  return worker.log().includes('serving health and metrics');
}

function hasEnded({ child }: AggregatorProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** SIGKILL; resolves when it has ended. */
export async function killed(worker: AggregatorProcess): Promise<void> {
  worker.child.kill('SIGKILL');
  await worker.ended;
}
