import type { BigIntStats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { SourceError } from '@leastwise/source';
import { hasCode } from './inputs.ts';
import { messageOf } from './raw-bytes.ts';

/** A file as it was when it was looked at. */
export interface FileIdentity {
  readonly path: string;
  /** Device and inode: which file it is, for as long as somebody holds it open. */
  readonly inode: string;
  /**
   * With its size and last write: which file it is once it is no longer written. Renaming changes neither, and the
   * inode of a deleted file may be the next file's within a millisecond.
   */
  readonly version: string;
  /** When it was last written, in nanoseconds since the epoch. */
  readonly writtenNs: bigint;
}

/**
 * What a path names now, or undefined where it names nothing.
 * @throws SourceError where the path cannot be looked at.
 */
export async function identityOf(path: string): Promise<FileIdentity | undefined> {
  try {
    return identify(path, await stat(path, { bigint: true }));
  } catch (cause) {
    if (hasCode(cause, 'ENOENT') || hasCode(cause, 'ENOTDIR')) return undefined;
    throw new SourceError(`cannot look at ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** The identity within a result of `stat` with big integers. */
export function identify(path: string, stats: BigIntStats): FileIdentity {
  const inode = `${String(stats.dev)}:${String(stats.ino)}`;
  const version = `${inode}:${String(stats.size)}:${String(stats.mtimeNs)}`;
  return { path, inode, version, writtenNs: stats.mtimeNs };
}

/**
 * The rotated generations of a log that lie beside it, oldest first by their last write: `audit.log.1` and
 * `audit.log-20240101` (logrotate), `audit-2024-01-01T00-00-00.000.log` (the API server). Where the path is a link,
 * those beside the file that it leads to, too. The live file is none of them. Compressed ones are left out: each was a
 * plain file before, and for whoever was there then packing it under a new inode brings nothing new.
 * @throws SourceError where a folder cannot be listed: what was rotated meanwhile would be missed in silence.
 */
export async function rotatedGenerations(path: string): Promise<readonly FileIdentity[]> {
  return await generations(path, (name) => !PACKED.test(name));
}

/**
 * The compressed generations of a log, oldest first by their last write, which is the content's own where the tool
 * that packed it kept that (gzip, zstd), or else later.
 * @throws SourceError where a folder cannot be listed.
 */
export async function packedGenerations(path: string): Promise<readonly FileIdentity[]> {
  return await generations(path, (name) => PACKED.test(name));
}

const PACKED = /\.(?:gz|zst|bz2|xz)$/;

async function generations(
  path: string,
  isWanted: (name: string) => boolean,
): Promise<readonly FileIdentity[]> {
  const live = await identityOf(path);
  // A link that leads nowhere yet has nothing beside its end.
  const real = await realpath(path).catch(() => path);
  const found = new Map<string, FileIdentity>();
  for (const each of new Set([path, real])) {
    for (const name of await namesIn(dirname(each))) {
      if (!isGeneration(basename(each), name) || !isWanted(name)) continue;
      // One that is renamed at this very moment is found at the next look.
      const generation = await identityOf(join(dirname(each), name));
      if (generation !== undefined && generation.inode !== live?.inode)
        found.set(generation.inode, generation);
    }
  }
  return [...found.values()].sort((a, b) =>
    a.writtenNs < b.writtenNs ? -1 : a.writtenNs > b.writtenNs ? 1 : 0,
  );
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    if (hasCode(cause, 'ENOENT') || hasCode(cause, 'ENOTDIR')) return [];
    throw new SourceError(`cannot look for rotated logs in ${folder}: ${messageOf(cause)}`, { cause });
  }
}

function isGeneration(base: string, name: string): boolean {
  const extension = extname(base);
  const stem = base.slice(0, base.length - extension.length);
  if (name === base || !name.startsWith(stem)) return false;
  return /^[-._].*\d/.test(name.slice(stem.length));
}
