import { readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

import type { RedisServer } from '@leastwise/testkit';

/** The append-only file that still grows. @throws Error where there is none */
export async function growingFile(dir: string): Promise<string> {
  const folder = join(dir, 'appendonlydir');
  const files = (await readdir(folder)).filter((each) => each.endsWith('.incr.aof'));
  // By their numbers, which get longer.
  const name = files.sort((a, b) => a.length - b.length || (a < b ? -1 : 1)).at(-1);
  if (name === undefined) throw new Error('no append-only file');
  return join(folder, name);
}

/** Kills a Redis, cuts so many bytes off what it wrote, and starts it twice, as somebody does who looks into it. */
export async function tear(redis: RedisServer, bytes: number): Promise<void> {
  await redis.kill();
  const file = await growingFile(redis.dir);
  await truncate(file, Math.max(0, (await stat(file)).size - bytes));
  await redis.restart();
  await redis.kill();
  await redis.restart();
}
