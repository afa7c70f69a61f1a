import { audit, FINDING_SEVERITIES } from '@leastwise/findings';
import {
  bootstrapDefaults,
  DEFAULT_OPTIONS,
  NEWEST_KUBERNETES,
  parseManifests,
  type PolicyRule,
  type RbacObject,
} from '@leastwise/rbac';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { Files } from '../types.ts';
import { ALICE, asked, type Asked, CART, days, PAY } from './testing/states.ts';
import { Scene } from './testing/scene.ts';

const API = 'rbac.authorization.k8s.io/v1' as const;
const GROUP = 'rbac.authorization.k8s.io';
const RBAC_RULE = { apiGroups: [GROUP], resources: ['clusterroles'], verbs: ['bind'] };
const SHOP = 'prod.namespace-shop.additions';
const CLUSTER = 'prod.cluster.additions';

function clusterRole(name: string, rules: readonly PolicyRule[]): RbacObject {
  return { apiVersion: API, kind: 'ClusterRole', metadata: { name }, rules };
}

function clusterBinding(
  role: string,
  subject: { readonly kind: 'User' | 'Group'; readonly name: string },
): RbacObject {
  return {
    apiVersion: API,
    kind: 'ClusterRoleBinding',
    metadata: { name: `binds-${role}` },
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: GROUP, ...subject }],
  };
}

function withExisting(...existing: RbacObject[]): Scene {
  return new Scene({ existing: new Map([['prod', existing]]) });
}

function riskOf(body: string): string {
  return / · risk (.*)$/m.exec(body)?.[1] ?? 'none';
}

/** The rows of the table of risks, without their spaces. */
function rowsOf(body: string): string[] {
  const [, section = ''] = body.split('### Risk\n\n');
  const [table = ''] = section.split('\n\n');
  return table
    .split('\n')
    .slice(2)
    .map((line) => line.replace(/ +/g, ' '));
}

describe('a proposal says what it makes of the risk', () => {
  test('additions: what comes, with the rule, the severity, the subject and the grant', async () => {
    const scene = new Scene();
    await scene.run(asked(CART, ['list secrets shop', 'get pods shop']));
    const { body, labels } = scene.pull(SHOP);
    expect(riskOf(body)).toBe('+1 MEDIUM');
    expect(rowsOf(body)).toEqual([
      '| `R030` | MEDIUM | 0 | 1 | **new:** ServiceAccount `shop/cart` may list secrets in namespace shop |',
    ]);
    expect(body).toMatch(/To put it right:\n\n- `R030`: Grant get on the secrets /);
    expect(body).not.toContain('A reviewer is required');
    expect(labels).toEqual(['leastwise', 'leastwise/additions']);
  });

  test('removals: what goes', async () => {
    const scene = new Scene();
    const both = ['list secrets shop', 'get pods shop'];
    await scene.settle(asked(CART, both, [0]));
    const later = [...asked(CART, both, [0]), ...asked(CART, ['get pods shop'], days(1, 120))];
    await scene.run(later);
    const { body, labels } = scene.pull('prod.namespace-shop.removals');
    expect(riskOf(body)).toBe('−1 MEDIUM');
    expect(rowsOf(body)).toEqual([
      '| `R030` | MEDIUM | 1 | 0 | gone: ServiceAccount `shop/cart` may list secrets in namespace shop |',
    ]);
    expect(labels).toEqual(['leastwise', 'leastwise/removals']);
  });

  test('what is grave on the result of an addition needs a reviewer, and gets a label', async () => {
    const scene = new Scene();
    const grave = asked(ALICE, ['list secrets']);
    await scene.run(grave);
    const first = scene.pull(CLUSTER);
    expect(first.body).toContain('> **A reviewer is required:**');
    expect(first.body).toContain('Look at these first: `R030` CRITICAL.');
    expect(first.labels).toEqual(['leastwise', 'leastwise/additions', 'leastwise/risk']);

    scene.merge(CLUSTER);
    await scene.run([...grave, ...asked(ALICE, ['list nodes'])]);
    const second = scene.pull(CLUSTER);
    expect(riskOf(second.body)).toBe('as before');
    expect(rowsOf(second.body)).toEqual([
      '| `R030` | CRITICAL | 1 | 1 | as before: User alice may list secrets in the whole cluster |',
    ]);
    expect(second.labels).toContain('leastwise/risk');
  });

  test('what stays elsewhere is not told: it is no matter of this owner', async () => {
    const scene = new Scene();
    const grave = asked(ALICE, ['list secrets']);
    await scene.settle(grave);
    await scene.run([...grave, ...asked(ALICE, ['create pods shop'])]);
    const { body, labels } = scene.pull(SHOP);
    expect(rowsOf(body)).toEqual([
      '| `R050` | MEDIUM | 0 | 1 | **new:** User alice may create pods in namespace shop |',
    ]);
    expect(labels).not.toContain('leastwise/risk');
  });

  test('several subjects of one pull request are judged together and told apart', async () => {
    const scene = new Scene();
    await scene.run([...asked(CART, ['list secrets shop']), ...asked(PAY, ['list secrets shop'])]);
    const { body } = scene.pull(SHOP);
    expect(riskOf(body)).toBe('+2 MEDIUM +1 INFO');
    expect(rowsOf(body).map((row) => /Account (`[^`]*`)/.exec(row)?.[1])).toEqual([
      '`pay/api`',
      '`shop/cart`',
      '`pay/api`',
    ]);
  });
});

describe('what else the subject holds in the cluster counts', () => {
  const writes = asked(ALICE, [`create ${GROUP}:rolebindings shop`]);

  test('alone, writing bindings is one finding; with the right to bind that somebody else granted, it is another', async () => {
    const alone = new Scene();
    await alone.run(writes);
    expect(rowsOf(alone.pull(SHOP).body)).toEqual([expect.stringContaining('`R043` | HIGH | 0 | 1')]);

    const scene = withExisting(
      clusterRole('binder', [RBAC_RULE]),
      clusterBinding('binder', { kind: 'User', name: 'alice' }),
    );
    await scene.run(writes);
    expect(rowsOf(scene.pull(SHOP).body)[0]).toContain('`R042` | CRITICAL | 0 | 1');
  });

  test('also where a group holds it in which everybody is, and by a role that is aggregated', async () => {
    const aggregated: RbacObject = {
      apiVersion: API,
      kind: 'ClusterRole',
      metadata: { name: 'binder' },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: 'binder' } }] },
      rules: [],
    };
    const part: RbacObject = {
      apiVersion: API,
      kind: 'ClusterRole',
      metadata: { name: 'part', labels: { part: 'binder' } },
      rules: [RBAC_RULE],
    };
    const everybody = clusterBinding('binder', { kind: 'Group', name: 'system:authenticated' });
    const scene = withExisting(everybody, aggregated, part);
    await scene.run(writes);
    expect(rowsOf(scene.pull(SHOP).body)[0]).toContain('`R042` | CRITICAL');
  });

  test('what others hold does not', async () => {
    const scene = withExisting(
      clusterRole('binder', [RBAC_RULE]),
      clusterBinding('binder', { kind: 'User', name: 'bob' }),
    );
    await scene.run(writes);
    expect(scene.pull(SHOP).body).not.toContain('R042');
  });

  test('it has no findings of its own, and the copy of ours in the cluster keeps nothing alive', async () => {
    const scene = withExisting();
    const both = [`create ${GROUP}:rolebindings shop`, 'get pods shop'];
    await scene.settle(asked(ALICE, both, [0]));
    const [path = ''] = [...scene.files.keys()].filter((each) => each.endsWith('user-alice/rbac.yaml'));
    const live = parseManifests(scene.files.get(path) ?? '', path, { namespace: 'shop' }).objects;
    expect(live).toHaveLength(2);
    const binder = [
      clusterRole('binder', [RBAC_RULE]),
      clusterBinding('binder', { kind: 'User', name: 'alice' }),
    ];
    scene.settings = { ...scene.settings, existing: new Map([['prod', [...live, ...binder]]]) };
    await scene.run([...asked(ALICE, both, [0]), ...asked(ALICE, ['get pods shop'], days(1, 120))]);
    const { body } = scene.pull('prod.namespace-shop.removals');
    expect(riskOf(body)).toBe('−1 CRITICAL');
    expect(body).not.toContain('`R041`');
  });
});

test('what the files no longer hold is gone, though the cluster still has it until they are applied', async () => {
  const steals = [
    ...asked(ALICE, ['update nodes/status'], days(0, 120)),
    ...asked(ALICE, ['delete pods kube-system'], [0]),
  ];
  const scene = withExisting();
  await scene.settle(steals.map((each) => ({ ...each, days: [0] })));
  const live = [...scene.files]
    .filter(([path]) => path.endsWith('/rbac.yaml'))
    .flatMap(([path, text]) => parseManifests(text, path).objects);
  scene.settings = { ...scene.settings, existing: new Map([['prod', live]]) };
  await scene.run(steals);
  const { body } = scene.pull('prod.namespace-kube-system.removals');
  expect(rowsOf(body)).toContainEqual(expect.stringMatching(/`R060` \| HIGH \| 1 \| 0 \| gone/));
});

test('a role that nobody is bound to grants nothing yet', async () => {
  const scene = new Scene();
  const secrets = asked(CART, ['list secrets shop']);
  await scene.settle(secrets);
  const [path = ''] = [...scene.files.keys()].filter((each) => each.endsWith('cart/rbac.yaml'));
  const text = scene.files.get(path) ?? '';
  scene.commit('main', { [path]: text.slice(0, text.indexOf('---\napiVersion', 1)) });
  expect(parseManifests(scene.files.get(path) ?? '', path).objects.map(({ kind }) => kind)).toEqual(['Role']);
  await scene.run(secrets);
  expect(riskOf(scene.pull(SHOP).body)).toBe('+1 MEDIUM');
});

describe('the same state says the same', () => {
  const grave = asked(ALICE, [`create ${GROUP}:rolebindings shop`, 'list secrets shop']);
  const existing = [
    clusterRole('binder', [RBAC_RULE]),
    clusterBinding('binder', { kind: 'User', name: 'alice' }),
    clusterRole('other', [RBAC_RULE]),
    clusterBinding('other', { kind: 'User', name: 'alice' }),
  ];

  test('in any order of what exists, and at any time', async () => {
    const plans = [existing, existing.toReversed()].map(async (objects, at) => {
      const scene = withExisting(...objects);
      scene.nowUs += at * 1e15;
      const { proposals } = await scene.plan(grave);
      return proposals;
    });
    const [one, other] = await Promise.all(plans);
    expect(one).toEqual(other);
    expect(one?.[0]?.body).toContain('R042');
  });

  test('findings change the text, and never what a person declines', async () => {
    const [alone] = (await new Scene().plan(grave)).proposals;
    const [beside] = (await withExisting(...existing).plan(grave)).proposals;
    expect(beside?.body).not.toBe(alone?.body);
    expect(beside?.fingerprint).toBe(alone?.fingerprint);
    expect(beside?.changes).toEqual(alone?.changes);
  });

  test('a second cycle changes nothing', async () => {
    const scene = withExisting(...existing);
    await scene.run(grave);
    const { changes } = scene;
    await scene.run(grave);
    expect(scene.changes).toBe(changes);
  });

  test('the version of Kubernetes decides what a permission allows', async () => {
    const exec = asked(CART, ['get pods/exec shop', 'get pods shop'], [0]);
    const later = [...exec, ...asked(CART, ['get pods shop'], days(1, 120))];
    const at = (minor: number) => ({ ...DEFAULT_OPTIONS, kubernetesVersion: { major: 1, minor } });
    const scene = new Scene({ options: at(34) });
    await scene.settle(exec);
    const risks = [34, 35].map(async (minor) => {
      scene.settings = { ...scene.settings, options: at(minor) };
      const [proposal] = (await scene.plan(later)).proposals;
      return riskOf(proposal?.body ?? '');
    });
    expect(await Promise.all(risks)).toEqual(['−1 MEDIUM', 'as before']);
  });
});

/** How many findings of each severity the files of a repository have, by an audit of all of them at once. */
function countsOf(files: Files): number[] {
  const objects = [...files]
    .filter(([path]) => path.endsWith('/rbac.yaml'))
    .flatMap(([path, text]) => parseManifests(text, path).objects);
  const { findings } = audit({
    objects: objects.map((object) => ({ object })),
    bootstrap: bootstrapDefaults(NEWEST_KUBERNETES),
    judgeUnboundRoles: false,
    nowMs: 0,
  });
  return FINDING_SEVERITIES.map(
    (severity) => findings.filter((finding) => finding.severity === severity).length,
  );
}

/** `+1 CRITICAL −2 LOW` by severity. */
function differencesOf(text: string): number[] {
  return FINDING_SEVERITIES.map((severity) => {
    const [, sign = '+', count = '0'] = new RegExp(`([+−])(\\d+) ${severity}`).exec(text) ?? [];
    return sign === '+' ? Number(count) : -Number(count);
  });
}

const WHATS = [
  'list secrets shop',
  'list secrets',
  'get pods shop',
  'create pods shop',
  'create pods/exec kube-system',
  `create ${GROUP}:rolebindings shop`,
  `update ${GROUP}:clusterroles`,
  'create serviceaccounts/token pay api',
  'get /metrics',
];

test('the first line says how the findings of the whole repository change with the merge', async () => {
  const use = fc.record({
    subject: fc.constantFrom(ALICE, CART, PAY),
    what: fc.constantFrom(...WHATS),
    isLasting: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(use, { minLength: 1, maxLength: 8 }), fc.nat(), async (uses, pick) => {
      const scene = new Scene();
      const old = uses.flatMap(({ subject, what }): Asked[] => asked(subject, [what], [0]));
      await scene.settle(old.slice(0, Math.ceil(old.length / 2)));
      const lasting = uses.filter(({ isLasting }) => isLasting);
      const later = lasting.flatMap(({ subject, what }) => asked(subject, [what], days(1, 120)));
      await scene.run([...old, ...later]);
      const branch = scene.openBranches[pick % Math.max(1, scene.openBranches.length)];
      if (branch === undefined) return;
      const { body } = scene.pull(branch);
      const before = countsOf(scene.files);
      scene.merge(branch);
      const after = countsOf(scene.files);
      expect(differencesOf(riskOf(body))).toEqual(after.map((count, at) => count - (before[at] ?? 0)));
    }),
    { numRuns: 40 },
  );
});
