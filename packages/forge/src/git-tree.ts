import type { Files } from '@leastwise/publish';
import { PublishError } from '@leastwise/publish';

import { runGit, splitNul, tryGit } from './git.ts';

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
  const listed = splitNul(await runGit(root, ['ls-tree', '-r', '-z', commit, '--', ...folders]));
  const files = listed.flatMap((record) => {
    const [, mode, oid, path] = /^(\d+) \S+ (\S+)\t(.*)$/s.exec(record) ?? [];
    if (mode === undefined || oid === undefined || path === undefined) return [];
    if (!mode.startsWith('100') || !isBelow(path, folders)) return [];
    return [{ oid, path }];
  });
  const contents = await readBlobs(root, [...new Set(files.map(({ oid }) => oid))]);
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return new Map(files.map(({ oid, path }) => [path, contents.get(oid) ?? '']));
}

async function headCommit(root: string): Promise<string> {
  const head = await tryGit(root, ['rev-parse', '--quiet', '--verify', 'HEAD^{commit}']);
  return head.exitCode === 0 ? head.stdout.toString('utf8').trim() : '';
}

function isBelow(path: string, folders: readonly string[]): boolean {
  return folders.length === 0 || folders.some((folder) => path.startsWith(`${folder}/`));
}

/** Reads objects in one process: each comes as `<oid> blob <bytes>`, its content and a newline. */
async function readBlobs(root: string, oids: readonly string[]): Promise<Map<string, string>> {
  const contents = new Map<string, string>();
  if (oids.length === 0) return contents;
  const output = await runGit(root, ['cat-file', '--batch'], {
    input: oids.map((oid) => `${oid}\n`).join(''),
  });
  let at = 0;
  for (const oid of oids) {
    const lineEnd = output.indexOf(0x0a, at);
    const header = output.toString('latin1', at, lineEnd);
    const size = Number(/ blob (\d+)$/.exec(header)?.[1]);
    if (!Number.isSafeInteger(size)) throw new PublishError(`git has lost object ${oid}: ${header}`);
    contents.set(oid, output.toString('utf8', lineEnd + 1, lineEnd + 1 + size));
    at = lineEnd + 1 + size + 1;
  }
  return contents;
}
