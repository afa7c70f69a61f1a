import { checkPath } from '@leastwise/publish';
import type { Branch, PlannedChange } from '@leastwise/publish';

import { isRegular, readObjects } from '../git-tree.ts';
import { splitNul } from '../git.ts';
import type { Git } from '../git.ts';
import type { Mirror } from './mirror.ts';
import { parseCommit } from './seal.ts';

/** A path that differs between two trees. */
interface Difference {
  readonly path: string;
  /** `''` where it is not there in the second one. */
  readonly oid: string;
  readonly isRegular: boolean;
}

/** A commit that says of itself that it is ours, and what it changes of the one below it. */
interface Sealed {
  readonly parent: string;
  readonly differences: readonly Difference[];
}

/**
 * Looks at branches whose tips were fetched: whose they are, what they change, and what has moved below them. Ours is
 * a branch whose tip carries the seal of its own content (see `sealMessage`) and changes nothing but regular files.
 * @remarks One call of git for each branch and each different commit below them; linear in what differs.
 * @throws ForgeError where files cannot be fetched, GitError where the mirror is damaged
 */
export async function readBranches(
  mirror: Mirror,
  tips: ReadonlyMap<string, string>,
  base: string | undefined,
): Promise<Map<string, Branch>> {
  if (tips.size === 0) return new Map();
  const { git } = mirror;
  const emptyTree = (await git.run(['hash-object', '-t', 'tree', '--stdin'])).toString('latin1').trim();
  const sealed = await readSealed(git, new Set(tips.values()), emptyTree);
  const differences = [...sealed.values()].flatMap((commit) => commit.differences);
  const oids = new Set(differences.map(({ oid }) => oid).filter((oid) => oid !== ''));
  await mirror.fetchFiles(oids);
  const contents = await readObjects(git, 'blob', oids);

  const moved = new Map<string, ReadonlySet<string>>();
  const branches = new Map<string, Branch>();
  for (const [name, tip] of [...tips].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const commit = sealed.get(tip);
    if (commit === undefined) {
      branches.set(name, { name, tip, isOurs: false, changes: [], movedBelow: [] });
      continue;
    }
    const { parent } = commit;
    const below = moved.get(parent) ?? (await pathsBetween(git, parent, base ?? emptyTree));
    moved.set(parent, below);
    const changes = commit.differences.map((difference) => changeOf(difference, contents));
    const movedBelow = changes.map(({ path }) => path).filter((path) => below.has(path));
    branches.set(name, { name, tip, isOurs: true, changes, movedBelow });
  }
  return branches;
}

async function readSealed(
  git: Git,
  tips: ReadonlySet<string>,
  emptyTree: string,
): Promise<Map<string, Sealed>> {
  const sealed = new Map<string, Sealed>();
  for (const [tip, raw] of await readObjects(git, 'commit', tips)) {
    const { isSealed, parents } = parseCommit(raw);
    if (!isSealed || parents.length > 1) continue;
    const parent = parents[0] ?? emptyTree;
    const differences = await diff(git, parent, tip);
    if (differences.every(isOfOurs)) sealed.set(tip, { parent, differences });
  }
  return sealed;
}

async function pathsBetween(git: Git, before: string, after: string): Promise<ReadonlySet<string>> {
  if (before === after) return new Set();
  return new Set((await diff(git, before, after)).map(({ path }) => path));
}

/** What differs between two commits or trees, in the order of the paths. */
async function diff(git: Git, before: string, after: string): Promise<Difference[]> {
  const args = ['diff-tree', '-r', '--raw', '-z', '--no-abbrev', '--no-renames', before, after];
  const records = splitNul(await git.run(args));
  const differences: Difference[] = [];
  for (let at = 0; at + 1 < records.length; at += 2) {
    const [, mode = '', , oid = '', letter = ''] = (records[at] ?? '').split(' ');
    const isDeleted = letter === 'D';
    const path = records[at + 1] ?? '';
    differences.push({ path, oid: isDeleted ? '' : oid, isRegular: isDeleted || isRegular(mode) });
  }
  return differences.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Whether it is a change such as we make: whoever reads the branch's changes relies on that. */
function isOfOurs(difference: Difference): boolean {
  try {
    checkPath(difference.path);
    return difference.isRegular;
  } catch {
    return false;
  }
}

function changeOf({ path, oid }: Difference, contents: ReadonlyMap<string, Buffer>): PlannedChange {
  if (oid === '') return { action: 'delete', path };
  return { action: 'write', path, content: contents.get(oid)?.toString('utf8') ?? '' };
}
