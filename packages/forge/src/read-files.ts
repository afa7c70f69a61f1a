import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { codeOf, isAbsent } from './fs-error.ts';
import { isTemporary } from './write-file.ts';

/**
 * Reads the regular files below a folder, as UTF-8, into a map by path relative to the root. Symbolic links are
 * not followed, git's own folders not entered, what vanishes meanwhile is left out.
 * @param folder - relative to the root; `''` for the root itself.
 */
export async function readFilesBelow(root: string, folder: string, into: Map<string, string>): Promise<void> {
  for (const entry of await entriesOf(join(root, folder))) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory() && entry.name !== '.git') await readFilesBelow(root, path, into);
    if (!entry.isFile() || isTemporary(entry.name)) continue;
    const content = await readRegularFile(join(root, path));
    if (content !== undefined) into.set(path, content);
  }
}

/** Reads a file as UTF-8, its byte order mark included; `undefined` where there is none, or a symbolic link. */
export async function readRegularFile(absolute: string): Promise<string | undefined> {
  try {
    await using file = await open(absolute, constants.O_RDONLY | constants.O_NOFOLLOW);
    return await file.readFile('utf8');
  } catch (error) {
    if (isAbsent(error) || codeOf(error) === 'ELOOP') return undefined;
    throw error;
  }
}

async function entriesOf(absolute: string): Promise<Awaited<ReturnType<typeof listFolder>>> {
  try {
    return await listFolder(absolute);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

function listFolder(absolute: string) {
  return readdir(absolute, { withFileTypes: true });
}
