// A publisher that is killed before any of its steps, on a real Gitea: whoever comes next ends in the same place.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { lacksGitea, resolveGitea, type ResolvedGitea, userActor } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { leastwise } from '../integration/support/leastwise.ts';
import { ask, linesOf } from '../integration/support/log.ts';
import { type Repository, Site } from '../publish/support/site.ts';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('support/publish-once.mjs', import.meta.url));
const ALICE = userActor('alice');
const BOB = userActor('bob');
const FIRST = [ask(ALICE, 'get pods web p1'), ask(ALICE, 'list secrets pay'), ask(BOB, 'get nodes - n1')];
/** One group has more to say, one is new, and the namespace of one is gone. */
const LATER = [
  ask(ALICE, 'create configmaps web c1'),
  ask(BOB, 'get pods shop p1'),
  ask(ALICE, 'delete namespaces pay pay', { code: 200 }),
];

describe.skipIf(await lacksGitea())('a publisher that is killed', () => {
  let gitea: ResolvedGitea | undefined;
  let folder: string;
  let site: Site;
  const made: string[] = [];

  beforeAll(async () => {
    gitea = await resolveGitea();
    if (gitea === undefined) throw new Error('there is no Gitea');
    folder = await mkdtemp(join(tmpdir(), 'leastwise-steps-'));
    site = new Site(gitea);
    await writeFile(join(folder, 'token'), await site.open());
    for (const [name, events] of [
      ['first', FIRST],
      ['later', [...FIRST, ...LATER]],
    ] as const) {
      await writeFile(join(folder, `${name}.log`), linesOf(events).join('\n'));
      const place = ['--out', join(folder, `${name}.out`), '--state', join(folder, name)];
      const outcome = await leastwise(['run', '-f', join(folder, `${name}.log`), ...place]);
      expect(outcome.code, outcome.stderr).toBe(0);
    }
  });

  afterAll(async () => {
    await site.close(...made);
    await gitea?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function repositoryOf(name: string): Promise<Repository> {
    made.push(name);
    return site.repository(name);
  }

  /** @returns how many steps it took; `undefined` where it was killed */
  async function publish(state: string, repository: Repository, killedAt = 0): Promise<number | undefined> {
    const place = new URL(repository.url);
    const full = place.pathname.slice(1).replace(/\.git$/, '');
    const args = [SCRIPT, join(folder, state), place.origin, full, join(folder, 'token'), String(killedAt)];
    const ended = run(process.execPath, args);
    const killed: unknown = await ended.then(
      () => undefined,
      (error: unknown) => error,
    );
    if (killed === undefined) return Number((await ended).stdout);
    expect(killed).toMatchObject({ signal: 'SIGKILL' });
    return undefined;
  }

  /** What people find there: pull requests in any order of their numbers, and the files of their branches. */
  async function endOf(repository: Repository): Promise<unknown> {
    const pulls = await repository.pulls();
    const branches = [...(await repository.branches()).keys()].sort();
    const files = [];
    for (const branch of branches) files.push([branch, await repository.paths(branch)]);
    const shown = pulls.map(({ head, state, title, body }) => [head.ref, state, title, body]);
    return { pulls: shown.sort(), files };
  }

  async function steps(state: string, before: (name: string) => Promise<Repository>): Promise<void> {
    const whole = await before(`${state}-0`);
    const count = await publish(state, whole);
    const expected = await endOf(whole);
    expect(count).toBeGreaterThan(3);
    for (let step = 1; step <= (count ?? 0); step += 1) {
      const repository = await before(`${state}-${step}`);
      expect(await publish(state, repository, step)).toBeUndefined();
      await publish(state, repository);
      expect(await endOf(repository), `killed before step ${step}`).toEqual(expected);
      expect(await publish(state, repository), 'a further cycle has nothing to do').toBe(0);
    }
  }

  test('before each step of the first proposals', async () => {
    await steps('first', repositoryOf);
  });

  test('before each step of bringing them up to date and of closing what is gone', async () => {
    await steps('later', async (name) => {
      const repository = await repositoryOf(name);
      await publish('first', repository);
      return repository;
    });
  });
});
