import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { checkPath, ForgeError, LeaseLostError, PublishError } from '@leastwise/publish';
import type { BranchCommit, Files, ForgeFailure, Remote, RemoteState } from '@leastwise/publish';

import { listFiles, readFiles } from '../git-tree.ts';
import { GitError } from '../git.ts';
import { checkAccess } from './access.ts';
import type { HttpsAccess, SshAccess } from './access.ts';
import { readBranches } from './branches.ts';
import { buildCommit, identOf } from './build-commit.ts';
import type { Committer } from './build-commit.ts';
import { shorten } from './failure.ts';
import { Mirror } from './mirror.ts';
import { parseRemoteUrl } from './remote-url.ts';

/** How a git repository elsewhere is used. */
export interface GitRemoteOptions {
  /**
   * `https://`, `ssh://`, `user@host:path`, `file://` or the path of a bare repository; `http://` for this machine
   * only. Without credentials in it.
   */
  readonly url: string;
  /** The branch that proposals are made for, `main` for instance. */
  readonly base: string;
  /** Author and committer; by default Leastwise. */
  readonly author?: { readonly name: string; readonly email: string };
  /**
   * A private SSH key without passphrase, which signs the commits. Of the kinds of keys only ed25519 gives the same
   * signature each time, so that the same commit asked for twice is one.
   */
  readonly signingKeyFile?: string;
  readonly https?: HttpsAccess;
  /** Needed for a remote over ssh. */
  readonly ssh?: SshAccess;
  /**
   * Where a copy of what is needed of the remote is kept between runs; it belongs to this process alone and can be
   * removed at any time when none runs. By default a temporary folder, removed at the end.
   */
  readonly folder?: string;
  /** After this time a call of git is ended; by default two minutes. */
  readonly timeoutMs?: number;
}

const DEFAULT_AUTHOR = { name: 'Leastwise', email: 'leastwise@localhost' };
const DEFAULT_TIMEOUT_MS = 120_000;

/**
 * Opens a git repository elsewhere; nothing is asked of it before the first {@link Remote.fetch}.
 *
 * Only the tips, the commits below them and the files that are asked for are fetched, where the server can do that.
 * Git runs without hooks, prompts, credential helpers, and any configuration but our own; with one transport. Hooks of
 * the remote itself are its own business and run where it is, for a path that is here.
 *
 * A commit that is read or built upon must come from the newest fetch, or from a push since. Calls are carried out one
 * after the other. What cannot be done is a {@link ForgeError}, without credentials; a path or a branch's name that is
 * refused, and what could never work, is a PublishError.
 * @throws PublishError where the options cannot work
 */
export async function openGitRemote(options: GitRemoteOptions): Promise<Remote> {
  const remote = parseRemoteUrl(options.url);
  const access = {
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    ...(options.https === undefined ? {} : { https: options.https }),
    ...(options.ssh === undefined ? {} : { ssh: options.ssh }),
  };
  checkAccess(remote, access);
  const folder = resolve(options.folder ?? (await mkdtemp(join(tmpdir(), 'leastwise-remote-'))));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const mirror = new Mirror(folder, remote, access);
    await checkBranch(mirror, options.base);
    const ident = await identOf(mirror.gitOutside, options.author ?? DEFAULT_AUTHOR);
    const committer = { ident, signingKeyFile: options.signingKeyFile };
    return new GitRemote(mirror, {
      base: options.base,
      committer,
      dispose: options.folder ? undefined : remove,
    });
  } catch (error) {
    if (options.folder === undefined) await remove();
    throw error;
  }
}

/** What nothing here can heal. */
const OUTAGES: ReadonlySet<ForgeFailure> = new Set(['unreachable', 'unauthorized', 'rate-limited']);

/** The commits that matter. */
interface Heads {
  readonly base: string | undefined;
  readonly tips: ReadonlyMap<string, string>;
}

interface Ways {
  readonly base: string;
  readonly committer: Committer;
  readonly dispose: (() => Promise<void>) | undefined;
}

class GitRemote implements Remote {
  readonly #mirror: Mirror;
  readonly #ways: Ways;
  /** Ends when all that was asked so far has ended. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(mirror: Mirror, ways: Ways) {
    this.#mirror = mirror;
    this.#ways = ways;
  }

  fetch(prefix: string): Promise<RemoteState> {
    return this.#inTurn(async () => {
      const heads = await this.#list(prefix);
      try {
        return await this.#look(heads);
      } catch (error) {
        if (error instanceof ForgeError && OUTAGES.has(error.failure)) throw error;
        // Somebody moved a branch since it was listed; or what is kept is damaged: everything is at the remote.
        const hasMoved = error instanceof ForgeError && error.failure === 'conflict';
        if (!hasMoved) await this.#mirror.discard();
        return await this.#look(await this.#list(prefix));
      }
    });
  }

  read(commit: string, folders: readonly string[]): Promise<Files> {
    return this.#inTurn(async () => {
      for (const folder of folders) checkPath(folder);
      await this.#requireCommits([commit]);
      const files = await listFiles(this.#mirror.git, commit, folders);
      await this.#mirror.fetchFiles(new Set(files.map(({ oid }) => oid)));
      return await readFiles(this.#mirror.git, files);
    });
  }

  push(commit: BranchCommit): Promise<string> {
    return this.#inTurn(async () => {
      const { branch, parent, expected } = commit;
      await checkBranch(this.#mirror, branch);
      await this.#requireCommits(parent === undefined ? [] : [parent]);
      const { git, folder } = this.#mirror;
      const oid = await buildCommit(git, folder, commit, this.#ways.committer);
      await this.#move(branch, oid, expected);
      await this.#mirror.keepTip(oid);
      return oid;
    });
  }

  remove(branch: string, expected: string): Promise<void> {
    return this.#inTurn(async () => {
      await checkBranch(this.#mirror, branch);
      await this.#move(branch, undefined, expected);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    await this.#ways.dispose?.();
  }

  async #list(prefix: string): Promise<Heads> {
    const heads = await this.#mirror.listBranches();
    const base = heads.get(this.#ways.base);
    const tips = new Map([...heads].filter(([name]) => name.startsWith(prefix) && name !== this.#ways.base));
    if (base === undefined && heads.size > tips.size) {
      const name = JSON.stringify(this.#ways.base);
      throw new ForgeError('not-found', `the remote is not empty and has no branch ${name}`);
    }
    return { base, tips };
  }

  async #look({ base, tips }: Heads): Promise<RemoteState> {
    const commits = new Set([...tips.values(), ...(base === undefined ? [] : [base])]);
    const [sample = ''] = commits;
    await this.#mirror.prepare(sample.length === 64 ? 'sha256' : 'sha1');
    await this.#mirror.fetchTips(commits);
    return { base, branches: await readBranches(this.#mirror, tips, base) };
  }

  /** Moves a branch of the remote to a commit, or deletes it, if it is still where it was expected. */
  async #move(branch: string, to: string | undefined, expected: string | undefined): Promise<void> {
    const ref = `refs/heads/${branch}`;
    const { stdout, error } = await this.#mirror.call('push to', [
      ...['push', '--porcelain', '--no-verify', '--no-thin', '--no-follow-tags', '--recurse-submodules=no'],
      `--force-with-lease=${ref}:${expected ?? ''}`,
      ...['origin', `${to ?? ''}:${ref}`],
    ]);
    if (error === undefined) return;
    const reason = /^!\t[^\t]*\t(.*)$/m.exec(stdout)?.[1];
    if (reason === undefined && OUTAGES.has(error.failure)) throw error;
    // Servers have many words for a branch that has moved meanwhile; where it is now tells it best.
    const found = (await this.#mirror.listBranches()).get(branch);
    if (found === to) return;
    if (found !== expected || reason?.includes('stale info') === true) {
      const now = found === undefined ? 'it is gone' : `it is at ${found}`;
      throw new LeaseLostError(`${JSON.stringify(branch)} was moved by somebody else: ${now}`);
    }
    if (reason === undefined) throw error;
    throw new ForgeError('refused', `${error.message} | ${shorten(reason)}`, { cause: error });
  }

  async #requireCommits(commits: readonly string[]): Promise<void> {
    if (await this.#mirror.holds(commits)) return;
    throw new ForgeError('not-found', `commit ${commits.join(', ')} has not been fetched`);
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => failAsForgeError(step));
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** @throws PublishError where git would not take the name for a branch */
async function checkBranch({ gitOutside }: Mirror, branch: string): Promise<void> {
  // What git checks is an argument: it ends at a NUL. A leading dash git itself takes from ref names only.
  const isFine = !branch.startsWith('-') && !branch.includes('\0') && branch !== 'HEAD';
  const { exitCode } = isFine
    ? await gitOutside.try(['check-ref-format', `refs/heads/${branch}`])
    : { exitCode: 1 };
  if (exitCode !== 0) throw new PublishError(`not a branch's name: ${JSON.stringify(branch)}`);
}

/** What fails here, a full disk for instance, is a failure of the remote for whoever asked. */
async function failAsForgeError<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    const isTyped = error instanceof ForgeError || error instanceof LeaseLostError;
    if (isTyped || (error instanceof PublishError && !(error instanceof GitError))) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new ForgeError('unexpected', message, { cause: error });
  }
}
