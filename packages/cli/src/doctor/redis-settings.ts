import type { RedisSettings } from '@leastwise/state-redis';

import { secretOf } from './config-secret.ts';
import type { ReadConfig } from './service-config.ts';

/** Redis as a service is configured to reach it. */
export interface ConfiguredRedis {
  readonly settings: RedisSettings;
  /** What its keys begin with. */
  readonly prefix: string;
}

const MODES = ['standalone', 'sentinel', 'cluster'] as const;

/** Whether a configuration names a Redis: a publisher may work on a folder, an auditor without evidence. */
export function hasRedis({ view, service }: ReadConfig): boolean {
  if (service === 'publisher' && view.text('state.folder') !== undefined) return false;
  return view.texts('redis.nodes').length > 0;
}

/** The Redis of a configuration. @throws SecretError where a password cannot be read */
export async function configuredRedis({ view, sources }: ReadConfig): Promise<ConfiguredRedis> {
  const tls = (name: string): string | undefined => view.text(`redis.tls.${name}`);
  return {
    prefix: view.text('redis.prefix') ?? 'leastwise:',
    settings: {
      mode: MODES.find((mode) => mode === view.text('redis.mode')) ?? 'standalone',
      nodes: view.texts('redis.nodes'),
      masterName: view.text('redis.masterName'),
      username: view.text('redis.username'),
      password: await secretOf(view, 'redis.password', sources),
      sentinelPassword: await secretOf(view, 'redis.sentinelPassword', sources),
      db: view.number('redis.db', 0),
      tls: {
        enabled: view.isOn('redis.tls.enabled'),
        caFile: tls('caFile'),
        certFile: tls('certFile'),
        keyFile: tls('keyFile'),
        servername: tls('servername'),
      },
    },
  };
}
