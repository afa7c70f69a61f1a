import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { parseManifests, type RbacObject } from '@leastwise/rbac';

import { CliError, messageOf } from './exit.ts';

/** RBAC objects read from files, with what could not be read. */
export interface RbacFiles {
  readonly objects: readonly RbacObject[];
  readonly files: number;
  /** `file:line: reason`, for people. */
  readonly problems: readonly string[];
}

const MANIFEST = /\.(ya?ml|json)$/i;
const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

/** Waits for what is read of a path; what fails is the user's to know, not a bug. @throws CliError */
async function told<T>(path: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    throw new CliError(`${path}: ${messageOf(error)}`);
  }
}

async function manifestsBelow(path: string): Promise<string[]> {
  const info = await told(path, stat(path));
  if (!info.isDirectory()) return [path];
  const entries = await told(path, readdir(path, { withFileTypes: true }));
  const found: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.')) continue;
    const below = join(path, entry.name);
    if (entry.isDirectory()) found.push(...(await manifestsBelow(below)));
    else if (entry.isFile() && MANIFEST.test(entry.name)) found.push(below);
  }
  return found;
}

/**
 * Reads the RBAC objects of files and folders (`.yaml`, `.yml`, `.json`, recursively; hidden ones are
 * passed over). Other kinds of objects are ignored; what cannot be read is a problem, never silence.
 * @throws CliError where a path does not exist or cannot be read.
 */
export async function readRbacFiles(paths: readonly string[]): Promise<RbacFiles> {
  const objects: RbacObject[] = [];
  const problems: string[] = [];
  let files = 0;
  for (const path of paths) {
    for (const file of await manifestsBelow(path)) {
      const { size } = await told(file, stat(file));
      if (size > MAX_MANIFEST_BYTES) {
        problems.push(`${file}: larger than ${String(MAX_MANIFEST_BYTES)} bytes`);
        continue;
      }
      files += 1;
      const parsed = parseManifests(await told(file, readFile(file, 'utf8')), file);
      for (const object of parsed.objects) objects.push(object);
      for (const { line, reason } of parsed.problems) problems.push(`${file}:${String(line)}: ${reason}`);
    }
  }
  return { objects, files, problems };
}
