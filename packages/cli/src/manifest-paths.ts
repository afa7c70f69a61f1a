import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { CliError, messageOf } from './exit.ts';

const MANIFEST = /\.(?:ya?ml|json)$/i;

/** Waits for what is read of a path; what fails is the user's to know, not a bug. @throws CliError */
export async function told<T>(path: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    throw new CliError(`${path}: ${messageOf(error)}`);
  }
}

/**
 * The file of a path, or of a folder all `.yaml`, `.yml` and `.json` below it, in order; hidden ones are passed over.
 * @throws CliError where something on the way cannot be read
 */
export async function manifestsBelow(path: string): Promise<string[]> {
  if (!(await told(path, stat(path))).isDirectory()) return [path];
  const entries = await told(path, readdir(path, { withFileTypes: true }));
  const found: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.')) continue;
    const below = join(path, entry.name);
    if (entry.isDirectory()) found.push(...(await manifestsBelow(below)));
    else if (MANIFEST.test(entry.name) && (await isFile(entry, below))) found.push(below);
  }
  return found;
}

/** A link to a file counts, for kubectl applies it; one to a folder does not, so no way is endless. */
async function isFile(entry: Dirent, path: string): Promise<boolean> {
  return entry.isFile() || (entry.isSymbolicLink() && (await told(path, stat(path))).isFile());
}
