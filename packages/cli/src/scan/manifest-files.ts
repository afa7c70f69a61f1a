import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';

import { CliError, messageOf } from '../exit.ts';

/** A file's text, and what it is called in reports. */
export interface ManifestFile {
  /** Relative to the working directory where it is below it, with slashes; `stdin` for standard input. */
  readonly name: string;
  readonly text: string;
}

const MANIFEST = /\.(?:ya?ml|json)$/i;
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

/** How reports call a file: they are read elsewhere, so not by where this machine has it. */
function nameOf(path: string): string {
  const inside = relative(process.cwd(), resolve(path));
  const isOutside = inside.startsWith('..') || isAbsolute(inside);
  return (isOutside ? path : inside).split(sep).join('/');
}

function tooLarge(name: string): CliError {
  return new CliError(`${name}: larger than ${String(MAX_MANIFEST_BYTES)} bytes`);
}

async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    const buffer = Buffer.from(chunk as Uint8Array);
    bytes += buffer.length;
    if (bytes > MAX_MANIFEST_BYTES) throw tooLarge('stdin');
    chunks.push(buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function readOne(path: string): Promise<ManifestFile> {
  const name = nameOf(path);
  if ((await told(path, stat(path))).size > MAX_MANIFEST_BYTES) throw tooLarge(name);
  return { name, text: await told(path, readFile(path, 'utf8')) };
}

/**
 * Reads files, folders (`.yaml`, `.yml`, `.json`, recursively; hidden ones are passed over) and `-` for standard input,
 * each file once, in the order in which they are named.
 * @throws CliError where a path does not exist, cannot be read, is too large, or is a folder without any manifest: a
 *   gate that looks at nothing must not pass
 */
export async function readManifestFiles(paths: readonly string[], stdin: Readable): Promise<ManifestFile[]> {
  const files = new Map<string, ManifestFile>();
  for (const path of new Set(paths)) {
    if (path === '-') {
      files.set('-', { name: 'stdin', text: await readAll(stdin) });
      continue;
    }
    const found = await manifestsBelow(path);
    if (found.length === 0) throw new CliError(`${path}: no .yaml, .yml or .json file below it`);
    for (const file of found) {
      const key = resolve(file);
      if (!files.has(key)) files.set(key, await readOne(file));
    }
  }
  return [...files.values()];
}
