import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { checkPath, PublishError } from '@leastwise/publish';
import type { BranchCommit, PlannedChange } from '@leastwise/publish';

import { isRegular, readObjects } from '../git-tree.ts';
import { splitNul } from '../git.ts';
import type { Git } from '../git.ts';
import { WORKING } from './mirror.ts';
import { parseCommit, sealMessage } from './seal.ts';

/** Who commits, and with which signature. */
export interface Committer {
  /** As git writes it: `Name <address>`. */
  readonly ident: string;
  readonly signingKeyFile: string | undefined;
}

/** What a working folder is needed for. */
interface Workshop {
  readonly git: Git;
  /** A temporary folder. */
  readonly folder: string;
}

/** 2000-01-01T00:00:00Z: the date of a repository's first commit, which has no parent to take one from. */
const FIRST_COMMIT_SECONDS = 946_684_800;

/**
 * Makes the commit in the repository, in an index of its own and without a work tree. Its dates are the parent's, so
 * that the same changes with the same message by the same committer are the same commit. A file keeps its mode.
 * @throws PublishError for a refused path, a file where a folder is needed or the other way round, anything but a
 *   regular file in the way, or where nothing would change
 */
export async function buildCommit(
  git: Git,
  folder: string,
  commit: Pick<BranchCommit, 'parent' | 'changes' | 'message'>,
  committer: Committer,
): Promise<string> {
  for (const { path } of commit.changes) checkPath(path);
  if (commit.message.includes('\0')) throw new PublishError('a commit message cannot hold a NUL');
  const work = await mkdtemp(join(folder, WORKING));
  try {
    const tree = await writeTree({ git, folder: work }, commit.parent, commit.changes);
    return await writeCommit(git, { tree, parent: commit.parent, message: commit.message }, committer);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * The committer as git writes it, which drops what would break the line.
 * @throws PublishError where git can make nothing of it
 */
export async function identOf(
  git: Git,
  author: { readonly name: string; readonly email: string },
): Promise<string> {
  const env = { GIT_AUTHOR_NAME: author.name, GIT_AUTHOR_EMAIL: author.email, GIT_AUTHOR_DATE: '@0 +0000' };
  const line = (await git.run(['var', 'GIT_AUTHOR_IDENT'], { env })).toString('utf8').trimEnd();
  return line.slice(0, -' 0 +0000'.length);
}

async function writeTree(
  { git, folder }: Workshop,
  parent: string | undefined,
  changes: readonly PlannedChange[],
): Promise<string> {
  const env = { GIT_INDEX_FILE: join(folder, 'index') };
  await git.run(['read-tree', parent ?? '--empty'], { env });
  const writeIndex = async (): Promise<string> =>
    // Files that were not fetched are in the tree all the same.
    (await git.run(['write-tree', '--missing-ok'], { env })).toString('latin1').trim();
  const before = await writeIndex();

  const modes = await readModes(git, env);
  refuseObstacles(modes, changes);
  const written = changes.filter((change) => change.action === 'write');
  const oids = await writeBlobs({ git, folder }, written);
  const deleted = changes.filter(({ action }) => action === 'delete');
  const nothing = '0'.repeat(before.length);
  const input = [
    ...deleted.map(({ path }) => `0 ${nothing}\t${path}\0`),
    ...written.map(({ path }, at) => `${modes.get(path) ?? '100644'} ${oids[at] ?? ''}\t${path}\0`),
  ].join('');
  await git.run(['update-index', '-z', '--index-info'], { env, input });
  const after = await writeIndex();
  if (after === before) throw new PublishError('the commit would change nothing');
  return after;
}

async function readModes(git: Git, env: Readonly<Record<string, string>>): Promise<Map<string, string>> {
  const records = splitNul(await git.run(['ls-files', '--stage', '-z'], { env }));
  return new Map(
    records.map((record) => [record.slice(record.indexOf('\t') + 1), record.slice(0, record.indexOf(' '))]),
  );
}

/** Makes sure that each written path is free, a regular file, or becomes free by the deletions. */
function refuseObstacles(modes: ReadonlyMap<string, string>, changes: readonly PlannedChange[]): void {
  for (const { path } of changes) {
    const mode = modes.get(path) ?? '100644';
    if (!isRegular(mode)) throw inTheWay(path, 'a symbolic link or a submodule');
  }
  const after = new Set(modes.keys());
  for (const change of changes) if (change.action === 'delete') after.delete(change.path);
  const written = new Set(changes.filter(({ action }) => action === 'write').map(({ path }) => path));
  for (const path of written) after.add(path);
  for (const path of after) {
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      const above = path.slice(0, at);
      if (after.has(above)) throw inTheWay(above, `no folder, as ${JSON.stringify(path)} needs one`);
    }
  }
}

function inTheWay(path: string, what: string): PublishError {
  return new PublishError(`${JSON.stringify(path)} is ${what}`);
}

/** Stores the contents, all in one process: it takes them from files. */
async function writeBlobs(
  { git, folder }: Workshop,
  written: readonly Extract<PlannedChange, { action: 'write' }>[],
): Promise<string[]> {
  if (written.length === 0) return [];
  const files = written.map((_, at) => join(folder, String(at)));
  for (const [at, { content }] of written.entries()) await writeFile(files[at] ?? '', content);
  const input = files.map((file) => `${JSON.stringify(file)}\n`).join('');
  const oids = await git.run(['hash-object', '-w', '--no-filters', '--stdin-paths'], { input });
  return oids.toString('latin1').trim().split('\n');
}

async function writeCommit(
  git: Git,
  commit: { readonly tree: string; readonly parent: string | undefined; readonly message: string },
  { ident, signingKeyFile }: Committer,
): Promise<string> {
  const date = `${String(await dateOf(git, commit.parent))} +0000`;
  const parents = commit.parent === undefined ? [] : [commit.parent];
  const headers = [
    `tree ${commit.tree}\n`,
    ...parents.map((parent) => `parent ${parent}\n`),
    `author ${ident} ${date}\n`,
    `committer ${ident} ${date}\n`,
  ].join('');
  const [, name = '', email = ''] = /^(.*) <(.*)>$/.exec(ident) ?? [];
  const env = {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: `@${date}`,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
    GIT_COMMITTER_DATE: `@${date}`,
  };
  const isSigned = signingKeyFile !== undefined;
  const settings = isSigned ? ['gpg.format=ssh', `user.signingKey=${resolve(signingKeyFile)}`] : [];
  const args = ['commit-tree', ...(isSigned ? ['-S'] : []), ...parents.flatMap((parent) => ['-p', parent])];
  const input = sealMessage(headers, commit.message);
  const created = await git.run([...args, '-F', '-', commit.tree], { input, env, settings });
  return created.toString('latin1').trim();
}

async function dateOf(git: Git, parent: string | undefined): Promise<number> {
  if (parent === undefined) return FIRST_COMMIT_SECONDS;
  const raw = (await readObjects(git, 'commit', new Set([parent]))).get(parent);
  const seconds = raw === undefined ? undefined : parseCommit(raw).committedSeconds;
  return seconds ?? FIRST_COMMIT_SECONDS;
}
