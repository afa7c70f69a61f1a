import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect } from 'vitest';

import { openEmbeddedStore } from '../embedded-store.ts';
import type { SubjectStore } from '../types.ts';
import { applyNext } from './requests.ts';

/** The identity key of states that tests compare byte by byte. */
export const KEY = '00112233445566ff';

/** A folder of a test's own, with a way to be rid of it. */
export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'leastwise-state-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** A new folder for each test of a file, and a place in it for a state. */
export function useFolder(): { path: string; dir: string } {
  const folder = { path: '', dir: '' };
  let remove = (): Promise<void> => Promise.resolve();
  beforeEach(async () => {
    ({ path: folder.path, remove } = await temporaryFolder());
    folder.dir = join(folder.path, 'a/state');
  });
  afterEach(() => remove());
  return folder;
}

/** What a crash at this moment would leave of a folder, as `to`: all files, but nobody holds the lock. */
export async function copyAsAfterCrash(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const file of await readdir(from)) {
    if (!file.startsWith('lock-')) await copyFile(join(from, file), join(to, file));
  }
}

/** Applies the next batches of the endless log. */
export async function applyBatches(store: SubjectStore, count: number): Promise<void> {
  const claim = await store.claim('log');
  const from = Number(claim.position);
  for (let n = from; n < from + count; n += 1) expect(await applyNext(store, claim, n)).toBe('applied');
}

/** A state on disk with so many batches more, and nobody who has it open. */
export async function saved(batches: number, dir: string): Promise<void> {
  await using store = await openEmbeddedStore({ dir, identityKey: KEY });
  await applyBatches(store, batches);
}

/** The names and bytes of all files of a folder. */
export async function contentsOf(dir: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const file of (await readdir(dir)).sort()) {
    files.set(file, (await readFile(join(dir, file))).toString('base64'));
  }
  return files;
}

/** The locks of a folder. */
export async function locksOf(dir: string): Promise<string[]> {
  return (await readdir(dir)).filter((name) => name.startsWith('lock-'));
}
