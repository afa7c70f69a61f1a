import { DAY_US, DEFAULT_OPTIONS } from '@leastwise/rbac';

import { pullsOf, remoteOf, World } from '../../conduct/testing/world.ts';
import type { MemoryPull } from '../../memory-pull-requests.ts';
import type { Files, PlannedChange } from '../../types.ts';
import { planCycle, runCycle } from '../cycle.ts';
import type { CycleOutcome, CyclePorts, CycleSettings, ObservedState } from '../types.ts';
import { type Asked, stateOf, T0 } from './states.ts';

export const SETTINGS: CycleSettings = {
  base: 'main',
  directly: 'nothing',
  options: DEFAULT_OPTIONS,
  version: '1.2.3',
  codeownersDialect: 'github',
  publishesReports: false,
};

/** A repository with people in it, and a publisher that looks after it. */
export class Scene {
  readonly world: World;
  settings: CycleSettings;
  nowUs = T0 + 400 * DAY_US;

  constructor(settings: Partial<CycleSettings> = {}, files: Readonly<Record<string, string>> = {}) {
    this.world = new World(new Map([['README.md', 'policies'], ...Object.entries(files)]));
    this.settings = { ...SETTINGS, ...settings };
  }

  ports(more: Partial<CyclePorts> = {}): CyclePorts {
    return { remote: remoteOf(this.world), pulls: pullsOf(this.world), nowUs: this.nowUs, ...more };
  }

  run(asked: readonly Asked[] | ObservedState, more: Partial<CyclePorts> = {}): Promise<CycleOutcome> {
    return runCycle(asState(asked), this.settings, this.ports(more));
  }

  plan(asked: readonly Asked[] | ObservedState): Promise<CycleOutcome> {
    return planCycle(asState(asked), this.settings, this.ports());
  }

  /** What the base branch holds. */
  get files(): Files {
    return this.world.filesAt('main');
  }

  get open(): MemoryPull[] {
    return this.world.rows.filter(({ state }) => state === 'open');
  }

  /** The branches of the open pull requests, without the prefix. */
  get openBranches(): string[] {
    return this.open.map(({ branch }) => branch.replace('leastwise/', '')).sort();
  }

  pull(branch: string): MemoryPull {
    const found = this.world.openOf(`leastwise/${branch}`);
    if (found === undefined)
      throw new Error(`no open pull request of ${branch}; but ${this.openBranches.join()}`);
    return found;
  }

  /** What a person does: merges an open pull request, and deletes its branch as forges do. */
  merge(branch: string): void {
    const { number, branch: name } = this.pull(branch);
    const { heads, remote, forge } = this.world;
    const tip = heads.get(name) ?? '';
    const [below = ''] = remote.parentsOf(tip);
    const changes = difference(remote.filesOf(below), remote.filesOf(tip));
    const base = heads.get('main') ?? '';
    this.world.put('main', [base, tip], changes, `merge ${name}`);
    forge.people.merge(number, heads.get('main') ?? '');
    remote.point(name, undefined);
  }

  /** What a person does: commits to a branch. */
  commit(branch: string, files: Readonly<Record<string, string | undefined>>): void {
    const head = this.world.heads.get(branch) ?? '';
    const changes = Object.entries(files).map(([path, content]): PlannedChange =>
      content === undefined ? { action: 'delete', path } : { action: 'write', path, content },
    );
    this.world.put(branch, [head], changes, 'by hand');
  }

  /** Merges one and runs again until nothing is open; `seed` says which comes first. */
  async settle(asked: readonly Asked[] | ObservedState, seed = 0): Promise<void> {
    for (let i = 0; i < 20; i += 1) {
      await this.run(asked);
      const open = this.openBranches;
      const next = open[seed % Math.max(1, open.length)];
      if (next === undefined) return;
      this.merge(next);
    }
    throw new Error('it never ends');
  }

  /** How many calls changed something so far. */
  get changes(): number {
    return this.world.changed.length + this.world.forge.writes;
  }
}

function asState(asked: readonly Asked[] | ObservedState): ObservedState {
  return 'clusters' in asked ? asked : stateOf(asked);
}

export function difference(before: Files, after: Files): PlannedChange[] {
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((path): PlannedChange[] => {
    const content = after.get(path);
    if (content === before.get(path)) return [];
    return [content === undefined ? { action: 'delete', path } : { action: 'write', path, content }];
  });
}
