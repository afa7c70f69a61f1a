import { createAuthorizer, parseManifests, type PolicyRule, type RbacObject } from '@leastwise/rbac';
import { complianceReportPath } from '@leastwise/render';
import { describe, expect, test } from 'vitest';

import { auditPolicies } from './testing/audit-policies.ts';
import { Scene } from './testing/scene.ts';
import { ALICE, asked, CART, days, permission, PAY } from './testing/states.ts';

const ALL = '{level: Metadata}';
const NO_EVENTS = '{level: None, resources: [{group: "", resources: [events]}]}';
const NO_CART = '{level: None, users: ["system:serviceaccount:shop:cart"]}';

const ONCE = asked(
  CART,
  ['get configmaps shop', 'delete pods shop web', 'create events shop', 'patch events shop e1'],
  days(0, 3),
);
const SEEN = [...ONCE, ...asked(CART, ['get configmaps shop'], days(4, 200))];
const REMOVALS = 'prod.namespace-shop.removals';

/** A repository in which everything was merged that was used at first; what came later is not proposed yet. */
async function settled(...rules: readonly string[]): Promise<Scene> {
  const scene = new Scene();
  await scene.settle(ONCE);
  if (rules.length > 0) scene.settings = { ...scene.settings, auditPolicies: auditPolicies(...rules) };
  return scene;
}

/** Whether the files of cart at a branch allow something. */
function allows(scene: Scene, branch: string, what: string): boolean {
  const files = [...scene.world.filesAt(branch)].filter(([path]) => path.endsWith('rbac.yaml'));
  const objects = files.flatMap(([path, text]) => parseManifests(text, path).objects);
  const groups = ['system:authenticated'];
  return createAuthorizer(objects).authorize({ subject: CART, groups, permission: permission(what) }).allowed;
}

describe('a removal, where the audit policy of the cluster is known', () => {
  test('golden: is of what is logged; the rest stays, with the rule and the line, and is a blind spot', async () => {
    const scene = await settled(NO_EVENTS, ALL);
    const { waiting } = await scene.run(SEEN);
    expect(scene.openBranches).toEqual([REMOVALS]);
    const at = (what: string) => allows(scene, `leastwise/${REMOVALS}`, what);
    expect([at('delete pods shop web'), at('create events shop'), at('patch events shop e1')]).toEqual([
      ...[false, true, true],
    ]);
    expect(Object.fromEntries(waiting)).toEqual({ 'not-logged': 1 });
    const { body } = scene.pull(REMOVALS);
    expect(body).not.toContain('is not known here');
    await expect(body.replace(/<!-- leastwise[^]*?-->/g, '')).toMatchFileSnapshot(
      '../../testdata/removals-audit-policy.md',
    );
    const { changes } = scene;
    await scene.run(SEEN);
    expect(scene.changes).toBe(changes);
  });

  test('is of all of it where all is logged, and the text says nothing of what it does not know', async () => {
    const scene = await settled(ALL);
    await scene.run(SEEN);
    expect(allows(scene, `leastwise/${REMOVALS}`, 'create events shop')).toBe(false);
    expect(scene.pull(REMOVALS).body).not.toContain('audit policy');
  });

  test('is of all of it, and says so, where nobody knows the policy', async () => {
    const scene = await settled();
    await scene.run(SEEN);
    expect(allows(scene, `leastwise/${REMOVALS}`, 'create events shop')).toBe(false);
    expect(scene.pull(REMOVALS).body).toContain('The audit policy of the cluster is not known here');
    scene.settings = {
      ...scene.settings,
      auditPolicies: new Map([...auditPolicies(ALL)].map(([, policy]) => ['other', policy])),
    };
    await scene.run(SEEN);
    expect(scene.pull(REMOVALS).body).toContain('The audit policy of the cluster is not known here');
  });

  test('is none where nothing that would go is logged', async () => {
    const scene = await settled('{level: Metadata, verbs: [get]}');
    const { waiting } = await scene.run(SEEN);
    expect(scene.openBranches).toEqual([]);
    expect(waiting.get('not-logged')).toBe(1);
  });

  test('of a wildcard waits while a part of it is hidden', async () => {
    const wide = (scene: Scene): void => {
      const path = 'clusters/prod/namespaces/shop/serviceaccount-shop.cart/rbac.yaml';
      const text = scene.files.get(path) ?? '';
      scene.commit('main', { [path]: text.replace(/- delete\n/, '- "*"\n') });
    };
    const hidden = await settled('{level: None, verbs: [watch]}', ALL);
    wide(hidden);
    await hidden.run(SEEN);
    const body = hidden.pull(REMOVALS).body;
    expect(allows(hidden, `leastwise/${REMOVALS}`, 'update pods shop web')).toBe(true);
    expect(body).toContain('rule 1 of the audit policy (line 4) has level None (for a part of it)');
    const seen = await settled(ALL);
    wide(seen);
    await seen.run(SEEN);
    expect(allows(seen, `leastwise/${REMOVALS}`, 'update pods shop web')).toBe(false);
  });

  test('keeps what is pinned and what is hidden', async () => {
    const scene = await settled(NO_EVENTS, ALL);
    scene.commit('main', {
      'leastwise.yaml':
        'version: 1\npinned:\n- subjects: ["serviceaccount:shop:cart"]\n  namespaces: [shop]\n  rules:\n  - {apiGroups: [""], resources: [pods], resourceNames: [web], verbs: [delete]}\n',
    });
    const { waiting } = await scene.run(SEEN);
    expect(scene.openBranches).toEqual([]);
    expect(waiting.get('not-logged')).toBe(1);
  });
});

describe('a subject that a rule is about', () => {
  test('is a blind spot on its pull requests, of what is added and what is taken away', async () => {
    const scene = await settled(NO_CART, NO_EVENTS, ALL);
    await scene.run([
      ...SEEN,
      ...asked(CART, ['list pods shop'], days(180, 200)),
      ...asked(PAY, ['get pods pay'], days(190, 200)),
    ]);
    expect(scene.openBranches).toEqual(['prod.namespace-pay.additions', 'prod.namespace-shop.additions']);
    expect(scene.pull('prod.namespace-shop.additions').body).toContain(
      'No request of ServiceAccount `shop/cart` is logged: rule 1 of the audit policy (line 4) has level None. What only they needed is not granted here.',
    );
    const { body } = scene.pull('prod.namespace-pay.additions');
    expect(body).not.toContain('cart');
    expect(body).toContain(
      'Some requests, whoever makes them, are not logged: rule 2 of the audit policy (line 5) has level None.',
    );
  });

  test('is a blind spot in the report of its policies, and of nobody else', async () => {
    const scene = await settled(NO_CART, ALL);
    scene.settings = { ...scene.settings, publishesReports: true };
    await scene.run([...SEEN, ...asked(PAY, ['get pods pay'], days(190, 200))]);
    const text = scene.world.filesAt('leastwise/prod.policies.reports').get('reports/prod/policies.md') ?? '';
    const spots = text.split('\n').filter((line) => line.includes('Blind spot'));
    expect(spots).toEqual([
      '> **Blind spot:** `No request of it is logged: rule 1 of the audit policy (line 4) has level None`',
    ]);
    expect(text.indexOf('Blind spot')).toBeGreaterThan(text.indexOf('cart'));
  });

  test('in part is named with its rule', async () => {
    const scene = await settled(
      '{level: None, users: ["system:serviceaccount:shop:cart"], verbs: [watch]}',
      ALL,
    );
    await scene.run(SEEN);
    expect(scene.pull(REMOVALS).body).toContain(
      'Some requests of ServiceAccount `shop/cart` are not logged: rule 1 of the audit policy (line 4) has level None. What only they may have used stays, and is not called unused.',
    );
  });
});

describe('beside the RBAC of the cluster', () => {
  const API = 'rbac.authorization.k8s.io/v1' as const;
  const GROUP = 'rbac.authorization.k8s.io';
  const broad = (rules: readonly PolicyRule[]): RbacObject[] => [
    { apiVersion: API, kind: 'ClusterRole', metadata: { name: 'broad' }, rules },
    {
      apiVersion: API,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'everything' },
      roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: 'broad' },
      subjects: [
        { kind: 'ServiceAccount', namespace: 'shop', name: 'cart' },
        { apiGroup: GROUP, kind: 'User', name: 'ghost' },
      ],
    },
  ];
  const RULES: PolicyRule[] = [
    { apiGroups: [''], resources: ['configmaps', 'events', 'pods'], verbs: ['get'] },
  ];
  const LONG = asked(CART, ['get configmaps shop'], days(0, 60));

  async function reportOf(...rules: readonly string[]): Promise<string> {
    return await reportWith(RULES, ...rules);
  }

  async function reportWith(role: readonly PolicyRule[], ...rules: readonly string[]): Promise<string> {
    const scene = new Scene({
      publishesReports: true,
      existing: new Map([['prod', broad(role)]]),
      ...(rules.length > 0 && { auditPolicies: auditPolicies(...rules) }),
    });
    await scene.run([...LONG, ...asked(ALICE, ['get configmaps shop'])]);
    return scene.world.filesAt('leastwise/prod.policies.reports').get(complianceReportPath('prod')) ?? '';
  }

  test('the report counts what is not logged as not observable, neither used nor unused', async () => {
    const unknown = await reportOf();
    expect(unknown).toMatch(/`ServiceAccount shop\/cart` \| +33 \| Red +\| +1 \| +3 \|/);
    expect(unknown).toContain('- `get events` cluster-wide');
    const known = await reportOf(NO_EVENTS, ALL);
    expect(known).toMatch(/`ServiceAccount shop\/cart` \| +50 \| Yellow +\| +1 \| +3 \| +1 \|/);
    const [, unused = '', unseen = ''] = /## Unused grants([^]*)## Not observable([^]*)/.exec(known) ?? [];
    expect(unused).toContain('- `get pods` cluster-wide');
    expect(unused).not.toContain('events');
    expect(unseen).toContain(
      '- `get events` cluster-wide: rule 1 of the audit policy (line 4) has level None',
    );
  });

  test('of a wildcard that is hidden in part the report does not say that a part is unused', async () => {
    const wild: PolicyRule[] = [{ apiGroups: [''], resources: ['*'], verbs: ['get'] }];
    const report = await reportWith(wild, NO_EVENTS, ALL);
    expect(report).toContain('## Unused grants\n\nNone is proven.');
    expect(report).toContain('rule 1 of the audit policy (line 4) has level None (for a part of it)');
    expect(await reportWith(wild, ALL)).toContain('- `get *` cluster-wide: something of it was used');
  });

  test('the report names whom the policy hides, and scores them neither well nor badly', async () => {
    const report = await reportOf('{level: None, users: [ghost]}', ALL);
    expect(report).toMatch(/`User ghost` +\| +– \| – +\| +0 \| +3 \| +3 \|/);
    expect(report).toContain(
      '- `User ghost`: nothing of it is logged: rule 1 of the audit policy (line 4) has level None',
    );
    expect(await reportOf(ALL)).not.toContain('## Blind spots');
  });

  test('an old binding stays while only it grants what is not logged', async () => {
    const retired = async (rules: readonly string[], role: readonly PolicyRule[]): Promise<boolean> => {
      const scene = new Scene();
      await scene.settle(LONG);
      const existing = new Map([['prod', broad(role)]]);
      scene.settings = { ...scene.settings, existing, auditPolicies: auditPolicies(...rules) };
      await scene.run(LONG);
      return scene.world.forge.issues.some(({ body }) => body.includes('everything'));
    };
    expect(await retired([ALL], RULES)).toBe(true);
    expect(await retired([NO_EVENTS, ALL], RULES)).toBe(false);
    const other: PolicyRule[] = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
    expect(await retired([NO_EVENTS, ALL], other)).toBe(true);
    const wild: PolicyRule[] = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
    expect(await retired([NO_EVENTS, ALL], wild)).toBe(false);
    const names = Array.from({ length: 20_001 }, (_, at) => `n${String(at)}`);
    const many: PolicyRule[] = [
      { apiGroups: [''], resources: ['pods'], resourceNames: names, verbs: ['get'] },
    ];
    expect(await retired([ALL], many)).toBe(false);
  });
});
