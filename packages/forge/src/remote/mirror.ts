import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { PublishError } from '@leastwise/publish';
import type { ForgeError } from '@leastwise/publish';

import { isAbsent } from '../fs-error.ts';
import { findMissing } from '../git-tree.ts';
import { gitIn } from '../git.ts';
import type { Git, GitCall } from '../git.ts';
import { networkSettings, openAccess } from './access.ts';
import type { AccessOptions } from './access.ts';
import { forgeErrorOf, redact } from './failure.ts';
import type { RemoteUrl } from './remote-url.ts';

/** More than these make git slow, and nothing tidies them up: the mirror is made anew, which costs one fetch. */
const MAX_PACKS = 100;
const MAX_LOOSE_OBJECTS = 20_000;

/** The tip, and the commit below it, whose tree tells what the tip changes. */
const DEPTH = 2;

/** Of a promisor git knows that what it sent may lack files; it is one for the calls that fetch and for no other. */
const PROMISOR = ['remote.origin.promisor=true', 'remote.origin.partialclonefilter=blob:none'];

const FETCH = [
  'fetch',
  '--quiet',
  '--no-tags',
  '--no-write-fetch-head',
  '--no-auto-maintenance',
  '--recurse-submodules=no',
];

/** What a call over the network gave. */
interface CallResult {
  readonly stdout: string;
  readonly error: ForgeError | undefined;
}

/**
 * A bare repository in a folder of ours that holds what is known of a remote: the tips, the commits below them and
 * their trees; files only as far as somebody asked for them. Each tip is kept by a ref of its own, so that a ref that
 * is there says that all of it was fetched. Nothing is ever checked out.
 */
export class Mirror {
  readonly #folder: string;
  readonly #remote: RemoteUrl;
  readonly #access: AccessOptions;
  /** A server or a transport may refuse either; it is asked once. */
  #isShallow = true;
  #isPartial = true;

  /** @param folder - belongs to this process alone. */
  constructor(folder: string, remote: RemoteUrl, access: AccessOptions) {
    this.#folder = folder;
    this.#remote = remote;
    this.#access = access;
  }

  /** Where temporary files may be. */
  get folder(): string {
    return this.#folder;
  }

  /** Git in the mirror, without the network. */
  get git(): Git {
    return this.#gitWith(this.#repository);
  }

  /** Git in no repository at all, for what a damaged mirror must not disturb. */
  get gitOutside(): Git {
    return this.#gitWith('/dev/null/none');
  }

  #gitWith(repository: string): Git {
    const { timeoutMs } = this.#access;
    return gitIn(this.#folder, { isIsolated: true, timeoutMs, env: { GIT_DIR: repository } });
  }

  get #repository(): string {
    return join(this.#folder, 'mirror.git');
  }

  /**
   * Calls git over the network.
   * @returns what it printed, and the error to throw if the call was to succeed; then both are without secrets.
   */
  call(what: string, args: readonly string[], call: GitCall = {}): Promise<CallResult> {
    return this.#callWith(this.git, what, { args, ...call });
  }

  async #callWith(
    git: Git,
    what: string,
    { args, ...call }: GitCall & { readonly args: readonly string[] },
  ): Promise<CallResult> {
    const { env, secrets } = await openAccess(this.#remote, this.#access);
    const settings = [...networkSettings(this.#access), ...(call.settings ?? [])];
    const result = await git.try(args, { ...call, settings, env });
    const stdout = result.stdout.toString('utf8');
    if (result.exitCode === 0 && !result.hasTimedOut) return { stdout, error: undefined };
    const error = forgeErrorOf(`cannot ${what} ${this.#remote.url}`, result, secrets);
    return { stdout: redact(stdout, secrets), error };
  }

  /** The branches of the remote at this moment, by name. @throws ForgeError */
  async listBranches(): Promise<Map<string, string>> {
    const args = ['ls-remote', '--heads', this.#remote.url];
    const { stdout, error } = await this.#callWith(this.gitOutside, 'list', { args });
    if (error !== undefined) throw error;
    return new Map(
      stdout.split('\n').flatMap((line): [string, string][] => {
        const [, oid, name] = /^([0-9a-f]{40,64})\trefs\/heads\/(.+)$/.exec(line) ?? [];
        return oid === undefined || name === undefined ? [] : [[name, oid]];
      }),
    );
  }

  /**
   * Whether all of these commits are here. Those that a fetch brought are, until the next fetch.
   * @throws PublishError where one is no commit's name
   */
  async holds(commits: readonly string[]): Promise<boolean> {
    for (const commit of commits) {
      if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) {
        throw new PublishError(`${JSON.stringify(commit)} is not the name of a commit`);
      }
    }
    return (await findMissing(this.git, new Set(commits))).length === 0;
  }

  /** Makes ready what an earlier process left, or a new mirror where that is of no use. @throws GitError */
  async prepare(format: 'sha1' | 'sha256'): Promise<void> {
    await this.#clearAway();
    if (await this.#isUsable(format)) return;
    await rm(this.#repository, { recursive: true, force: true });
    await mkdir(this.#folder, { recursive: true });
    const env = { GIT_DEFAULT_HASH: format };
    await this.git.run(['init', '--quiet', '--bare', '--template=', this.#repository], { env });
    await this.git.run(['config', 'remote.origin.url', this.#remote.url]);
  }

  /** Removes the mirror; the next call of {@link prepare} makes it anew. */
  async discard(): Promise<void> {
    await rm(this.#repository, { recursive: true, force: true });
  }

  /**
   * Fetches tips with the commit below each, and forgets those that are no more wanted.
   * @throws ForgeError
   */
  async fetchTips(tips: ReadonlySet<string>): Promise<void> {
    const known = new Set(await this.#listTips());
    const added = [...tips].filter((oid) => !known.has(oid));
    if (added.length > 0) await this.#fetch(added);
    const gone = [...known].filter((oid) => !tips.has(oid));
    if (gone.length === 0) return;
    const input = gone.map((oid) => `delete refs/tips/${oid}\n`).join('');
    await this.git.run(['update-ref', '--stdin'], { input });
  }

  /** Remembers a commit that was made here as a tip of the remote. @throws GitError */
  async keepTip(oid: string): Promise<void> {
    await this.git.run(['update-ref', `refs/tips/${oid}`, oid]);
  }

  /** Fetches those files that are not here yet, all at once. @throws ForgeError */
  async fetchFiles(oids: ReadonlySet<string>): Promise<void> {
    const missing = await findMissing(this.git, oids);
    if (missing.length === 0) return;
    if (this.#isPartial && (await this.#fetchSingle(missing))) return;
    // An old server, or a proxy before a new one, gives no single files: then all of them come with the tips.
    this.#isPartial = false;
    await this.#fetch(await this.#listTips(), ['--refetch']);
  }

  /** Whether the server gives single files. */
  async #fetchSingle(oids: readonly string[]): Promise<boolean> {
    const input = oids.map((oid) => `${oid}\n`).join('');
    const settings = [...PROMISOR, 'fetch.negotiationAlgorithm=noop'];
    const args = [...FETCH, '--filter=blob:none', '--stdin', 'origin'];
    const { error } = await this.call('fetch files of', args, { input, settings });
    if (error !== undefined && error.failure !== 'conflict') throw error;
    return error === undefined;
  }

  async #listTips(): Promise<string[]> {
    const listed = await this.git.run(['for-each-ref', '--format=%(refname:lstrip=2)', 'refs/tips']);
    return listed.toString('latin1').split('\n').slice(0, -1);
  }

  async #fetch(tips: readonly string[], extra: readonly string[] = []): Promise<void> {
    const input = tips.map((oid) => `+${oid}:refs/tips/${oid}\n`).join('');
    for (;;) {
      const depth = this.#isShallow ? [`--depth=${String(DEPTH)}`] : [];
      // A server that does not know the filter sends everything.
      const filter = this.#isPartial ? ['--filter=blob:none'] : [];
      const settings = this.#isPartial ? PROMISOR : [];
      const args = [...FETCH, ...extra, ...depth, ...filter, '--stdin', 'origin'];
      const { error } = await this.call('fetch from', args, { input, settings });
      if (error === undefined) return;
      if (!this.#isShallow || !/does not support shallow/i.test(error.message)) throw error;
      this.#isShallow = false;
    }
  }

  /**
   * Removes what a process that was killed leaves: locks, halves of packs, and working folders. The folder is ours
   * alone, so that nobody else can be at it.
   */
  async #clearAway(): Promise<void> {
    const remove = (...path: string[]): Promise<void> =>
      rm(join(this.#folder, ...path), { recursive: true, force: true });
    for (const name of await namesIn(this.#folder)) if (name.startsWith(WORKING)) await remove(name);
    for (const folder of ['.', 'refs', 'refs/tips']) {
      for (const name of await namesIn(join(this.#repository, folder))) {
        if (name.endsWith('.lock')) await remove('mirror.git', folder, name);
      }
    }
    for (const name of await namesIn(join(this.#repository, 'objects/pack'))) {
      if (name.startsWith('tmp_')) await remove('mirror.git/objects/pack', name);
    }
  }

  async #isUsable(format: 'sha1' | 'sha256'): Promise<boolean> {
    const url = await this.git.try(['config', '--get', 'remote.origin.url']);
    if (url.exitCode !== 0 || url.stdout.toString('utf8') !== `${this.#remote.url}\n`) return false;
    const found = await this.git.try(['rev-parse', '--show-object-format']);
    if (found.stdout.toString('latin1').trim() !== format) return false;
    const counted = await this.git.try(['count-objects', '-v']);
    const count = (name: string): number =>
      Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(counted.stdout.toString('latin1'))?.[1] ?? Infinity);
    return count('packs') <= MAX_PACKS && count('count') <= MAX_LOOSE_OBJECTS;
  }
}

/** What the names of folders begin with in which a commit is being made. */
export const WORKING = 'work-';

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}
