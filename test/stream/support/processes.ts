import { once } from 'node:events';
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { Stage } from './worker.ts';

const BINARY = fileURLToPath(new URL('../../../services/aggregator/bin/aggregator.js', import.meta.url));

/** An aggregator in a process of its own. */
export interface AggregatorProcess {
  readonly child: ChildProcess;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  /** Everything it logged. */
  log(): string;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts an aggregator as operators do: by its binary, configured by its environment. */
export function startProcess(
  stage: Stage,
  logFile: string,
  environment: Readonly<Record<string, string>> = {},
): AggregatorProcess {
  const log = openSync(logFile, 'a');
  const redis = new URL(stage.redisUrl);
  const child = spawn(process.execPath, [BINARY], {
    stdio: ['ignore', log, log],
    env: {
      PATH: process.env['PATH'] ?? '',
      LEASTWISE_AGGREGATOR_HTTP_HOST: '127.0.0.1',
      LEASTWISE_AGGREGATOR_HTTP_PORT: '0',
      LEASTWISE_AGGREGATOR_KAFKA_BROKERS: stage.brokers.join(','),
      LEASTWISE_AGGREGATOR_KAFKA_TOPICS: stage.topics.filter((topic) => !topic.endsWith('-keyed')).join(','),
      LEASTWISE_AGGREGATOR_KAFKA_GROUP_ID: stage.groupId,
      LEASTWISE_AGGREGATOR_KAFKA_SESSION_TIMEOUT: '3s',
      LEASTWISE_AGGREGATOR_KAFKA_HEARTBEAT_INTERVAL: '300ms',
      LEASTWISE_AGGREGATOR_KAFKA_BATCH_RECORDS: '100',
      LEASTWISE_AGGREGATOR_REDIS_NODES: redis.host,
      LEASTWISE_AGGREGATOR_REDIS_PREFIX: stage.prefix,
      LEASTWISE_AGGREGATOR_STATE_DEDUPE_HOURS: '48',
      ...environment,
    },
  });
  closeSync(log);
  running.add(child);
  const ended = once(child, 'exit').then(([code, signal]: unknown[]) => {
    running.delete(child);
    return (code ?? signal) as number | string;
  });
  return { child, ended, log: () => readFileSync(logFile, 'utf8') };
}
