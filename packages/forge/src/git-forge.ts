import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { checkPath, PublishError } from '@leastwise/publish';
import type { Forge, Plan } from '@leastwise/publish';

import { applyToDirectory, failAsPublishError } from './directory-forge.ts';
import { findHead, readTree } from './git-tree.ts';
import type { Head } from './git-tree.ts';
import { runGit, tryGit } from './git.ts';
import { refuseUncommitted } from './uncommitted.ts';

/** Who commits, where the repository's own configuration does not say. */
const DEFAULT_NAME = 'Leastwise';
const DEFAULT_EMAIL = 'leastwise@localhost';

/** How a git repository is used. */
export interface GitForgeOptions {
  /** Author and committer; by default the repository's own `user.name` and `user.email`, else Leastwise. */
  readonly author?: { readonly name: string; readonly email: string };
}

/**
 * Opens the top level of a git work tree as a repository.
 *
 * Reads what is **committed** on the checked-out branch, so that a run that was killed between writing and
 * committing is made good by the next one. A plan becomes changes of the work tree and one commit of exactly the
 * changed paths; whatever else is staged, edited or untracked stays as it is. Edits of the changed files that are
 * not committed are never destroyed: the plan is refused as a whole and names them. Git runs without hooks,
 * signatures, prompts, and the machine's and the user's configuration.
 * @throws PublishError if the root is not the top level of a work tree, or git refuses it.
 */
export async function openGitForge(root: string, options: GitForgeOptions = {}): Promise<Forge> {
  const absolute = await failAsPublishError(() => realpath(root));
  if ((await findTopLevel(absolute)) !== absolute) {
    throw new PublishError(`${JSON.stringify(root)} is not the top level of a git work tree`);
  }
  return {
    read: (folders) =>
      failAsPublishError(() => {
        for (const folder of folders) checkPath(folder);
        return readTree(absolute, folders);
      }),
    apply: (plan, message) =>
      failAsPublishError(async () => {
        if (plan.changes.length === 0) return undefined;
        for (const { path } of plan.changes) checkPath(path);
        const head = await findHead(absolute);
        await refuseUncommitted(absolute, plan);
        await applyToDirectory(absolute, plan);
        return commitPlan(absolute, { plan, message, head, author: await findAuthor(absolute, options) });
      }),
  };
}

/**
 * The top level of the git work tree that a directory is in, links resolved; `undefined` where there is none.
 * @throws PublishError if git cannot be run, or refuses the repository because somebody else owns it.
 */
export async function findTopLevel(directory: string): Promise<string | undefined> {
  const result = await tryGit(directory, ['rev-parse', '--show-toplevel']);
  if (result.exitCode === 0) return realpath(result.stdout.toString('utf8').replace(/\n$/, ''));
  if (result.stderr.includes('dubious ownership')) {
    throw new PublishError(`${JSON.stringify(directory)} belongs to another user: run as its owner`);
  }
  return undefined;
}

interface Commit {
  readonly plan: Plan;
  readonly message: string;
  readonly head: Head;
  readonly author: Readonly<Record<string, string>>;
}

/**
 * Commits the plan's paths as they are in the work tree. The commit is built in an index of its own, so that
 * nothing else that is staged can get into it; the branch moves only if it is still where it was.
 */
async function commitPlan(root: string, commit: Commit): Promise<string | undefined> {
  const { head, plan } = commit;
  const deleted = plan.changes.filter(({ action }) => action === 'delete');
  const written = plan.changes.filter(({ action }) => action === 'write');
  const paths = [...deleted, ...written].map(({ path }) => `${path}\0`).join('');
  const tree = await writeTree(root, head.commit, paths);
  await runGit(root, UPDATE_INDEX, { input: paths });
  if (tree === (await treeOf(root, head.commit))) return undefined;

  const parent = head.commit === '' ? [] : ['-p', head.commit];
  const created = await runGit(root, ['commit-tree', ...parent, '-F', '-', tree], {
    input: `${commit.message.trimEnd()}\n`,
    env: commit.author,
  });
  const oid = created.toString('utf8').trim();
  // An empty old value asks for a branch that does not exist yet.
  await runGit(root, ['update-ref', '-m', 'commit: leastwise', head.branch, oid, head.commit], {
    env: commit.author,
  });
  return oid;
}

const UPDATE_INDEX = ['update-index', '--add', '--remove', '-z', '--stdin'];

async function writeTree(root: string, commit: string, paths: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'leastwise-'));
  const env = { GIT_INDEX_FILE: join(folder, 'index') };
  try {
    await runGit(root, ['read-tree', commit === '' ? '--empty' : commit], { env });
    await runGit(root, UPDATE_INDEX, { input: paths, env });
    return (await runGit(root, ['write-tree'], { env })).toString('utf8').trim();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A branch without commits has the empty tree: nothing but deletions makes no first commit either. */
async function treeOf(root: string, commit: string): Promise<string> {
  if (commit === '') return (await runGit(root, ['mktree'])).toString('utf8').trim();
  return (await runGit(root, ['rev-parse', '--verify', `${commit}^{tree}`])).toString('utf8').trim();
}

async function findAuthor(root: string, options: GitForgeOptions): Promise<Record<string, string>> {
  const name = options.author?.name ?? ((await ownSetting(root, 'user.name')) || DEFAULT_NAME);
  const email = options.author?.email ?? ((await ownSetting(root, 'user.email')) || DEFAULT_EMAIL);
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
  };
}

async function ownSetting(root: string, key: string): Promise<string> {
  return (await tryGit(root, ['config', '--get', key])).stdout.toString('utf8').replace(/\n$/, '');
}
