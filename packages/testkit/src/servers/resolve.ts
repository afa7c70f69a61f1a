import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { isKafkaReady, startKafka } from './kafka.ts';
import { kafkaInstall } from './kafka-install.ts';
import { startRedis } from './redis.ts';
import { redisInstall } from './redis-install.ts';
import { dockerAnswers } from './resolve-docker.ts';
import { sayMissing, sayServer, type ServerName } from './resolve-report.ts';
import type { ServerProcess } from './server-process.ts';

const KAFKA_IMAGE = 'confluentinc/cp-kafka:8.1.0';
/** Where that image listens for clients outside of its container. */
const KAFKA_IMAGE_PORT = 9093;
const REDIS_IMAGE = 'redis:7.2';

/** A server for tests that need no faults. */
interface Resolved extends AsyncDisposable {
  /** It belongs to somebody: never delete what is not under `prefix`. */
  readonly isShared: boolean;
  /** Another one at each call; what tests make begins with it. */
  readonly prefix: string;
  /** What it is, for people. */
  readonly what: string;
}

/** A broker for tests that need no faults. */
export interface ResolvedKafka extends Resolved {
  readonly brokers: readonly string[];
}

/** A Redis for tests that need no faults. */
export interface ResolvedRedis extends Resolved {
  readonly url: string;
}

/**
 * The brokers of `LEASTWISE_TEST_KAFKA` (`host:port`, separated by commas), else a container where Docker answers, else
 * a local process. `undefined` where none of them can be had, which it says loudly.
 * @throws Error where the brokers of the environment do not answer, and in CI where there are none
 */
export async function resolveKafka(): Promise<ResolvedKafka | undefined> {
  const given = (process.env['LEASTWISE_TEST_KAFKA'] ?? '').split(',').filter((each) => each !== '');
  if (given.length > 0) {
    const answers = await isKafkaReady(given).catch(() => false);
    if (!answers) throw new Error(`no Kafka at ${given.join(',')}`);
    return shared('kafka', { brokers: given });
  }
  const container = await inContainer('kafka', KAFKA_IMAGE, async () => {
    const { KafkaContainer } = await import('@testcontainers/kafka');
    const started = await new KafkaContainer(KAFKA_IMAGE).withKraft().start();
    const brokers = [`${started.getHost()}:${started.getMappedPort(KAFKA_IMAGE_PORT)}`];
    return { brokers, stop: () => started.stop() };
  });
  return (
    container ??
    (await inProcess('kafka', async (dir) => {
      const server = await startKafka({ dir });
      return { server, version: server.version, facts: { brokers: server.brokers } };
    }))
  );
}

/**
 * The Redis of `LEASTWISE_TEST_REDIS` (`redis://…`), else a container where Docker answers, else a local process.
 * `undefined` where none of them can be had, which it says loudly.
 * @throws Error in CI where there is none
 */
export async function resolveRedis(): Promise<ResolvedRedis | undefined> {
  const given = process.env['LEASTWISE_TEST_REDIS'] ?? '';
  if (given !== '') return shared('redis', { url: given });
  const container = await inContainer('redis', REDIS_IMAGE, async () => {
    const { RedisContainer } = await import('@testcontainers/redis');
    const started = await new RedisContainer(REDIS_IMAGE).start();
    return { url: started.getConnectionUrl(), stop: () => started.stop() };
  });
  return (
    container ??
    (await inProcess('redis', async (dir) => {
      const server = await startRedis({ dir });
      return { server, version: server.version, facts: { url: server.url } };
    }))
  );
}

/**
 * Whether {@link startKafka} cannot work here, for `describe.skipIf`; it fetches what is missing and says loudly what
 * cannot be had.
 * @throws Error in CI instead of `true`
 */
export function lacksKafka(version?: string): Promise<boolean> {
  return lacks('kafka', () => kafkaInstall(version));
}

/** As {@link lacksKafka}, for `startRedis` and what is built of it. @throws Error in CI instead of `true` */
export function lacksRedis(): Promise<boolean> {
  return lacks('redis', () => redisInstall());
}

async function lacks(
  name: ServerName,
  install: () => Promise<{ readonly version: string }>,
): Promise<boolean> {
  try {
    sayServer(name, `local process ${(await install()).version}`);
    return false;
  } catch (error) {
    sayMissing(name, error);
    return true;
  }
}

function shared<T extends object>(name: ServerName, facts: T): Resolved & T {
  const what = `shared, at ${withoutPassword(Object.values(facts).join(','))}`;
  sayServer(name, what);
  return {
    ...facts,
    isShared: true,
    prefix: newPrefix(),
    what,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function inContainer<T extends { readonly stop: () => Promise<unknown> }>(
  name: ServerName,
  image: string,
  start: () => Promise<T>,
): Promise<(Resolved & T) | undefined> {
  if (!(await dockerAnswers())) return undefined;
  try {
    const facts = await start();
    const what = `container ${image}`;
    sayServer(name, what);
    const stop = async (): Promise<void> => {
      await facts.stop();
    };
    return { ...facts, isShared: false, prefix: newPrefix(), what, [Symbol.asyncDispose]: stop };
  } catch (error) {
    process.stderr.write(`${name}: Docker answers but ${image} does not start: ${String(error)}\n`);
    return undefined;
  }
}

interface InProcess<T> {
  readonly server: ServerProcess;
  readonly version: string;
  readonly facts: T;
}

async function inProcess<T extends object>(
  name: ServerName,
  start: (dir: string) => Promise<InProcess<T>>,
): Promise<(Resolved & T) | undefined> {
  const dir = await mkdtemp(join(tmpdir(), `leastwise-${name}-`));
  const remove = (): Promise<void> => rm(dir, { recursive: true, force: true });
  try {
    const { server, version, facts } = await start(dir);
    const what = `local process ${version}`;
    sayServer(name, what);
    const stop = async (): Promise<void> => {
      await server.stop();
      await remove();
    };
    return { ...facts, isShared: false, prefix: newPrefix(), what, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await remove();
    sayMissing(name, error);
    return undefined;
  }
}

function newPrefix(): string {
  return `lw-${randomBytes(6).toString('hex')}-`;
}

/** Reports are shown to others. */
function withoutPassword(text: string): string {
  return text.replace(/\/\/[^@/]*@/g, '//…@');
}
