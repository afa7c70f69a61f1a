import {
  checkRedis,
  closeRedis,
  type Connection,
  connectRedis,
  examineRedis,
  redisConnectionOptions,
  StateAdmin,
  StoreConnectionError,
  type StoreTrouble,
} from '@leastwise/state-redis';

import { counted } from '../progress.ts';
import { factVerdicts } from './redis-facts.ts';
import { type ConfiguredRedis, configuredRedis } from './redis-settings.ts';
import { unknownClusters } from './known-clusters.ts';
import type { ReadConfig } from './service-config.ts';
import { type Check, failed, ok, skipped, type Verdict, warning } from './verdict.ts';

/** What helps, by what is wrong. */
const REMEDIES: Readonly<Record<StoreTrouble, string>> = {
  unreachable: 'Is it running, is the address right, and does a firewall or NetworkPolicy let us through?',
  refused: 'Look at user, password, certificates, and at what the ACL lets the user do.',
  unwell: 'It answers and cannot work at present: its own log says why.',
};
/** One server that is away is told of within the time of one check. */
const PATIENCE = { connectTimeoutMs: 4000, commandTimeoutMs: 4000, outageMs: 1000 };

/** The Redis of a service: whether it answers, may hold a state, lets us do what we do, and which state it holds. */
export function redisCheck(config: ReadConfig): Check {
  const what = `Redis of the ${config.service}`;
  return {
    area: 'redis',
    what,
    look: async (signal) => {
      const redis = await configuredRedis(config);
      let connection: Connection;
      try {
        const options = await redisConnectionOptions(redis.settings);
        connection = await connectRedis({ ...options, clientName: 'leastwise-doctor', ...PATIENCE });
      } catch (error) {
        if (!(error instanceof StoreConnectionError)) throw error;
        return [failed(what, error.message, REMEDIES[error.kind])];
      }
      // Whoever waits no longer leaves no connection behind.
      signal.addEventListener('abort', () => {
        connection.disconnect();
      });
      try {
        return [
          ok(what, `it answers at ${redis.settings.nodes.join(', ')}`),
          ...(await lookAt(connection, redis, config)),
        ];
      } finally {
        await closeRedis(connection);
      }
    },
  };
}

async function lookAt(
  connection: Connection,
  redis: ConfiguredRedis,
  config: ReadConfig,
): Promise<Verdict[]> {
  const { service } = config;
  const what = `Redis of the ${service}`;
  try {
    const { problems, warnings } = await checkRedis(connection);
    const fit =
      problems.length === 0 ? [ok(what, 'it is fit to hold a state: master, no eviction, new enough')] : [];
    const options = { prefix: redis.prefix, user: service, now: () => Date.now(), ...PATIENCE };
    const facts = await examineRedis(connection, options);
    return [
      ...fit,
      ...problems.map((problem) => failed(what, problem, 'No state is safe in it before that is changed.')),
      ...warnings.map((text) => warning(what, text, 'Turn it on, unless the log goes back far enough.')),
      ...facts.flatMap((each) => factVerdicts(what, each, redis, service)),
      ...(await stateVerdicts(what, connection, redis, config)),
    ];
  } catch (error) {
    if (!(error instanceof StoreConnectionError)) throw error;
    return [failed(what, error.message, REMEDIES[error.kind])];
  }
}

async function stateVerdicts(
  what: string,
  connection: Connection,
  { prefix }: ConfiguredRedis,
  config: ReadConfig,
): Promise<Verdict[]> {
  const admin = new StateAdmin(connection, { prefix, ...PATIENCE });
  const { version, sources } = await admin.describe();
  const name = `${what}, state`;
  if (version !== undefined) {
    const verdict = ok(name, `schema version ${version}, ${counted(sources.length, 'partition')}`);
    return [verdict, ...unknownClusters(config, sources)];
  }
  return [
    sources.length === 0
      ? skipped(name, `there is none under ${prefix} yet`, 'The first aggregator makes it.')
      : failed(
          name,
          `${sources.length} partitions are known, and none of them is there: it has lost its data`,
          'leastwise state rebuild has everything read again.',
        ),
  ];
}
