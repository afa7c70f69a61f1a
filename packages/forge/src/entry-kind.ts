import { lstat } from 'node:fs/promises';
import { join } from 'node:path';

import { PublishError } from '@leastwise/publish';

import { isAbsent } from './fs-error.ts';

/** What stands at a path itself, links not followed. */
export type EntryKind = 'absent' | 'file' | 'folder' | 'other';

/** Tells what stands at an absolute path. A symbolic link, a device, a socket or a pipe is `other`. */
export async function entryKind(absolute: string): Promise<EntryKind> {
  try {
    const stats = await lstat(absolute);
    if (stats.isFile()) return 'file';
    return stats.isDirectory() ? 'folder' : 'other';
  } catch (error) {
    if (isAbsent(error)) return 'absent';
    throw error;
  }
}

/**
 * Tells what stands at a path below a root, having made sure that no symbolic link leads there: neither the
 * entry itself nor any folder on the way may be anything but a regular file or a folder.
 * @param path - checked: relative, without `..`.
 * @throws PublishError naming the entry in the way.
 */
export async function kindBelow(root: string, path: string): Promise<EntryKind> {
  let at = root;
  let kind: EntryKind = 'folder';
  for (const segment of path.split('/')) {
    if (kind !== 'folder') return 'absent';
    at = join(at, segment);
    kind = await entryKind(at);
    if (kind === 'other') {
      throw new PublishError(`${JSON.stringify(at)} is a symbolic link or special file: not written through`);
    }
  }
  return kind;
}
