import { complianceReportPath, policyReportPath } from '@leastwise/render';
import { describe, expect, test } from 'vitest';

import { policyReportOf } from '../policy-report.ts';
import { inferPolicies } from '../policies.ts';
import { renderPolicyReport } from '@leastwise/render';
import { bootstrapDefaults, DEFAULT_OPTIONS, NEWEST_KUBERNETES, type RbacObject } from '@leastwise/rbac';
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

describe('compliance reports', () => {
  const COMPLIANCE = complianceReportPath('prod');
  const BRANCH = 'prod.policies.reports';
  const API = 'rbac.authorization.k8s.io/v1';
  const EXISTING: readonly RbacObject[] = [
    {
      apiVersion: API,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'everything' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'broad' },
      subjects: ['cart', 'ghost'].map(
        (name) => ({ kind: 'ServiceAccount', namespace: 'shop', name }) as const,
      ),
    },
    {
      apiVersion: API,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'parts-of-kubernetes' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'broad' },
      subjects: ['system:kube-scheduler', 'ignored'].map(
        (name) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }) as const,
      ),
    },
    {
      apiVersion: API,
      kind: 'ClusterRole',
      metadata: { name: 'broad' },
      rules: [{ apiGroups: [''], resources: ['pods', 'secrets'], verbs: ['list', 'delete'] }],
    },
  ];
  const TEAM = { 'leastwise.yaml': 'version: 1\nignoredSubjects: ["user:ignored"]\n' };
  const known = (files: Readonly<Record<string, string>> = TEAM): Scene =>
    new Scene({ ...SETTINGS, existing: new Map([['prod', EXISTING]]) }, files);
  const textIn = (scene: Scene): string =>
    scene.world.filesAt(`leastwise/${BRANCH}`).get(COMPLIANCE) ?? 'no report';
  const LONG = asked(CART, ['list pods shop'], days(0, 40));

  test('stand beside the policies where the RBAC of the cluster is known, in one pull request', async () => {
    const scene = known();
    await scene.run(SEEN);
    expect(scene.pull(BRANCH).title).toBe('Update the reports of prod');
    expect(scene.pull(BRANCH).body).toContain(COMPLIANCE);
    const text = textIn(scene);
    expect(text).toMatch(/\| `ServiceAccount shop\/ghost` \| +0 \| Red/);
    expect(text).toMatch(/`ServiceAccount shop\/cart` +\| +\d+ \| Red/);
    scene.merge(BRANCH);
    const { changes } = scene;
    await scene.run(SEEN);
    expect(scene.changes).toBe(changes);
    expect(scene.openBranches).not.toContain(BRANCH);
    await scene.run(LONG);
    expect(textIn(scene)).toContain('## Unused grants');
    expect(textIn(scene)).not.toBe(text);
  });

  test('leave out whom policies leave out, seen or not, and count them', async () => {
    const scene = known();
    await scene.run(SEEN);
    expect(textIn(scene)).not.toMatch(/kube-scheduler`|ignored`/);
    expect(textIn(scene)).toContain('Not listed: 2 subjects');
  });

  test('call a grant unused only of subjects that were observable for long enough', async () => {
    const early = known();
    await early.run(SEEN);
    expect(textIn(early)).toContain('None is proven.');
    expect(textIn(early)).toContain('secrets (not proven)');
    const scene = known();
    await scene.run(LONG);
    expect(textIn(scene)).toContain(
      '### `ClusterRoleBinding everything`: `ClusterRole broad`\n\nNot used by `ServiceAccount shop/cart`:\n\n' +
        '- `delete pods` cluster-wide\n- `delete,list secrets` cluster-wide\n',
    );
    expect(textIn(scene)).not.toContain('Not used by `ServiceAccount shop/ghost`');
  });

  test('say which bindings the API server named, and which it never did, where it named any', async () => {
    const scene = known();
    await scene.run(SEEN);
    expect(textIn(scene)).not.toContain('## Bindings');
    const place = { kind: 'RoleBinding', namespace: 'shop', name: 'old' } as const;
    const gone = { ...place, roleKind: 'Role', roleName: 'old' } as const;
    await scene.run(SEEN.map((each) => ({ ...each, binding: gone })));
    const [, table = ''] = textIn(scene).split('## Bindings');
    expect(table).toMatch(
      /cart` +\| `RoleBinding old` in `shop` +\| `Role old` +\| for 1 permission, last on \S+; binds it no more/,
    );
    expect(table).toMatch(/cart` +\| `ClusterRoleBinding everything` +\| `ClusterRole broad` +\| never/);
    expect(table).not.toMatch(/ghost|parts-of-kubernetes|system:/);
  });

  test('are the same in any order of what exists', async () => {
    const [one, other] = [known(), known()];
    other.settings = { ...other.settings, existing: new Map([['prod', EXISTING.toReversed()]]) };
    await Promise.all([one.run(LONG), other.run(LONG)]);
    expect(textIn(other)).toBe(textIn(one));
  });

  test('are not there where it is not known; what is there already stays', async () => {
    const scene = known();
    await scene.run(SEEN);
    scene.merge(BRANCH);
    const before = scene.files.get(COMPLIANCE);
    scene.settings = new Scene(SETTINGS).settings;
    await scene.run([...SEEN, ...asked(CART, ['get pods shop'])]);
    expect(scene.world.filesAt(`leastwise/${BRANCH}`).get(COMPLIANCE)).toBe(before);
    expect(scene.pull(BRANCH).title).toBe('Update the policy report of prod');
  });

  test('leave a file of a person alone, and say so', async () => {
    const scene = known({ ...TEAM, [COMPLIANCE]: '# mine' });
    const { problems } = await scene.run(SEEN);
    expect(problems).toEqual([expect.stringContaining(COMPLIANCE)]);
    expect(scene.world.filesAt(`leastwise/${BRANCH}`).get(COMPLIANCE)).toBe('# mine');
  });
});

test('the report says how many findings each policy has', async () => {
  const scene = new Scene(SETTINGS);
  await scene.run([
    ...asked(CART, ['list secrets shop', 'list secrets kube-system']),
    ...asked(ALICE, ['get pods shop']),
  ]);
  const text = scene.world.filesAt('leastwise/prod.policies.reports').get(PATH) ?? '';
  const [, cart = '', alice = ''] = text.split(/^## /m);
  expect(cart).toContain('Findings of this policy: 1 CRITICAL, 2 MEDIUM');
  expect(alice).toContain('User alice');
  expect(alice).not.toContain('Findings');
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
