import type { Stats } from 'node:fs';
import { access, constants, readdir, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { SourceError } from '@leastwise/source';
import { glob, isDynamicPattern } from 'tinyglobby';
import { messageOf } from './raw-bytes.ts';

/** One thing to read, as it was found when the source was opened. */
export type Input =
  | { readonly kind: 'file'; readonly path: string; readonly size: number }
  /** A named pipe or a device: read once, and nobody knows how long it is. */
  | { readonly kind: 'pipe'; readonly path: string }
  | { readonly kind: 'stdin' }
  | { readonly kind: 'url'; readonly url: URL };

/**
 * What the arguments of `-f` name, in the order of the arguments; what a directory or a glob names is sorted by
 * code units. A file that is named twice (also through links) is read once.
 *
 * A path that exists is that file, whatever characters it has; else a pattern is a glob. Directories are
 * searched recursively for regular files; names that begin with a dot are skipped, linked directories not
 * entered.
 *
 * @throws SourceError naming everything that is wrong, one a line.
 */
export async function expandInputs(inputs: readonly string[]): Promise<readonly Input[]> {
  const problems: string[] = [];
  const found: Input[] = [];
  const seen = new Set<string>();
  if (inputs.length === 0) problems.push('no input was given');
  for (const input of inputs) {
    try {
      for (const one of await expandOne(input)) {
        if (seen.has(one.key)) {
          if (one.input.kind === 'stdin')
            problems.push('standard input (-) is named twice: it can be read once');
          continue;
        }
        seen.add(one.key);
        found.push(one.input);
      }
    } catch (cause) {
      if (!(cause instanceof Problems)) throw cause;
      problems.push(...cause.list);
    }
  }
  if (problems.length > 0) throw new SourceError(problems.join('\n'));
  return found;
}

interface Found {
  /** Equal for equal things, whatever they are called. */
  readonly key: string;
  readonly input: Input;
}

class Problems extends Error {
  override readonly name = 'Problems';
  readonly list: readonly string[];
  constructor(list: readonly string[]) {
    super(list.join('\n'));
    this.list = list;
  }
}

async function expandOne(input: string): Promise<readonly Found[]> {
  if (input === '-') return [{ key: '-', input: { kind: 'stdin' } }];
  if (/^https?:/i.test(input)) return [urlInput(input)];
  const stats = await statIfThere(input);
  if (stats?.isDirectory() === true)
    return named(await filesUnder(input), `${input}: the directory holds no files`);
  if (stats !== undefined) return named([input], '');
  if (!isDynamicPattern(input)) throw new Problems([`${input}: no such file`]);
  const matches = await glob(input, { absolute: isAbsolute(input), expandDirectories: false });
  return named(matches, `${input}: no file matches`);
}

function urlInput(input: string): Found {
  if (!URL.canParse(input)) throw new Problems([`${input}: not a URL`]);
  const url = new URL(input);
  return { key: url.href, input: { kind: 'url', url } };
}

async function named(paths: readonly string[], nothing: string): Promise<readonly Found[]> {
  if (paths.length === 0) throw new Problems([nothing]);
  const found: Found[] = [];
  const problems: string[] = [];
  for (const path of [...paths].sort()) {
    try {
      found.push(await fileInput(path));
    } catch (cause) {
      problems.push(`${path}: ${messageOf(cause)}`);
    }
  }
  if (problems.length > 0) throw new Problems(problems);
  return found;
}

async function fileInput(path: string): Promise<Found> {
  const stats = await stat(path);
  await access(path, constants.R_OK);
  const key = `${String(stats.dev)}:${String(stats.ino)}`;
  return { key, input: stats.isFile() ? { kind: 'file', path, size: stats.size } : { kind: 'pipe', path } };
}

async function filesUnder(directory: string): Promise<string[]> {
  const files: string[] = [];
  const problems: string[] = [];
  const open = [directory];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    try {
      for (const entry of await readdir(next, { withFileTypes: true })) {
        if (entry.name.startsWith('.')) continue;
        const path = join(next, entry.name);
        if (entry.isDirectory()) open.push(path);
        else if (entry.isFile() || (entry.isSymbolicLink() && (await statIfThere(path))?.isFile() === true)) {
          files.push(path);
        }
      }
    } catch (cause) {
      problems.push(`${next}: ${messageOf(cause)}`);
    }
  }
  if (problems.length > 0) throw new Problems(problems);
  return files;
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (cause) {
    if (hasCode(cause, 'ENOENT') || hasCode(cause, 'ENOTDIR')) return undefined;
    throw new Problems([`${path}: ${messageOf(cause)}`]);
  }
}

/** Whether this is a system error of that code. */
export function hasCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === code;
}
