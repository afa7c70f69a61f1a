import { randomBytes } from 'node:crypto';
import { open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { isAbsent } from './fs-error.ts';

const TEMPORARY = /^\.leastwise-[0-9a-f]{16}\.tmp$/;

/** Whether a file is one that {@link writeFileAtomically} was writing when it was killed. */
export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name);
}

/**
 * Writes a file so that, whatever happens, a reader finds the old content or the new one, whole. A file that was
 * there keeps its permission bits. The entry lasts after {@link syncFolder} on its folder.
 */
export async function writeFileAtomically(absolute: string, content: string): Promise<void> {
  const temporary = join(dirname(absolute), `.leastwise-${randomBytes(8).toString('hex')}.tmp`);
  const mode = await modeOf(absolute);
  try {
    await using file = await open(temporary, 'wx', mode ?? 0o666);
    // What a file was given by hand may be wider than what the umask leaves of it.
    if (mode !== undefined) await file.chmod(mode);
    await file.writeFile(content);
    await file.sync();
    await rename(temporary, absolute);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}

/** Makes the entries of a folder last. Where folders cannot be synced (Windows) it does nothing. */
export async function syncFolder(absolute: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using folder = await open(absolute, 'r');
  await folder.sync();
}

/** Removes what a killed run left half written in a folder. */
export async function removeTemporaries(absolute: string): Promise<void> {
  for (const name of (await readdir(absolute)).filter(isTemporary)) await unlink(join(absolute, name));
}

async function modeOf(absolute: string): Promise<number | undefined> {
  try {
    return (await stat(absolute)).mode & 0o777;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
