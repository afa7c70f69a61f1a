import { subjectKey } from '@leastwise/audit-event';
import { describe, expect, test } from 'vitest';

import { choicesFor } from '../team/index.ts';
import { parseTeamFile } from '../team/index.ts';
import { Scene } from './testing/scene.ts';
import { ALICE, asked, CART, days, PAY, refused, stateOf } from './testing/states.ts';
import { TeamFileError } from './types.ts';

const SEEN = [
  ...asked(CART, ['get configmaps shop', 'list pods shop'], days(0, 20)),
  ...asked(PAY, ['get secrets pay token'], days(0, 20)),
];
const SHOP = 'prod.namespace-shop.additions';
const CART_FILE = 'clusters/prod/namespaces/shop/serviceaccount-shop.cart/rbac.yaml';

function team(lines: string): Record<string, string> {
  return { 'leastwise.yaml': `version: 1\n${lines}` };
}

describe('what people do to pull requests', () => {
  test('a branch that a person pushed to is left alone, and says so', async () => {
    const scene = new Scene();
    await scene.run(SEEN);
    scene.commit(`leastwise/${SHOP}`, { 'note.md': 'mine' });
    const tip = scene.world.heads.get(`leastwise/${SHOP}`);
    await scene.run([...SEEN, ...asked(CART, ['watch pods shop'])]);
    expect(scene.world.heads.get(`leastwise/${SHOP}`)).toBe(tip);
    expect(scene.pull(SHOP).comments).toHaveLength(1);
  });

  test('one that was closed stays closed for the same evidence, is opened for more, and reopened is kept current', async () => {
    const scene = new Scene();
    await scene.run(SEEN);
    const { number } = scene.pull(SHOP);
    scene.world.forge.people.close(number);
    await scene.run([...SEEN, ...asked(CART, ['list pods shop'], [21])]);
    expect(scene.openBranches).toEqual(['prod.namespace-pay.additions']);
    await scene.run([...SEEN, ...asked(CART, ['watch pods shop'])]);
    expect(scene.pull(SHOP).number).not.toBe(number);

    const other = new Scene();
    await other.run(SEEN);
    other.world.forge.people.close(other.pull(SHOP).number);
    other.world.forge.people.reopen(number);
    await other.run([...SEEN, ...asked(CART, ['watch pods shop'])]);
    expect(other.pull(SHOP).title).toContain('Grant 3 used permissions');
  });

  test('what is no longer missing is closed with its branch', async () => {
    const scene = new Scene();
    await scene.run(SEEN);
    const { number, branch } = scene.pull(SHOP);
    const files = scene.world.filesAt(branch);
    const ours = [...files].filter(([path]) => path.startsWith('clusters/'));
    scene.commit('main', Object.fromEntries(ours));
    await scene.run(SEEN);
    expect([scene.world.row(number).state, scene.world.heads.has(branch)]).toEqual(['closed', false]);
  });
});

describe('what the team says', () => {
  test('an ignored subject is left out, with its files as they are', async () => {
    const scene = new Scene();
    await scene.settle(SEEN);
    scene.commit('main', team('ignoredSubjects: ["serviceaccount:shop:*"]\n'));
    const more = [...SEEN, ...asked(CART, ['watch pods shop'], [21])];
    const outcome = await scene.run(more);
    expect(outcome.proposals).toEqual([]);
    expect(outcome.withheld).toEqual(new Map([['ignored', 1]]));
    expect(scene.files.has(CART_FILE)).toBe(true);
  });

  test('subjects of the system are left out unless they are included', async () => {
    const scheduler = { kind: 'User', namespace: '', name: 'system:kube-scheduler' } as const;
    const all = asked(scheduler, ['get secrets shop']);
    const scene = new Scene();
    expect((await scene.plan(all)).withheld).toEqual(new Map([['system', 1]]));
    scene.commit('main', team('includedSubjects: ["user:system:kube-scheduler"]\n'));
    expect((await scene.plan(all)).proposals).toHaveLength(1);
  });

  test('a file that cannot be used stops everything, and every problem of it is told', async () => {
    const scene = new Scene({}, team('owner: []\nminimumObservationDays: no\n'));
    const error = await scene.run(SEEN).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(TeamFileError);
    expect(String(error)).toMatch(/leastwise\.yaml:2: .*\n.*leastwise\.yaml:3: /);
    expect(scene.changes).toBe(0);
  });

  test('owners get their own pull requests, with their reviewers; CODEOWNERS has a say where the file has not', async () => {
    const scene = new Scene(
      {},
      {
        ...team('owners:\n  - group: payments\n    namespaces: [pay]\n    reviewers: ["@acme/pay"]\n'),
        CODEOWNERS: '/clusters/*/namespaces/shop/ @acme/shop\n/clusters/ not-an-owner\n',
        'docs/CODEOWNERS': '* @nobody\n',
      },
    );
    const outcome = await scene.run(SEEN);
    const [shop, pay] = outcome.proposals.toSorted((a, b) => (a.group < b.group ? -1 : 1));
    expect([shop?.group, shop?.reviewers]).toEqual([
      expect.stringMatching(/^owners-acme-shop-/),
      ['@acme/shop'],
    ]);
    expect([pay?.group, pay?.reviewers]).toEqual(['payments', ['@acme/pay']]);
    expect(outcome.problems).toEqual([expect.stringMatching(/^CODEOWNERS:2: /)]);
    expect(scene.pull('prod.payments.additions').reviewers).toEqual(['@acme/pay']);
  });

  test('refused requests become permissions only of those for whom the team wants that', async () => {
    const all = [...SEEN, ...refused(CART, ['delete pods shop'])];
    const scene = new Scene();
    const [shop] = (await scene.plan(all)).proposals.filter(({ group }) => group === 'namespace-shop');
    expect(shop?.title).toContain('Grant 2 used');
    expect(shop?.body).toContain('Not part of this change: 1 rule for refused requests');
    scene.commit('main', team('includeDenied: ["serviceaccount:shop:cart"]\n'));
    const [wider] = (await scene.plan(all)).proposals.filter(({ group }) => group === 'namespace-shop');
    expect(wider?.title).toContain('Grant 3 used');
  });

  test('knobs count by namespace, each part of a subject by its own', async () => {
    const names = ['a', 'b', 'c', 'd'].flatMap((name) => [`get pods shop ${name}`, `get pods pay ${name}`]);
    const text = 'policies:\n  - namespaces: [pay]\n    resourceNames: Omit\n';
    const scene = new Scene({}, team(text));
    await scene.settle(asked(CART, names));
    const files = ['shop', 'pay'].map(
      (each) => scene.files.get(CART_FILE.replace('/shop/', `/${each}/`)) ?? '',
    );
    expect(files.map((file) => file.includes('resourceNames'))).toEqual([true, false]);
    const { choices } = parseTeamFile(`version: 1\n${text}`);
    const scope = { cluster: 'prod', subject: CART, namespace: 'pay' };
    expect(choices && choicesFor(choices, scope).knobs.resourceNames).toBe('Omit');
  });

  test('with one knob for a namespace, what the whole cluster gets is still one role', async () => {
    const text =
      'policies:\n  - scopeMode: ClusterScopeAllowed\n  - namespaces: [pay]\n    resourceNames: Omit\n';
    const scene = new Scene({}, team(text));
    await scene.settle(asked(CART, ['get pods shop a', 'get secrets pay b', 'list nodes']));
    const rbac = [...scene.files].filter(([path]) => path.endsWith('rbac.yaml'));
    expect(rbac.map(([path]) => path)).toEqual(['clusters/prod/cluster/serviceaccount-shop.cart/rbac.yaml']);
    expect(rbac[0]?.[1].match(/^kind: ClusterRole$/gm)).toHaveLength(1);
    for (const resource of ['nodes', 'pods', 'secrets']) expect(rbac[0]?.[1]).toContain(`- ${resource}\n`);
  });

  test('a limit on how many are open, the stop label, and the labels are theirs as well', async () => {
    const scene = new Scene({}, team('maxOpenPullRequests: 1\nlabels: [rbac]\nstopLabel: halt\n'));
    await scene.run(SEEN);
    expect(scene.open.map(({ labels }) => [...labels].sort())).toEqual([['leastwise/additions', 'rbac']]);
    const [pull] = scene.open;
    scene.world.forge.people.label(pull?.number ?? 0, 'halt');
    const { changes } = scene;
    await scene.run([...SEEN, ...asked(PAY, ['list secrets pay'])]);
    expect(scene.changes).toBe(changes);
  });
});

describe('who gets nothing for now', () => {
  test('a subject with open detections is granted nothing more, and its removals go on', async () => {
    const held = new Map([['prod', new Set([subjectKey(CART)])]]);
    const scene = new Scene({ held });
    const outcome = await scene.run([...SEEN, ...asked(ALICE, ['get pods shop'])]);
    expect(outcome.withheld).toEqual(new Map([['held', 1]]));
    expect(scene.pull(SHOP).body).toMatch(
      /### Held back\s+- `ServiceAccount shop\/cart`: It has open detections/,
    );
    expect(scene.pull(SHOP).body).not.toContain('`list pods`');

    const other = new Scene();
    const old = [...SEEN, ...asked(CART, ['delete pods shop'])];
    await other.settle(old);
    other.settings = { ...other.settings, held };
    await other.run([
      ...old,
      ...asked(CART, ['list pods shop', 'get configmaps shop', 'watch pods shop'], days(21, 120)),
    ]);
    expect(other.openBranches).toEqual(['prod.namespace-shop.removals']);
  });

  test('a file of a person where ours should stand is left alone, and so is its subject', async () => {
    const scene = new Scene({}, { [CART_FILE]: 'kind: Role\n' });
    const outcome = await scene.run([...SEEN, ...asked(ALICE, ['get pods shop'])]);
    expect(outcome.withheld).toEqual(new Map([['foreign-file', 1]]));
    expect(outcome.problems).toEqual([expect.stringContaining(CART_FILE)]);
    expect(scene.world.filesAt(`leastwise/${SHOP}`).get(CART_FILE)).toBe('kind: Role\n');
    expect(scene.pull(SHOP).body).toContain('A file that is not written by leastwise');
  });

  test('a file in the way of a folder of ours holds back those who would need the folder', async () => {
    const scene = new Scene({}, { 'clusters/prod/namespaces/shop': 'a note' });
    const outcome = await scene.run(SEEN);
    expect(outcome.withheld).toEqual(new Map([['foreign-file', 1]]));
    expect(scene.openBranches).toEqual(['prod.namespace-pay.additions']);
  });

  test.each([
    ['a file that is no YAML any more', (text: string) => text.replace('kind: Role\n', 'kind: [Role\n')],
    [
      'an object of another kind',
      (text: string) => `${text}---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n`,
    ],
    [
      'an object of another namespace',
      (text: string) => text.replaceAll('namespace: shop\n', 'namespace: pay\n'),
    ],
  ])('%s: the subject is held back, and the file stays as it is', async (_, damage) => {
    const scene = new Scene();
    await scene.settle(SEEN);
    scene.commit('main', { [CART_FILE]: damage(scene.files.get(CART_FILE) ?? '') });
    const outcome = await scene.run([...SEEN, ...asked(CART, ['watch pods shop'], [21])]);
    expect(outcome.proposals).toEqual([]);
    expect(outcome.withheld).toEqual(new Map([['unreadable', 1]]));
    expect(outcome.problems).toEqual([expect.stringContaining(CART_FILE)]);
  });

  test('two subjects of one name get nothing, and what they have stays', async () => {
    const other = { kind: 'ServiceAccount', namespace: 'other', name: 'cart' } as const;
    const naming = { template: 'x-${user}', labels: {}, annotations: {} };
    const scene = new Scene();
    scene.settings = { ...scene.settings, options: { ...scene.settings.options, naming } };
    await scene.settle(asked(CART, ['get pods shop']));
    const before = scene.files;
    const outcome = await scene.run([
      ...asked(CART, ['get pods shop', 'list pods shop']),
      ...asked(other, ['get pods shop']),
    ]);
    expect(outcome.withheld).toEqual(new Map([['refused', 2]]));
    expect([outcome.proposals, scene.files]).toEqual([[], before]);
  });

  test('subjects that nobody remembers keep their files, and are counted as waiting', async () => {
    const scene = new Scene();
    await scene.settle(SEEN);
    const outcome = await scene.run(asked(PAY, ['get secrets pay token'], days(0, 20)));
    expect([outcome.proposals, outcome.waiting]).toEqual([[], new Map([['unknown-subject', 1]])]);
    expect((await scene.run(stateOf(asked(PAY, ['get secrets pay'], [0])))).proposals).toHaveLength(1);
    expect(scene.files.has(CART_FILE)).toBe(true);
  });
});
