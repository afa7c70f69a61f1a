import { mkdtempSync, rmSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

import { afterAll } from 'vitest';

/** A folder of this test file's own, removed after its last test. */
export function ownFolder(): (name?: string) => string {
  const root = mkdtempSync(join(tmpdir(), 'leastwise-integration-'));
  afterAll(() => {
    rmSync(root, { recursive: true, force: true });
  });
  let count = 0;
  return (name = 'folder') => {
    count += 1;
    return join(root, `${count}`, name);
  };
}

/** Writes a file, its folder made if need be, and returns its path. */
export async function written(path: string, content: string | Uint8Array): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true, recursive: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !/^(?:\.leastwise|\.git)\//.test(path))
    .sort();
}

/** Somebody may be writing while we look. */
function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** Every file below a folder by its path, but for state and `.git`. */
export async function treeOf(root: string): Promise<Record<string, string>> {
  const tree: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const path of await filesBelow(root)) {
    const content = await readFile(join(root, path), 'utf8').catch(unlessGone);
    if (content !== undefined) tree[path] = content;
  }
  return tree;
}

/** Copies every file below a folder. */
export async function copied(from: string, to: string): Promise<void> {
  for (const path of await filesBelow(from)) {
    await mkdir(dirname(join(to, path)), { recursive: true });
    await copyFile(join(from, path), join(to, path));
  }
}

/** By which one sees whether a file was written again, even with the same bytes. */
export async function tracesOf(root: string): Promise<string[]> {
  const traces: string[] = [];
  for (const path of await filesBelow(root)) {
    const { ino, mtimeNs, ctimeNs, mode } = await stat(join(root, path), { bigint: true });
    traces.push(`${path} ${ino} ${mtimeNs} ${ctimeNs} ${mode}`);
  }
  return traces;
}

/** Waits until something is so, looking often. @throws Error after 20 seconds */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`still not so: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
