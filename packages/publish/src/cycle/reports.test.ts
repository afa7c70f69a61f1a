import { policyReportPath } from '@leastwise/render';
import { describe, expect, test } from 'vitest';

import { policyReportOf } from '../policy-report.ts';
import { inferPolicies } from '../policies.ts';
import { renderPolicyReport } from '@leastwise/render';
import { bootstrapDefaults, DEFAULT_OPTIONS, NEWEST_KUBERNETES } from '@leastwise/rbac';
import { Scene } from './testing/scene.ts';
import { ALICE, asked, CART, clustersOf, days } from './testing/states.ts';

const SEEN = asked(CART, ['list pods shop'], days(0, 20));
const PATH = policyReportPath('prod');
const SETTINGS = { publishesReports: true };

/** As `leastwise run` writes it. */
function wholeReport(): string {
  const clusters = clustersOf(SEEN);
  const options = { ...DEFAULT_OPTIONS, existing: bootstrapDefaults(NEWEST_KUBERNETES) };
  const { policies } = inferPolicies(clusters, options, () => true);
  const [cluster] = clusters;
  return cluster === undefined ? '' : renderPolicyReport('prod', policyReportOf(cluster, policies, []));
}

describe('policy reports', () => {
  test('have a pull request of their own, and are the ones of a run', async () => {
    const scene = new Scene(SETTINGS);
    await scene.run(SEEN);
    expect(scene.openBranches).toEqual(['prod.namespace-shop.additions', 'prod.policies.reports']);
    expect(scene.world.filesAt('leastwise/prod.policies.reports').get(PATH)).toBe(wholeReport());
    expect(scene.pull('prod.namespace-shop.additions').body).toContain(PATH);
  });

  test('follow the counts, which no pull request about policies does', async () => {
    const scene = new Scene(SETTINGS);
    await scene.run(SEEN);
    const before = scene.world.heads.get('leastwise/prod.namespace-shop.additions');
    const { plan } = await scene.run(SEEN.map((each) => ({ ...each, times: 2 })));
    expect(plan.actions.filter(({ action }) => action !== 'leave').map(({ branch }) => branch)).toContain(
      'leastwise/prod.policies.reports',
    );
    expect(scene.world.heads.get('leastwise/prod.namespace-shop.additions')).toBe(before);
  });

  test.each([
    ['the configuration', { ...SETTINGS, directly: 'reports' as const }, ''],
    ['the team', SETTINGS, 'version: 1\nreports:\n  destination: base\n'],
  ])('go to the base itself where %s says so', async (_, settings, team) => {
    const scene = new Scene(settings, team === '' ? {} : { 'leastwise.yaml': team });
    await scene.run(SEEN);
    expect(scene.openBranches).toEqual(['prod.namespace-shop.additions']);
    expect(scene.files.get(PATH)).toBe(wholeReport());
  });

  test('name those who are left out, and leave a file of a person alone', async () => {
    const scene = new Scene(SETTINGS, { 'leastwise.yaml': 'version: 1\nignoredSubjects: ["user:alice"]\n' });
    const outcome = await scene.run([...SEEN, ...asked(ALICE, ['get pods shop'])]);
    const [report] = outcome.proposals.filter(({ kind }) => kind === 'reports');
    const [change] = report?.changes ?? [];
    expect(change?.action === 'write' && change.content).toMatch(
      /without a policy[^]*User alice.*The team ignores it/,
    );

    const other = new Scene(SETTINGS, { [PATH]: 'mine' });
    const { proposals, problems } = await other.run(SEEN);
    expect(proposals.map(({ kind }) => kind)).toEqual(['additions']);
    expect(problems).toEqual([expect.stringContaining(PATH)]);
  });
});

describe('a text that its pull request cannot hold', () => {
  const many = asked(
    CART,
    Array.from({ length: 400 }, (_, i) => `get group${i}.example:kind${i} shop`),
  );
  const FILE = 'reports/prod/pull-requests/namespace-shop-additions.md';

  test('stands in a file of the change, and goes when it fits again', async () => {
    const scene = new Scene();
    await scene.run(many);
    const { body, branch } = scene.pull('prod.namespace-shop.additions');
    expect(body.length).toBeLessThanOrEqual(65_536);
    expect(body).toContain(FILE);
    expect(scene.world.filesAt(branch).get(FILE)).toContain('kind399');
    scene.merge('prod.namespace-shop.additions');
    expect(scene.files.has(FILE)).toBe(true);
    await scene.run([...many, ...asked(CART, ['get pods shop'])]);
    expect(scene.world.filesAt(branch).has(FILE)).toBe(false);
    const { changes } = scene;
    await scene.run([...many, ...asked(CART, ['get pods shop'])]);
    expect(scene.changes).toBe(changes);
  });

  test('where a person has a file there, it is left out and told', async () => {
    const scene = new Scene({}, { [FILE]: 'mine' });
    const { problems } = await scene.run(many);
    expect(problems).toEqual([expect.stringContaining(FILE)]);
    expect(scene.world.filesAt('leastwise/prod.namespace-shop.additions').get(FILE)).toBe('mine');
  });
});

test('links lead to the branches where files can be read in a browser, and to nowhere where that cannot be told', async () => {
  const url = 'https://github.com/acme/rbac/blob/main';
  const [proposal] = (await new Scene({ links: url }).plan(SEEN)).proposals;
  expect(proposal?.body).toContain(
    'https://github.com/acme/rbac/blob/leastwise/prod.namespace-shop.additions/clusters/',
  );
  const [other] = (await new Scene({ links: 'https://github.com/acme/rbac' }).plan(SEEN)).proposals;
  expect(other?.body).not.toContain('https://');
});
