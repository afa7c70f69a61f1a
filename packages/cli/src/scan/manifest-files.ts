import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';

import { CliError } from '../exit.ts';
import { manifestsBelow, told } from '../manifest-paths.ts';

/** A file's text, and what it is called in reports. */
export interface ManifestFile {
  /** Relative to the working directory where it is below it, with slashes; `stdin` for standard input. */
  readonly name: string;
  readonly text: string;
}

const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

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
