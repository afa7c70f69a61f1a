import { createHash } from 'node:crypto';

import { checkPath } from './check-path.ts';
import { foldersOf } from './fold-path.ts';
import { ForgeError, LeaseLostError } from './review.ts';
import type { Branch, BranchCommit, Remote, RemoteState } from './review.ts';
import { PublishError } from './types.ts';
import type { Files, PlannedChange } from './types.ts';

/** A commit of somebody else. */
export interface PersonCommit {
  /** What it is made on; the first one's files are what it changes. None: the first commit of a repository. */
  readonly parents: readonly string[];
  readonly changes: readonly PlannedChange[];
  readonly message: string;
}

/** A remote that is a map; the twin of the real ones, for tests and dry runs. */
export interface MemoryRemote extends Remote {
  /** The commit that each branch points at. */
  readonly branches: ReadonlyMap<string, string>;
  /** The files of any commit, fetched or not. */
  filesOf(commit: string): Files;
  /** The parents of any commit. */
  parentsOf(commit: string): readonly string[];
  /** What somebody else does: commits, without moving a branch. Returns the commit. */
  commitAsPerson(commit: PersonCommit): string;
  /** What somebody else does: points a branch at a commit, or deletes it. */
  point(branch: string, commit: string | undefined): void;
}

/** How the twin begins. */
export interface MemoryRemoteOptions {
  /** The base branch; `main` by default. */
  readonly base?: string;
  /** What a person has committed to it; by default the repository is empty. */
  readonly files?: Files;
}

interface Commit {
  readonly parents: readonly string[];
  readonly files: Files;
  readonly isOurs: boolean;
}

/**
 * Makes a remote in memory. A commit is named by a hash over its parents, its files, its message and whether it is
 * ours, so that the same commit asked for twice is one.
 */
export function createMemoryRemote(options: MemoryRemoteOptions = {}): MemoryRemote {
  const { base = 'main' } = options;
  const files: Files = options.files ?? new Map();
  const commits = new Map<string, Commit>();
  const branches = new Map<string, string>();

  const get = (oid: string): Commit => {
    const commit = commits.get(oid);
    if (commit === undefined) throw new ForgeError('not-found', `commit ${oid} has not been fetched`);
    return commit;
  };
  const filesOf = (oid: string | undefined): Files => (oid === undefined ? new Map() : get(oid).files);
  const add = ({ parents, changes, message }: PersonCommit, isOurs: boolean): string => {
    const after = applied(filesOf(parents[0]), changes);
    const oid = hashOf([parents, [...after], isOurs ? message.trimEnd() : message, isOurs]);
    commits.set(oid, { parents, files: after, isOurs });
    return oid;
  };
  const move = (branch: string, to: string | undefined, expected: string | undefined): void => {
    const found = branches.get(branch);
    if (found === to) return;
    if (found !== expected) throw new LeaseLostError(`${JSON.stringify(branch)} was moved by somebody else`);
    point(branch, to);
  };
  const point = (branch: string, commit: string | undefined): void => {
    if (commit === undefined) branches.delete(branch);
    else branches.set(branch, commit);
  };

  if (files.size > 0) {
    const changes = [...files].map(([path, content]) => ({ action: 'write', path, content }) as const);
    branches.set(base, add({ parents: [], changes, message: 'start' }, false));
  }
  return {
    branches,
    filesOf,
    parentsOf: (oid) => get(oid).parents,
    commitAsPerson: (commit) => add(commit, false),
    point,
    fetch: async (prefix) => stateOf(branches, { base, prefix, get }),
    read: async (commit, folders) => {
      for (const folder of folders) checkPath(folder);
      return filesBelow(filesOf(commit), folders);
    },
    push: async ({ branch, parent, changes, message, expected }: BranchCommit) => {
      checkBranch(branch);
      if (changesNothing(filesOf(parent), changes)) throw new PublishError('the commit would change nothing');
      const oid = add({ parents: parent === undefined ? [] : [parent], changes, message }, true);
      move(branch, oid, expected);
      return oid;
    },
    remove: async (branch, expected) => {
      checkBranch(branch);
      move(branch, undefined, expected);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

interface Look {
  readonly base: string;
  readonly prefix: string;
  readonly get: (oid: string) => Commit;
}

function stateOf(heads: ReadonlyMap<string, string>, { base, prefix, get }: Look): RemoteState {
  const names = [...heads.keys()].filter((name) => name !== base && name.startsWith(prefix)).sort();
  const found = heads.get(base);
  if (found === undefined && heads.size > names.length) {
    throw new ForgeError('not-found', `the remote is not empty and has no branch ${JSON.stringify(base)}`);
  }
  const branches = names.map((name): [string, Branch] => {
    const tip = heads.get(name) ?? '';
    const { parents, files, isOurs } = get(tip);
    if (!isOurs) return [name, { name, tip, isOurs, changes: [], movedBelow: [] }];
    const [parent] = parents;
    const below = parent === undefined ? new Map<string, string>() : get(parent).files;
    const changes = changesBetween(below, files);
    const now = found === undefined ? new Map<string, string>() : get(found).files;
    const movedBelow = changes.map(({ path }) => path).filter((path) => below.get(path) !== now.get(path));
    return [name, { name, tip, isOurs, changes, movedBelow }];
  });
  return { base: found, branches: new Map(branches) };
}

function changesBetween(before: Files, after: Files): PlannedChange[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths.flatMap((path): PlannedChange[] => {
    const content = after.get(path);
    if (content === before.get(path)) return [];
    return [content === undefined ? { action: 'delete', path } : { action: 'write', path, content }];
  });
}

function changesNothing(before: Files, changes: readonly PlannedChange[]): boolean {
  return changesBetween(before, applied(before, changes)).length === 0;
}

function applied(before: Files, changes: readonly PlannedChange[]): Files {
  for (const { path } of changes) checkPath(path);
  const after = new Map(before);
  for (const change of changes) if (change.action === 'delete') after.delete(change.path);
  for (const change of changes) if (change.action === 'write') after.set(change.path, change.content);
  for (const path of after.keys()) {
    const file = foldersOf(path).find((folder) => after.has(folder));
    if (file !== undefined) throw new PublishError(`${JSON.stringify(file)} is a file, not a folder`);
  }
  return new Map([...after].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function filesBelow(files: Files, paths: readonly string[]): Files {
  if (paths.length === 0) return files;
  const wanted = new Set(paths);
  return new Map([...files].filter(([path]) => [...foldersOf(path), path].some((part) => wanted.has(part))));
}

/** What git's check-ref-format says of branches. @see https://git-scm.com/docs/git-check-ref-format */
function checkBranch(branch: string): void {
  const isFine =
    branch !== 'HEAD' &&
    !/[\u0000- ~^:?*[\\\u007f]|\.\.|@\{|\.$/.test(branch) &&
    !branch.startsWith('-') &&
    branch.split('/').every((part) => /^[^.]/.test(part) && !part.endsWith('.lock'));
  if (!isFine) throw new PublishError(`not a branch's name: ${JSON.stringify(branch)}`);
}

function hashOf(value: unknown): string {
  return createHash('sha1').update(JSON.stringify(value)).digest('hex');
}
