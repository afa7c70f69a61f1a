import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  type ControlPlane,
  type KafkaServer,
  type RedisServer,
  resolveGitea,
  startControlPlane,
  startKafka,
  startRedis,
} from '@leastwise/testkit';

import type { Binaries } from '../../closed-loop/support/binaries.ts';
import { leastwise } from '../../integration/support/leastwise.ts';
import { type Repository, Site } from '../../publish/support/site.ts';
import { createTopics } from '../../stream/support/kafka.ts';
import { startService, type Service } from './service.ts';
import { chooseShipper, type Shipper, type Shipment } from './shipper.ts';
import { Started } from './started.ts';

/** What the shipper calls the cluster. */
export const CLUSTER = 'production';
/** What keys in Redis begin with, where nothing else is said. */
export const PREFIX = 'leastwise:';
export const TOPICS = ['audit-events', 'audit-events-keyed'] as const;
const PARTITIONS = 6;

/** All of the product between an API server and a repository, every part a process of its own. */
export interface Pipeline extends AsyncDisposable {
  readonly dir: string;
  readonly plane: ControlPlane;
  readonly kafka: KafkaServer;
  readonly redis: RedisServer;
  readonly repository: Repository;
  readonly aggregators: readonly [Service, Service];
  readonly publisher: Service;
  readonly shipper: Shipper;
  /** Kills the shipper and starts it again. */
  restartShipper(): Promise<void>;
}

/** The policy that the API server logs by. @throws Error where it cannot be made */
async function auditPolicy(): Promise<string> {
  const { code, stdout, stderr } = await leastwise(['audit-policy', 'generate']);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** A repository on a real Gitea. @returns it, the address of the API, and a file with a token of the publisher */
async function startForge(
  dir: string,
  started: Started,
): Promise<{ repository: Repository; apiUrl: string; tokenFile: string }> {
  const gitea = await resolveGitea();
  if (gitea === undefined) throw new Error('there is no Gitea');
  started.use(gitea);
  const site = new Site(gitea);
  const tokenFile = join(dir, 'token');
  await writeFile(tokenFile, `${await site.open()}\n`, { mode: 0o600 });
  const repository = await site.repository('policies');
  started.defer(() => site.close('policies'));
  return { repository, apiUrl: `${gitea.url}/api/v1`, tokenFile };
}

async function startBroker(dir: string, started: Started): Promise<KafkaServer> {
  await mkdir(dir);
  const kafka = started.use(await startKafka({ dir }));
  const [events, keyed] = TOPICS;
  await createTopics(kafka.brokers, {
    [events]: PARTITIONS,
    [keyed]: PARTITIONS,
    'leastwise-dead-letters': 1,
  });
  return kafka;
}

async function startPlane(dir: string, binaries: Binaries, started: Started): Promise<ControlPlane> {
  await mkdir(dir);
  const { apiServer } = binaries;
  return started.use(await startControlPlane({ dir, apiServer, auditPolicy: await auditPolicy() }));
}

async function startShipper(
  shipment: Shipment,
  started: Started,
): Promise<Pick<Pipeline, 'shipper' | 'restartShipper'>> {
  const shipper = await chooseShipper();
  let child = await shipper.start(shipment);
  started.defer(() => child.stop());
  return {
    shipper,
    restartShipper: async () => {
      child.kill('SIGKILL');
      await child.ended;
      child = await shipper.start(shipment);
    },
  };
}

/**
 * Starts everything, each part configured as an operator does it, and waits until it is ready.
 * @throws Error with the last words of what does not come up; what runs by then is ended
 */
export async function startPipeline(binaries: Binaries): Promise<Pipeline> {
  const started = new Started();
  try {
    return await start(binaries, started);
  } catch (error) {
    await started[Symbol.asyncDispose]();
    throw error;
  }
}

async function start(binaries: Binaries, started: Started): Promise<Pipeline> {
  const dir = await mkdtemp(join(tmpdir(), 'leastwise-e2e-'));
  started.defer(async () => {
    // A test that failed is to be looked at.
    if (process.env['LEASTWISE_TEST_KEEP'] === undefined) await rm(dir, { recursive: true, force: true });
  });
  // One after the other: what failed beside others would leave them behind.
  const plane = await startPlane(join(dir, 'kubernetes'), binaries, started);
  const kafka = await startBroker(join(dir, 'kafka'), started);
  const redis = started.use(await startRedis({ dir: join(dir, 'redis') }));
  const { repository, apiUrl, tokenFile } = await startForge(dir, started);
  const nodes = [`127.0.0.1:${redis.port}`];
  const aggregator = (name: string): Promise<Service> =>
    startService(
      { dir, name, service: 'aggregator', started },
      {
        kafka: {
          brokers: kafka.brokers,
          topics: [TOPICS[0]],
          // So that what a dead one leaves behind is soon taken over.
          sessionTimeout: '3s',
          heartbeatInterval: '300ms',
        },
        cluster: { field: 'cluster' },
        redis: { nodes },
      },
    );
  const aggregators = [await aggregator('aggregator-1'), await aggregator('aggregator-2')] as const;
  const publisher = await startService(
    { dir, name: 'publisher', service: 'publisher', started },
    {
      redis: { nodes },
      repository: { url: repository.url },
      forge: { kind: 'gitea', apiUrl, tokenFile },
      auditPolicies: { [CLUSTER]: plane.auditPolicyFile },
      every: '2s',
      jitter: '0s',
    },
  );
  const { auditLog } = plane;
  const shipment = { dir: join(dir, 'shipper'), auditLog, cluster: CLUSTER, brokers: kafka.brokers };
  const shipping = await startShipper(shipment, started);
  const end = (): Promise<void> => started[Symbol.asyncDispose]();
  const servers = { dir, plane, kafka, redis, repository };
  return { ...servers, aggregators, publisher, ...shipping, [Symbol.asyncDispose]: end };
}
