import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { type Api, until } from './living/api.ts';
import { BY_HAND, handWritten } from './living/by-hand.ts';
import { type Discovery, readDiscovery } from './living/cells.ts';
import { compare, type Row, tableOf } from './living/comparison.ts';
import { CONTROL_PLANE_USERS } from './living/components.ts';
import { readDecisions } from './living/decisions.ts';
import { type Life, live } from './living/life.ts';
import {
  CHOSEN,
  countRefused,
  generatePolicies,
  KNOBS,
  type Knobs,
  type Policy,
  readPolicies,
} from './living/policies.ts';
import { mayWatchNamespaces, readRights, retireBindings, type Rights, rightsIn } from './living/rights.ts';
import { kubernetesBinaries } from './support/binaries.ts';

// Minutes each time, so this is for the night.
const binaries = process.env['LEASTWISE_NIGHTLY'] === '1' ? await kubernetesBinaries() : undefined;
const seconds = Number(process.env['LEASTWISE_LIVING_SECONDS'] ?? '150');

/** Less widening than was chosen: what the second life was allowed would not all have been. */
const NARROWER: readonly Knobs[] = [
  ['--special-verbs', 'Grant', '--preset', 'exact'],
  ['--special-verbs', 'Grant'],
  ['--special-verbs', 'Grant', '--scope-mode', 'ClusterScopeAllowed'],
  ['--special-verbs', 'Grant', '--resource-names', 'Omit'],
];

interface Before {
  readonly bootstrap: Rights;
  readonly discovery: Discovery;
  readonly retired: number;
}

/** Puts our roles in the place of the API server's own, and waits until its authorizer knows. */
async function replaceRoles(api: Api, policies: readonly Policy[]): Promise<Before> {
  const [bootstrap, discovery] = [await readRights(api), await readDiscovery(api)];
  const retired = await retireBindings(api);
  const isKnown = async (is: boolean): Promise<boolean> => {
    const answers = await Promise.all(CONTROL_PLANE_USERS.map((user) => mayWatchNamespaces(api, user)));
    return answers.every((answer) => answer === is);
  };
  await until('the bootstrap roles are out of force', () => isKnown(false));
  for (const { objects } of policies) await api.create(...objects);
  for (const grant of BY_HAND) await api.create(...handWritten(grant));
  await until('our roles are in force', () => isKnown(true));
  return { bootstrap, discovery, retired };
}

describe.skipIf(!binaries)('a living cluster', () => {
  let dir: string;
  let policies: readonly Policy[];
  let [recorded, replayed]: [Life<undefined> | undefined, Life<Before> | undefined] = [undefined, undefined];
  let rows: readonly Row[] = [];

  beforeAll(
    async () => {
      if (!binaries) return;
      dir = await mkdtemp(join(tmpdir(), 'leastwise-living-'));
      const prepare = (): Promise<undefined> => Promise.resolve(undefined);
      recorded = await live({ dir: join(dir, 'recorded'), binaries, seconds, prepare });
      const folder = join(dir, 'policies');
      const summary = await generatePolicies(recorded.auditLog, folder, CHOSEN);
      policies = await readPolicies(folder);
      replayed = await live({
        dir: join(dir, 'replayed'),
        binaries,
        seconds,
        prepare: (api) => replaceRoles(api, policies),
      });
      const byHand = BY_HAND.flatMap(handWritten);
      rows = compare({
        ...replayed.prepared,
        ours: rightsIn([...policies.flatMap(({ objects }) => objects), ...byHand]),
        recorded: await readDecisions(recorded.auditLog),
        replayed: await readDecisions(replayed.auditLog),
      });
      const knobs = KNOBS.map(([flag, value, why]) => `${flag} ${value}: ${why}`);
      console.log([...knobs, summary, tableOf(rows)].join('\n'));
    },
    (2 * seconds + 900) * 1000,
  );

  let hasFailed = false;
  afterEach(({ task }) => {
    hasFailed ||= task.result?.state === 'fail';
  });
  afterAll(async () => {
    // What failed is read in the logs.
    if (hasFailed || !replayed) console.error(`logs: ${dir}`);
    else await rm(dir, { recursive: true, force: true });
  });

  test('works under our policies as it did under the hand-written roles', () => {
    expect(recorded?.worked.length).toBeGreaterThan(40);
    expect(replayed?.worked).toEqual(recorded?.worked);
  });

  test('is refused nothing that it was allowed', () => {
    expect(rows.flatMap(({ refused }) => refused)).toEqual([]);
  });

  test('has the roles of the API server no more', () => {
    expect(replayed?.prepared.retired).toBeGreaterThan(30);
  });

  test('names in its policies all that had to be granted by hand', () => {
    for (const { account, note } of BY_HAND) {
      const policy = policies.find(({ user }) => user.endsWith(`:${account}`));
      expect(policy?.notes, account).toMatch(note);
    }
  });

  test.each([[CHOSEN], ...NARROWER.map((knobs) => [knobs])])(
    'is widened by no more than it takes: %j',
    async (knobs) => {
      if (!recorded || !replayed) throw new Error('nothing lived');
      const folder = join(dir, `with${knobs.join('')}`);
      await generatePolicies(recorded.auditLog, folder, knobs);
      const refused = await countRefused(replayed.auditLog, folder);
      console.log(`${String(refused)} permissions refused with ${knobs.join(' ')}`);
      if (knobs === CHOSEN) expect(refused).toBe(0);
      else expect(refused).toBeGreaterThan(0);
    },
  );

  test('has far fewer permissions', () => {
    const sum = (field: 'handWritten' | 'ours'): number => rows.reduce((all, row) => all + row[field], 0);
    expect(rows.length).toBeGreaterThan(25);
    expect(sum('ours')).toBeLessThan(sum('handWritten') / 2);
  });
});
