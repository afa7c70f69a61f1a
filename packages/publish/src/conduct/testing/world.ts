import { createMemoryPullRequests, type MemoryPull } from '../../memory-pull-requests.ts';
import type { MemoryPullRequests } from '../../memory-pull-requests.ts';
import { createMemoryRemote, type MemoryRemote } from '../../memory-remote.ts';
import { ForgeError } from '../../review.ts';
import type { PullRequests, Remote } from '../../review.ts';
import type { Files, PlannedChange } from '../../types.ts';
import { BRANCH_PREFIX } from '../proposal.ts';

export const BASE = 'main';

/** The two twins joined to one repository, as a forge joins them; with people in it, and calls that fail. */
export class World {
  readonly remote: MemoryRemote;
  readonly forge: MemoryPullRequests;
  /** What we changed, call by call; a call that changed nothing is not in it. */
  readonly changed: string[] = [];
  /** Commits of people that are on a branch and that nobody but people may take from there. */
  readonly treasured = new Set<string>();
  readonly #byPeople = new Set<string>();
  /** Calls that fail before they do anything. */
  failing: (call: string) => ForgeError | undefined = () => undefined;

  constructor(files: Files = new Map([['README.md', 'policies']])) {
    this.remote = createMemoryRemote({ base: BASE, files });
    this.forge = createMemoryPullRequests();
  }

  get heads(): ReadonlyMap<string, string> {
    return this.remote.branches;
  }

  get rows(): readonly MemoryPull[] {
    return this.forge.pulls;
  }

  /** The names of all branches with our prefix, sorted. */
  get branches(): string[] {
    return [...this.heads.keys()].filter((name) => name.startsWith(BRANCH_PREFIX)).sort();
  }

  filesAt(branch: string): Files {
    const head = this.heads.get(branch);
    return head === undefined ? new Map() : this.remote.filesOf(head);
  }

  isByPerson(commit: string): boolean {
    return this.#byPeople.has(commit);
  }

  /** All that is reachable from a commit, itself included. */
  ancestors(commit: string | undefined): Set<string> {
    const seen = new Set<string>();
    const left = commit === undefined ? [] : [commit];
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      left.push(...this.remote.parentsOf(next));
    }
    return seen;
  }

  isMerged(branch: string): boolean {
    return this.ancestors(this.heads.get(BASE)).has(this.heads.get(branch) ?? '');
  }

  /** A person's commit, at the tip of a branch. */
  put(branch: string, parents: readonly string[], changes: readonly PlannedChange[], message: string): void {
    const commit = this.remote.commitAsPerson({ parents, changes, message });
    this.#byPeople.add(commit);
    this.treasured.add(commit);
    this.remote.point(branch, commit);
  }

  /** Without its branch a pull request is over. */
  dropPulls(branch: string): void {
    for (const row of this.rows) {
      if (row.branch === branch && row.state === 'open') this.forge.people.close(row.number);
    }
  }

  openOf(branch: string, base = BASE): MemoryPull | undefined {
    return this.rows.find((row) => row.state === 'open' && row.branch === branch && row.base === base);
  }

  row(number: number): MemoryPull {
    const row = this.rows[number - 1];
    if (row === undefined) throw new Error(`no pull request ${number}`);
    return row;
  }

  check(call: string): void {
    const error = this.failing(call);
    if (error !== undefined) throw error;
  }

  /** Everything that can be seen from outside, but for the times. */
  snapshot(): unknown {
    const rows = this.rows.map((row) => ({ ...row, endedUs: undefined }));
    return structuredClone({ heads: [...this.heads].sort(), rows });
  }
}

/** Our way to the repository. */
export function remoteOf(world: World): Remote {
  const { remote } = world;
  return {
    fetch: (prefix) => remote.fetch(prefix),
    read: (commit, folders) => remote.read(commit, folders),
    async push(commit) {
      world.check(`push ${commit.branch}`);
      const before = world.heads.get(commit.branch);
      const after = await remote.push(commit);
      if (before !== after) world.changed.push(`push ${commit.branch}`);
      return after;
    },
    async remove(branch, expected) {
      world.check(`remove ${branch}`);
      const isThere = world.heads.has(branch);
      await remote.remove(branch, expected);
      if (!isThere) return;
      world.dropPulls(branch);
      world.changed.push(`remove ${branch}`);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Our way to the pull requests. */
export function pullsOf(world: World): PullRequests {
  const { forge } = world;
  async function call<T>(name: string, act: () => Promise<T>): Promise<T> {
    world.check(name);
    const before = forge.writes;
    const result = await act();
    if (forge.writes !== before) world.changed.push(name);
    return result;
  }
  return {
    limits: forge.limits,
    listOpen: (prefix) => forge.listOpen(prefix),
    listEnded: (branch) => forge.listEnded(branch),
    open: (draft) =>
      call(`open ${draft.branch}`, async () => {
        // As forges do: a branch that adds nothing has nothing to be reviewed.
        const isFine = world.heads.has(draft.branch) && !world.isMerged(draft.branch);
        if (!isFine) throw new ForgeError('refused', `${draft.branch} adds nothing`);
        return forge.open(draft);
      }),
    update: (number, change) => call(`update ${number}`, () => forge.update(number, change)),
    close: (number) => call(`close ${number}`, () => forge.close(number)),
    comment: (number, comment) => call(`comment ${number}`, () => forge.comment(number, comment)),
    keepIssue: (issue) => forge.keepIssue(issue),
  };
}
