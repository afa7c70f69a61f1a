import type { Files } from '@leastwise/publish';
import { PublishError } from '@leastwise/publish';

import { gitIn, GitError, splitNul, tryGit } from './git.ts';
import type { Git } from './git.ts';

/** Where the next commit goes. */
export interface Head {
  /** Full name of the branch, `refs/heads/…`. */
  readonly branch: string;
  /** `''` on a branch without commits. */
  readonly commit: string;
}

/**
 * Finds the checked-out branch.
 * @throws PublishError when no branch is checked out, or a merge is under way.
 */
export async function findHead(root: string): Promise<Head> {
  const branch = await tryGit(root, ['symbolic-ref', '--quiet', 'HEAD']);
  if (branch.exitCode !== 0) {
    throw new PublishError(`no branch is checked out in ${JSON.stringify(root)} (detached HEAD)`);
  }
  const merging = await tryGit(root, ['rev-parse', '--quiet', '--verify', 'MERGE_HEAD']);
  if (merging.exitCode === 0) throw new PublishError(`a merge is under way in ${JSON.stringify(root)}`);
  return { branch: branch.stdout.toString('utf8').trim(), commit: await headCommit(root) };
}

/** The regular files of the checked-out commit below the folders (all when none is given), in the order of their paths. */
export async function readTree(root: string, folders: readonly string[]): Promise<Files> {
  const commit = await headCommit(root);
  if (commit === '') return new Map();
  const git = gitIn(root);
  const files = (await listFiles(git, commit, folders)).filter(({ path }) => isBelow(path, folders));
  return readFiles(git, files);
}

/** A regular file of a commit. */
export interface TreeFile {
  readonly oid: string;
  readonly path: string;
}

/**
 * The regular files of a commit at or below the given paths (all when none is given), in the order of their paths.
 * Symbolic links and submodules are left out.
 */
export async function listFiles(git: Git, commit: string, paths: readonly string[]): Promise<TreeFile[]> {
  const records = splitNul(await git.run(['ls-tree', '-r', '-z', commit, '--', ...paths]));
  const files = records.flatMap((record) => {
    const [, mode, oid, path] = /^(\d+) \S+ (\S+)\t(.*)$/s.exec(record) ?? [];
    if (mode === undefined || oid === undefined || path === undefined) return [];
    return isRegular(mode) ? [{ oid, path }] : [];
  });
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Whether git's mode of an entry says that it is a file: no link, no submodule. */
export function isRegular(mode: string): boolean {
  return mode.startsWith('100');
}

/** The contents of files, in their order. @throws GitError where the repository lacks one */
export async function readFiles(git: Git, files: readonly TreeFile[]): Promise<Files> {
  const contents = await readObjects(git, 'blob', new Set(files.map(({ oid }) => oid)));
  return new Map(files.map(({ oid, path }) => [path, contents.get(oid)?.toString('utf8') ?? '']));
}

async function headCommit(root: string): Promise<string> {
  const head = await tryGit(root, ['rev-parse', '--quiet', '--verify', 'HEAD^{commit}']);
  return head.exitCode === 0 ? head.stdout.toString('utf8').trim() : '';
}

function isBelow(path: string, folders: readonly string[]): boolean {
  return folders.length === 0 || folders.some((folder) => path.startsWith(`${folder}/`));
}

/**
 * Reads objects in one process: each comes as `<oid> <type> <bytes>`, its content and a newline.
 * @throws GitError where one is not there, or is of another type
 */
export async function readObjects(
  git: Git,
  type: 'blob' | 'commit',
  oids: ReadonlySet<string>,
): Promise<Map<string, Buffer>> {
  const contents = new Map<string, Buffer>();
  if (oids.size === 0) return contents;
  const output = await git.run(['cat-file', '--batch'], { input: linesOf(oids) });
  let at = 0;
  for (const oid of oids) {
    const lineEnd = output.indexOf(0x0a, at);
    const header = output.toString('latin1', at, lineEnd);
    const [, found, size] = / (\S+) (\d+)$/.exec(header) ?? [];
    if (found !== type) throw new GitError(`git has lost ${type} ${oid}: ${header}`);
    const end = lineEnd + 1 + Number(size);
    contents.set(oid, output.subarray(lineEnd + 1, end));
    at = end + 1;
  }
  return contents;
}

/** Which of the objects the repository does not hold. */
export async function findMissing(git: Git, oids: ReadonlySet<string>): Promise<string[]> {
  if (oids.size === 0) return [];
  const output = await git.run(['cat-file', '--batch-check'], { input: linesOf(oids) });
  const lines = output.toString('latin1').split('\n');
  return lines.flatMap((line) => (line.endsWith(' missing') ? [line.slice(0, -' missing'.length)] : []));
}

function linesOf(oids: ReadonlySet<string>): string {
  return [...oids].map((oid) => `${oid}\n`).join('');
}
