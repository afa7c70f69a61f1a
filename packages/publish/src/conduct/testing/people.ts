import type { MemoryPull } from '../../memory-pull-requests.ts';
import type { Files, PlannedChange } from '../../types.ts';
import { BRANCH_PREFIX } from '../proposal.ts';
import { BASE, type World } from './world.ts';

/** What somebody does; `at` picks of what there is. */
export interface Act {
  readonly act: (typeof ACTS)[number];
  readonly at: number;
}

/** All that people do, by name. */
export const ACTS = [
  'commit-to-branch',
  'amend',
  'update-branch',
  'delete-branch',
  'own-branch',
  'commit-to-base',
  'edit-ours-in-base',
  'revert',
  'open-by-hand',
  'reopen',
  'merge',
  'squash',
  'close',
  'stop',
  'go-on',
  'edit-title',
  'edit-body',
  'damage-body',
  'retarget',
] as const;

const STOP = 'leastwise/STOP';

/** Does it, where there is something to do it to. */
export function perform(world: World, { act, at }: Act): void {
  const { people } = world.forge;
  const branch = pick(world.branches, at);
  const pull = pick(
    world.rows.filter(({ state }) => state === 'open'),
    at,
  );
  const past = pick(
    world.rows.filter((row) => row.state === 'closed' && world.heads.has(row.branch)),
    at,
  );
  switch (act) {
    case 'own-branch':
      return own(world, `${BRANCH_PREFIX}person-${at % 2}`);
    case 'commit-to-base':
      return commitTo(world, BASE, `person/${at % 3}`, at);
    case 'edit-ours-in-base':
      return commitTo(world, BASE, `policies/${at % 4}`, at);
    case 'revert':
      return revert(world);
    case 'reopen':
      if (past === undefined || world.openOf(past.branch, past.base) !== undefined) return;
      return people.reopen(past.number);
    default:
      if (branch !== undefined) performOnBranch(world, act, branch, at);
      if (pull !== undefined) performOnPull(world, act, pull);
  }
}

function performOnBranch(world: World, act: Act['act'], branch: string, at: number): void {
  switch (act) {
    case 'commit-to-branch':
      return commitTo(world, branch, 'person/note', at);
    case 'amend':
      return amend(world, branch);
    case 'update-branch':
      return updateBranch(world, branch);
    case 'delete-branch':
      return deleteBranch(world, branch);
    case 'open-by-hand':
      if (world.openOf(branch) !== undefined || world.isMerged(branch)) return;
      return void world.forge.people.open({ branch, base: BASE, title: 'by hand', body: 'please look' });
    default:
      return;
  }
}

function performOnPull(world: World, act: Act['act'], pull: MemoryPull): void {
  const { people } = world.forge;
  const { number, title, body, branch } = pull;
  switch (act) {
    case 'merge':
      return merge(world, pull, true);
    case 'squash':
      return merge(world, pull, false);
    case 'close':
      return people.close(number);
    case 'stop':
      return people.label(number, STOP);
    case 'go-on':
      return people.unlabel(number, STOP);
    case 'edit-title':
      return people.edit(number, { title: `${title}!` });
    case 'edit-body':
      return people.edit(number, { body: `My words.\r\n\r\n${body}  \r\n` });
    case 'damage-body':
      return people.edit(number, { body: body.replace('leastwise-block:', 'leastwise-block:*') });
    case 'retarget': {
      if (world.openOf(branch, 'staging') !== undefined) return;
      const elsewhere = { title, base: 'staging' };
      return people.edit(number, elsewhere);
    }
    default:
      return;
  }
}

function commitTo(world: World, branch: string, path: string, at: number): void {
  const head = world.heads.get(branch);
  if (head === undefined) return;
  world.put(branch, [head], [{ action: 'write', path, content: `by hand ${at}` }], 'a person');
}

function amend(world: World, branch: string): void {
  const head = world.heads.get(branch);
  if (head === undefined || world.isMerged(branch)) return;
  const parents = world.remote.parentsOf(head);
  const [parent] = parents;
  world.treasured.delete(head);
  world.put(branch, parents, difference(filesOf(world, parent), filesOf(world, head)), 'amended');
}

function updateBranch(world: World, branch: string): void {
  const head = world.heads.get(branch);
  const base = world.heads.get(BASE);
  if (head === undefined || base === undefined || world.ancestors(head).has(base)) return;
  const theirs = difference(filesOf(world, fork(world, head)), filesOf(world, base));
  world.put(branch, [head, base], theirs, 'update');
}

function own(world: World, branch: string): void {
  const base = world.heads.get(BASE);
  if (base === undefined || world.heads.has(branch)) return;
  world.put(branch, [base], [{ action: 'write', path: branch, content: 'mine' }], 'my own');
}

function deleteBranch(world: World, branch: string): void {
  for (const commit of world.ancestors(world.heads.get(branch))) world.treasured.delete(commit);
  world.remote.point(branch, undefined);
  world.dropPulls(branch);
  // What another branch still holds is as dear as before.
  for (const head of world.heads.values()) {
    for (const commit of world.ancestors(head)) if (world.isByPerson(commit)) world.treasured.add(commit);
  }
}

/** As a forge does: by a merge commit, or by a commit of its own. */
function merge(world: World, { branch, base: onto, number }: MemoryPull, withParents: boolean): void {
  const head = world.heads.get(branch);
  const base = world.heads.get(BASE);
  if (head === undefined || base === undefined || onto !== BASE) return;
  const changes = difference(filesOf(world, fork(world, head)), filesOf(world, head));
  world.put(BASE, withParents ? [base, head] : [base], changes, 'merge');
  world.forge.people.merge(number, world.heads.get(BASE) ?? '');
}

/** Takes back what the newest commit of the base changed. */
function revert(world: World): void {
  const base = world.heads.get(BASE);
  const [before] = base === undefined ? [] : world.remote.parentsOf(base);
  if (base === undefined || before === undefined) return;
  world.put(BASE, [base], difference(filesOf(world, base), filesOf(world, before)), 'revert');
}

/** The newest commit of the base that a commit builds on. */
function fork(world: World, commit: string): string | undefined {
  const below = world.ancestors(world.heads.get(BASE));
  let at: string | undefined = commit;
  while (at !== undefined && !below.has(at)) [at] = world.remote.parentsOf(at);
  return at;
}

function filesOf(world: World, commit: string | undefined): Files {
  return commit === undefined ? new Map() : world.remote.filesOf(commit);
}

function difference(before: Files, after: Files): PlannedChange[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths.flatMap((path): PlannedChange[] => {
    const content = after.get(path);
    if (content === before.get(path)) return [];
    return [content === undefined ? { action: 'delete', path } : { action: 'write', path, content }];
  });
}

function pick<T>(list: readonly T[], at: number): T | undefined {
  return list[at % Math.max(1, list.length)];
}
