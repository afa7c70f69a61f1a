import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { Redis } from 'ioredis';

import { hashesOn } from './redis-state.ts';

const READY = /ready to accept connections/i;

/** What a Redis has that starts on a folder: it is started for the question, and killed. */
export async function stateAfterStart(
  dir: string,
  prefix: string,
): Promise<Map<string, Map<string, Buffer>>> {
  const path = join(dir, 'socket');
  const files = ['--dir', dir, '--appendonly', 'yes', '--save', ''];
  const binary = process.env['REDIS_SERVER_BIN'] ?? 'redis-server';
  const child = spawn(binary, ['--port', '0', '--unixsocket', path, ...files], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit');
  const end = (): boolean => child.kill('SIGKILL');
  // A run that is broken off leaves nothing behind.
  process.once('exit', end);
  try {
    let said = '';
    for await (const chunk of child.stdout) {
      said += String(chunk);
      if (READY.test(said)) break;
    }
    if (!READY.test(said)) throw new Error(`Redis did not start:\n${said}`);
    const redis = new Redis(path, { enableReadyCheck: false });
    try {
      return await hashesOn(redis, prefix);
    } finally {
      redis.disconnect();
    }
  } finally {
    end();
    await ended;
    process.off('exit', end);
  }
}
