import type { BindingSubject, RbacObject } from '@leastwise/rbac';
import { describe, expect, test } from 'vitest';

import { Scene } from './testing/scene.ts';
import { ALICE, asked, CART, days, PAY } from './testing/states.ts';

const API = 'rbac.authorization.k8s.io/v1' as const;
const GROUP = 'rbac.authorization.k8s.io';
const SEEN = [
  ...asked(CART, ['get configmaps shop'], days(0, 40)),
  ...asked(PAY, ['get secrets pay token'], days(0, 40)),
];

const ROLE: RbacObject = {
  apiVersion: API,
  kind: 'ClusterRole',
  metadata: { name: 'broad' },
  rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
};

function account(namespace: string, name: string): BindingSubject {
  return { kind: 'ServiceAccount', namespace, name };
}

function bindingOf(name: string, ...subjects: BindingSubject[]): RbacObject {
  return {
    apiVersion: API,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: 'broad' },
    subjects,
  };
}

const CART_BINDING = bindingOf('cart-admin', account('shop', 'cart'));

function manifest(name: string, namespace: string, account: string): string {
  return `apiVersion: ${API}\nkind: ClusterRoleBinding\nmetadata:\n  name: ${name}\nroleRef:\n  apiGroup: ${GROUP}\n  kind: ClusterRole\n  name: broad\nsubjects:\n- kind: ServiceAccount\n  name: ${account}\n  namespace: ${namespace}\n`;
}

/** A repository in which all policies are merged. */
async function mergedScene(
  existing: readonly RbacObject[],
  files: Readonly<Record<string, string>> = {},
): Promise<Scene> {
  const scene = new Scene({}, files);
  await scene.settle(SEEN);
  scene.settings = { ...scene.settings, existing: new Map([['prod', existing]]) };
  return scene;
}

describe('old bindings beside the merged policies', () => {
  test('are an issue of their owner, kept current, and closed when nothing is left', async () => {
    const scene = await mergedScene([ROLE, CART_BINDING]);
    await scene.run(SEEN);
    const [issue, ...others] = scene.world.forge.issues;
    expect(others).toEqual([]);
    expect(issue?.title).toBe('Retire 1 old binding in prod for namespace-shop');
    expect(issue?.body).toContain('kubectl delete clusterrolebinding cart-admin');
    expect(issue?.labels).toEqual(['leastwise', 'leastwise/retirements']);
    const { changes } = scene;
    await scene.run(SEEN);
    expect(scene.changes).toBe(changes);
    scene.settings = { ...scene.settings, existing: new Map([['prod', [ROLE]]]) };
    await scene.run(SEEN);
    expect(scene.world.forge.issues.map(({ isOpen }) => isOpen)).toEqual([false]);
  });

  test('planning opens no issue; the plan names it', async () => {
    const scene = await mergedScene([ROLE, CART_BINDING]);
    const before = scene.changes;
    const { issues } = await scene.plan(SEEN);
    expect(issues.map(({ isOpen }) => isOpen)).toEqual([false, true]);
    expect(scene.changes).toBe(before);
  });

  test('stay as long as their subject was not observable for long enough, or is not merged', async () => {
    const early = asked(CART, ['get configmaps shop'], days(0, 10));
    const scene = new Scene({ existing: new Map([['prod', [ROLE, CART_BINDING]]]) });
    await scene.settle(early);
    await scene.run(early);
    await scene.run([...SEEN, ...asked(CART, ['list secrets shop'], [40])]);
    expect(scene.world.forge.issues).toEqual([]);
  });

  test('of groups they are not listed: nobody knows who else is in them', async () => {
    const group = bindingOf('all', { apiGroup: GROUP, kind: 'Group', name: 'system:serviceaccounts:shop' });
    const scene = await mergedScene([ROLE, group]);
    await scene.run(SEEN);
    expect(scene.world.forge.issues).toEqual([]);
  });

  test('where others need them only their subjects are taken out', async () => {
    const shared = bindingOf('shared', account('shop', 'cart'), account('other', 'job'));
    const scene = await mergedScene([ROLE, shared], {
      'old/shared.yaml': manifest('shared', 'shop', 'cart'),
    });
    await scene.run(SEEN);
    expect(scene.openBranches).toEqual([]);
    expect(scene.world.forge.issues[0]?.body).toContain('take 1 subject out');
    expect(scene.world.forge.issues[0]?.body).toContain('`old/shared.yaml` of this repository');
  });
});

describe('where their own manifest is in the repository', () => {
  const BOTH = `# Bindings of old.\n---\n${manifest('cart-admin', 'shop', 'cart')}---\n${manifest('pay-admin', 'pay', 'api')}`;

  test('a pull request cuts it out of its file, and the issue does not name it', async () => {
    const scene = await mergedScene([ROLE, CART_BINDING], { 'old/bindings.yaml': BOTH });
    await scene.run(SEEN);
    expect(scene.world.forge.issues).toEqual([]);
    const { body, title } = scene.pull('prod.namespace-shop.retirements');
    expect(title).toBe('Remove 1 old binding of prod from this repository');
    expect(body).toContain('- `ClusterRoleBinding cart-admin`, from `old/bindings.yaml`');
    expect(scene.world.filesAt('leastwise/prod.namespace-shop.retirements').get('old/bindings.yaml')).toBe(
      `# Bindings of old.\n---\n${manifest('pay-admin', 'pay', 'api')}`,
    );
    const { changes } = scene;
    await scene.run(SEEN);
    expect(scene.changes).toBe(changes);
  });

  test('a file that holds nothing else goes, unless a kustomization lists it', async () => {
    const file = { 'old/cart.yaml': manifest('cart-admin', 'shop', 'cart') };
    const scene = await mergedScene([ROLE, CART_BINDING], file);
    const [proposal] = (await scene.plan(SEEN)).proposals;
    expect(proposal?.changes).toEqual([{ action: 'delete', path: 'old/cart.yaml' }]);

    const listed = { ...file, 'old/kustomization.yaml': 'resources:\n- cart.yaml\n' };
    const other = await mergedScene([ROLE, CART_BINDING], listed);
    await other.run(SEEN);
    expect(other.openBranches).toEqual([]);
    expect(other.world.forge.issues[0]?.body).toContain('`old/cart.yaml` of this repository');
  });

  test('it stays while another cluster needs the binding, or nobody knows', async () => {
    const file = { 'old/cart.yaml': manifest('cart-admin', 'shop', 'cart') };
    const scene = await mergedScene([ROLE, CART_BINDING], file);
    const two = [
      ...SEEN,
      ...asked(ALICE, ['get pods shop'], days(0, 40)).map((each) => ({ ...each, cluster: 'dev' })),
    ];
    await scene.settle(two);
    expect(scene.world.forge.issues[0]?.body).toContain('`old/cart.yaml` of this repository');
    scene.settings = {
      ...scene.settings,
      existing: new Map([
        ['prod', [ROLE, CART_BINDING]],
        ['dev', [ROLE, CART_BINDING]],
      ]),
    };
    expect((await scene.plan(two)).proposals).toEqual([]);
    scene.settings = {
      ...scene.settings,
      existing: new Map([
        ['prod', [ROLE, CART_BINDING]],
        ['dev', []],
      ]),
    };
    expect((await scene.plan(two)).proposals.map(({ kind }) => kind)).toEqual(['retirements']);
  });

  test('a pull request that was closed stays closed', async () => {
    const scene = await mergedScene([ROLE, CART_BINDING], { 'old/bindings.yaml': BOTH });
    await scene.run(SEEN);
    scene.world.forge.people.close(scene.pull('prod.namespace-shop.retirements').number);
    await scene.run(SEEN);
    expect(scene.openBranches).toEqual([]);
  });
});
