import { mkdir, realpath, rmdir, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { checkPath, PublishError } from '@leastwise/publish';
import type { Files, Forge, Plan } from '@leastwise/publish';

import { entryKind, kindBelow } from './entry-kind.ts';
import { codeOf, isAbsent } from './fs-error.ts';
import { readFilesBelow } from './read-files.ts';
import { removeTemporaries, syncFolder, writeFileAtomically } from './write-file.ts';

/**
 * Opens a plain directory as a repository without commits; it is made when it is first written to.
 *
 * Reads regular files only and never through symbolic links, `.git` folders left out. Each file is written whole
 * or not at all; a plan as a whole is not atomic: what a crash leaves out, the next run finds different and
 * writes. Folders that a deletion empties are removed. Nothing is written or deleted through a symbolic link, and
 * all paths are looked at before the first is touched.
 * @param root - may itself be a symbolic link to a directory.
 * @throws PublishError if the root is something else than a directory.
 */
export async function openDirectoryForge(root: string): Promise<Forge> {
  const absolute = await resolveRoot(root);
  return {
    read: (folders) => failAsPublishError(() => readFolders(absolute, folders)),
    apply: (plan) =>
      failAsPublishError(async () => {
        await applyToDirectory(absolute, plan);
        return undefined;
      }),
  };
}

/**
 * Carries a plan out in a directory: deletions first, so that a file may take a folder's place and the other
 * way round.
 * @param root - absolute, links resolved.
 * @throws PublishError for a refused path, or anything but a file or folder in the way.
 */
export async function applyToDirectory(root: string, plan: Plan): Promise<void> {
  for (const { path } of plan.changes) {
    checkPath(path);
    await kindBelow(root, path);
  }
  for (const change of plan.changes) if (change.action === 'delete') await deleteFile(root, change.path);
  const written = new Set<string>();
  for (const change of plan.changes) {
    if (change.action === 'delete') continue;
    const folder = dirname(join(root, change.path));
    if (!written.has(folder)) await prepareFolder(folder);
    written.add(folder);
    await writeBelow(root, change.path, change.content);
  }
  for (const folder of withParents(root, written)) await syncFolder(folder);
}

async function resolveRoot(root: string): Promise<string> {
  try {
    const absolute = await realpath(root);
    if ((await entryKind(absolute)) === 'folder') return absolute;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return resolve(root);
    throw new PublishError(`cannot open ${JSON.stringify(root)}`, { cause: error });
  }
  throw new PublishError(`${JSON.stringify(root)} is not a directory`);
}

async function readFolders(root: string, folders: readonly string[]): Promise<Files> {
  const found = new Map<string, string>();
  if (folders.length === 0) await readFilesBelow(root, '', found);
  for (const folder of folders) {
    checkPath(folder);
    if ((await kindBelow(root, folder)) === 'folder') await readFilesBelow(root, folder, found);
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function prepareFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await removeTemporaries(folder);
}

/** The folders and those above them up to the root: a new folder is itself an entry that has to last. */
function withParents(root: string, folders: Iterable<string>): Set<string> {
  const all = new Set<string>();
  for (const folder of folders) {
    for (let at = folder; !all.has(at); at = at === root ? at : dirname(at)) all.add(at);
  }
  return all;
}

async function writeBelow(root: string, path: string, content: string): Promise<void> {
  // Looked at again, as late as possible: a link may have been put there since.
  const kind = await kindBelow(root, path);
  if (kind === 'folder') throw new PublishError(`${JSON.stringify(path)} is a folder, not a file`);
  await writeFileAtomically(join(root, path), content);
}

async function deleteFile(root: string, path: string): Promise<void> {
  const kind = await kindBelow(root, path);
  if (kind === 'absent') return;
  if (kind === 'folder') throw new PublishError(`${JSON.stringify(path)} is a folder, not a file`);
  await unlink(join(root, path));
  for (let folder = dirname(join(root, path)); folder !== root; folder = dirname(folder)) {
    await removeTemporaries(folder);
    if (!(await removeIfEmpty(folder))) return;
  }
}

async function removeIfEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST'].includes(codeOf(error)) || isAbsent(error)) return false;
    throw error;
  }
}

/** Runs a step of a forge; a system's error becomes a PublishError that keeps it as its cause. */
export async function failAsPublishError<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof PublishError || codeOf(error) === '') throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new PublishError(`the repository cannot be used: ${message}`, { cause: error });
  }
}
