import { RedisSettingsError, redisTarget } from '@leastwise/state-redis';

import { topicsOf } from './aggregator.ts';
import { calendarOf } from './alerts/alerting-options.ts';
import type { AggregatorConfig } from './config.ts';
import { patternOf, saslOf, tlsOf, UnusableConfigError } from './connections.ts';

const TLS_FILES = ['caFile', 'certFile', 'keyFile'] as const;

type Tls = AggregatorConfig['kafka']['tls'];

/** One file of them at a time, so that each that is missing is told of. */
function tlsParts(tls: Tls): (() => unknown)[] {
  return TLS_FILES.map((name) => () => tlsOf({ enabled: tls.enabled, [name]: tls[name] }));
}

/**
 * Everything that is wrong with a configuration that fits the schema: files that are missing, values that do not go
 * together. A start stops at the first of it.
 */
export async function configProblems(config: AggregatorConfig): Promise<readonly string[]> {
  const parts = [
    () => topicsOf(config),
    ...tlsParts(config.kafka.tls),
    () => saslOf(config.kafka.sasl),
    () => patternOf('cluster.topicPattern', config.cluster.topicPattern),
    () => redisTarget(config.redis),
    ...tlsParts(config.redis.tls),
    () => calendarOf(config),
  ];
  const problems: string[] = [];
  for (const part of parts) {
    try {
      await part();
    } catch (error) {
      if (!(error instanceof UnusableConfigError) && !(error instanceof RedisSettingsError)) throw error;
      problems.push(error.message);
    }
  }
  return problems;
}
