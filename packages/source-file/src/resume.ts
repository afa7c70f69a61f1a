import { basename } from 'node:path';
import { holdsPosition } from './follow-position.ts';
import type { FollowPosition } from './follow-position.ts';
import { identityOf, packedGenerations, rotatedGenerations } from './rotation.ts';
import type { FileIdentity } from './rotation.ts';

/** How a log is taken up after a time in which nobody followed it. */
export interface Resumption {
  /** The generations that hold nothing new. */
  readonly done: readonly FileIdentity[];
  /** The file that was being read, and where reading goes on; `undefined` where it is not there any more. */
  readonly begin: { readonly inode: string; readonly offset: number } | undefined;
  /** Compressed generations that may hold something new, oldest first. */
  readonly packed: readonly string[];
}

const NS_PER_SECOND = 1_000_000_000n;

/**
 * Finds what of a log was not read before `position`, among the live file and what rotation made of it. The file
 * that was being read is known by its bytes, so it may have been renamed, or copied and truncated. Where it was compressed
 * meanwhile, all that was written since is read again from its beginning: whoever counts knows what comes twice.
 * What cannot be found is said to `warn`.
 */
export async function findUnread(
  path: string,
  position: FollowPosition,
  warn: (text: string) => void,
): Promise<Resumption> {
  const generations = await rotatedGenerations(path);
  const live = await identityOf(path);
  if (live !== undefined && (await holdsPosition(live.path, position))) {
    return { done: generations, begin: { inode: live.inode, offset: position.offset }, packed: [] };
  }
  for (const [i, generation] of [...generations.entries()].reverse()) {
    if (!(await holdsPosition(generation.path, position))) continue;
    const begin = { inode: generation.inode, offset: position.offset };
    return {
      done: generations.slice(0, i),
      begin,
      packed: await packedSince(path, generation.writtenNs, warn),
    };
  }
  const packed = await packedSince(path, position.writtenNs, warn);
  if (packed.length === 0) {
    const when = new Date(Number(position.writtenNs / 1_000_000n)).toISOString();
    warn(
      `${path}: the file that was read last, written at ${when}, is gone: neither it nor a rotated generation of it ` +
        'is there. What was written to it after that is missing; if you have it elsewhere, give it to run -f',
    );
  }
  const done = generations.filter(({ writtenNs }) => writtenNs < position.writtenNs);
  return { done, begin: undefined, packed };
}

/** Compressed generations last written at that time or later. Some tools keep whole seconds only. */
async function packedSince(
  path: string,
  sinceNs: bigint,
  warn: (text: string) => void,
): Promise<readonly string[]> {
  const readable: string[] = [];
  for (const packed of await packedGenerations(path)) {
    if (packed.writtenNs / NS_PER_SECOND < sinceNs / NS_PER_SECOND) continue;
    if (/\.(?:gz|zst)$/.test(packed.path)) readable.push(packed.path);
    else
      warn(
        `${packed.path} was written since the last run and cannot be read: unpack it and give it to run -f`,
      );
  }
  if (readable.length > 0) {
    const names = readable.map((each) => basename(each)).join(', ');
    warn(`${path} was rotated and compressed since the last run: reading ${names} again as a whole`);
  }
  return readable;
}
