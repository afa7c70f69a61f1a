import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of a test's own, with a way to be rid of it. */
export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'leastwise-state-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** What a crash at this moment would leave of a folder, as `to`: all files, but nobody holds the lock. */
export async function copyAsAfterCrash(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, preserveTimestamps: true });
  for (const file of await readdir(to)) if (file.startsWith('lock-')) await rm(join(to, file));
}
