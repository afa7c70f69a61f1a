/**
 * A service that a test starts as a process of its own; `--mode` says how it behaves. It says `started` as
 * a line of its log when it can be told to stop.
 */
import { createServer } from 'node:net';

import * as z from 'zod';

import {
  createLog,
  createMetrics,
  durationMs,
  loadConfig,
  refuseConfig,
  runService,
  startHealthServer,
} from '../index.ts';
import type { RunningService } from '../index.ts';

const schema = z.strictObject({
  mode: z.enum([
    'well',
    'hang',
    'hang-idle',
    'leak',
    'fail',
    'fail-with-code',
    'fail-later',
    'throw',
    'reject',
  ]),
  shutdown: durationMs().default(30_000),
});

const config = loadConfig({ service: 'fixture', schema });
if (!config.ok) {
  refuseConfig(config.problems);
} else {
  const { mode, shutdown } = config.value;
  const log = createLog({ name: 'fixture' });
  await runService({ name: 'fixture', log, shutdownMs: shutdown, start: () => start(mode) });
}

async function start(mode: z.output<typeof schema>['mode']): Promise<RunningService> {
  if (mode === 'fail') throw new Error('no start', { cause: new Error('the cause') });
  if (mode === 'leak' || mode === 'fail-with-code') createServer().listen(0);
  if (mode === 'fail-with-code') throw Object.assign(new Error('no start'), { exitCode: 3 });
  if (mode === 'throw') setTimeout(() => fail('thrown'), 10);
  if (mode === 'reject') void Promise.reject(new Error('rejected'));
  const server = await startHealthServer({
    host: '127.0.0.1',
    port: 0,
    checks: {},
    metrics: createMetrics(),
  });
  const later = new Promise<void>((_, reject) => {
    if (mode === 'fail-later') setTimeout(() => reject(new Error('lost')), 10);
  });
  return {
    ended: later,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      if (mode === 'hang') setInterval(() => undefined, 1000);
      if (mode === 'hang' || mode === 'hang-idle') await new Promise(() => undefined);
    },
  };
}

function fail(message: string): never {
  throw new Error(message);
}
