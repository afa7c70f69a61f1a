import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { parseManifests, type RbacObject } from '@leastwise/rbac';

import type { PublisherConfig } from './config.ts';

/** What exists in a cluster cannot be read: without it "granted" would be wrong, so no cycle is begun. */
export class ExistingRbacError extends Error {
  override readonly name = 'ExistingRbacError';
  readonly code = 'LW_EXISTING_RBAC';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`the RBAC that exists cannot be read: ${problems.slice(0, 3).join('; ')}`);
    this.problems = problems;
  }
}

const MANIFEST = /\.(ya?ml|json)$/i;
const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

/**
 * Reads the RBAC that exists, by cluster: files, and folders with all below them, but for what is hidden.
 * @returns `undefined` where nothing is configured
 * @throws ExistingRbacError with all that cannot be read
 */
export async function readExisting(
  rbac: PublisherConfig['rbac'],
): Promise<ReadonlyMap<string, readonly RbacObject[]> | undefined> {
  const existing = new Map<string, readonly RbacObject[]>();
  const problems: string[] = [];
  for (const [cluster, paths] of Object.entries(rbac)) {
    const objects: RbacObject[] = [];
    for (const path of paths) objects.push(...(await readBelow(path, problems)));
    existing.set(cluster, objects);
  }
  if (problems.length > 0) throw new ExistingRbacError(problems);
  return existing.size === 0 ? undefined : existing;
}

async function readBelow(path: string, problems: string[]): Promise<readonly RbacObject[]> {
  try {
    if ((await stat(path)).isDirectory()) {
      const objects: RbacObject[] = [];
      for (const below of await entriesOf(path)) objects.push(...(await readBelow(below, problems)));
      return objects;
    }
    return await readManifest(path, problems);
  } catch (error) {
    problems.push(error instanceof Error ? error.message : `${path}: ${String(error)}`);
    return [];
  }
}

async function entriesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return (
    entries
      .filter(({ name }) => !name.startsWith('.'))
      // The files of a ConfigMap are links.
      .filter(
        (entry) =>
          entry.isDirectory() || ((entry.isFile() || entry.isSymbolicLink()) && MANIFEST.test(entry.name)),
      )
      .map(({ name }) => join(folder, name))
      .sort()
  );
}

async function readManifest(file: string, problems: string[]): Promise<readonly RbacObject[]> {
  if ((await stat(file)).size > MAX_MANIFEST_BYTES) {
    problems.push(`${file}: larger than ${MAX_MANIFEST_BYTES} bytes`);
    return [];
  }
  const parsed = parseManifests(await readFile(file, 'utf8'), file);
  problems.push(...parsed.problems.map(({ line, reason }) => `${file}:${line}: ${reason}`));
  return parsed.objects;
}
