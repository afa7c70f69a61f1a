import { emptyEvidence } from '@leastwise/rbac';
import { describe, expect, test } from 'vitest';

import { ForgeError } from '../review.ts';
import { ALICE, asked, CART, clustersOf, days, PAY, stateOf } from './testing/states.ts';
import { Scene } from './testing/scene.ts';
import { policiesOf, wholeRepository } from './testing/whole-repository.ts';

const OLD = asked(CART, ['delete configmaps shop'], [0]);
const EARLY = [
  ...asked(CART, ['get configmaps shop', 'list pods shop'], days(0, 20)),
  ...asked(PAY, ['get secrets pay token'], days(0, 20)),
  ...asked(ALICE, ['list nodes', 'get pods shop'], days(0, 20)),
];
const GROUPS = ['prod.cluster.additions', 'prod.namespace-pay.additions', 'prod.namespace-shop.additions'];

function only(files: ReadonlyMap<string, string>, path: string): string {
  return files.get(path) ?? `no ${path}`;
}

describe('from an empty repository', () => {
  test('the first cycle opens a pull request for each group, the second one changes nothing', async () => {
    const scene = new Scene();
    const first = await scene.run(EARLY);
    expect(scene.openBranches).toEqual(GROUPS);
    expect(first.outcomes.every(({ result }) => result === 'done')).toBe(true);
    expect(first.proposals.map(({ title }) => title)).toEqual([
      'Grant 1 used permission to 1 subject in prod for cluster',
      'Grant 1 used permission to 1 subject in prod for namespace-pay',
      'Grant 3 used permissions to 2 subjects in prod for namespace-shop',
    ]);
    const { changes } = scene;
    const second = await scene.run(EARLY);
    expect(scene.changes).toBe(changes);
    expect(second.proposals).toEqual(first.proposals);
    expect(second.plan.actions.map(({ action }) => action)).toEqual(['leave', 'leave', 'leave']);
  });

  test('planning alone changes nothing and plans the same', async () => {
    const scene = new Scene();
    const planned = await scene.plan(EARLY);
    expect(scene.changes).toBe(0);
    expect(planned.outcomes).toEqual([]);
    const { plan, proposals } = await scene.run(EARLY);
    expect({ plan, proposals }).toEqual({ plan: planned.plan, proposals: planned.proposals });
  });

  test('once one is merged, only the rest is proposed, on top of it', async () => {
    const scene = new Scene();
    await scene.run(EARLY);
    scene.merge('prod.namespace-pay.additions');
    await scene.run(EARLY);
    expect(scene.openBranches).toEqual(['prod.cluster.additions', 'prod.namespace-shop.additions']);
    const list = only(
      scene.world.filesAt('leastwise/prod.namespace-shop.additions'),
      'clusters/prod/namespaces/kustomization.yaml',
    );
    expect(list).toMatch(/- pay\n- shop\n$/);
  });

  test('with all of them merged, the files are the ones of a whole rendering, and nothing is left to do', async () => {
    const scene = new Scene();
    await scene.settle(EARLY);
    expect(policiesOf(scene.files)).toEqual(policiesOf(wholeRepository(clustersOf(EARLY))));
    expect((await scene.run(EARLY)).proposals).toEqual([]);
  });

  test('a state that knows nothing proposes nothing', async () => {
    const scene = new Scene({ publishesReports: true });
    const outcome = await scene.run([]);
    expect([outcome.proposals, outcome.plan.actions, scene.changes]).toEqual([[], [], 0]);
  });

  test('a repository without a commit waits; told to commit everything itself, it is written at once', async () => {
    const scene = new Scene();
    scene.world.remote.point('main', undefined);
    const outcome = await scene.run(EARLY);
    expect(new Set(outcome.plan.actions.map((each) => each.action === 'leave' && each.reason))).toEqual(
      new Set(['no-base']),
    );
    scene.settings = { ...scene.settings, directly: 'everything' };
    await scene.run(EARLY, { pulls: undefined });
    expect(policiesOf(scene.files)).toEqual(policiesOf(wholeRepository(clustersOf(EARLY))));
  });
});

describe('when the state goes on', () => {
  test('new evidence is proposed as the difference, in the files that it concerns', async () => {
    const scene = new Scene();
    await scene.settle(EARLY);
    const { proposals } = await scene.run([...EARLY, ...asked(PAY, ['list secrets pay'], [21])]);
    expect(proposals.map(({ group, kind }) => [group, kind])).toEqual([['namespace-pay', 'additions']]);
    expect(proposals[0]?.changes.map(({ path }) => path)).toEqual([
      'clusters/prod/namespaces/pay/serviceaccount-pay.api/rbac.yaml',
    ]);
    expect(proposals[0]?.body).toContain('`list secrets` in `pay`');
    expect(proposals[0]?.body).not.toContain('| `get secrets`');
  });

  test('more requests of what is proposed already change no pull request', async () => {
    const scene = new Scene();
    await scene.run(EARLY);
    const { changes } = scene;
    const more = EARLY.map((each) => ({ ...each, times: each.days.length > 10 ? 3 : 1 }));
    await scene.run(more);
    expect(scene.changes).toBe(changes);
  });

  test('evidence that changes brings the open pull request up to date in place', async () => {
    const scene = new Scene();
    await scene.run(EARLY);
    const before = scene.pull('prod.namespace-pay.additions').number;
    await scene.run([...EARLY, ...asked(PAY, ['list secrets pay'])]);
    const after = scene.pull('prod.namespace-pay.additions');
    expect(after.number).toBe(before);
    expect(after.title).toContain('Grant 2 used permissions');
  });
});

describe('removals', () => {
  const LATER = [...EARLY, ...OLD, ...asked(CART, ['get configmaps shop', 'list pods shop'], days(21, 120))];
  const FILE = 'clusters/prod/namespaces/shop/serviceaccount-shop.cart/rbac.yaml';

  async function approvedScene(): Promise<Scene> {
    const scene = new Scene();
    await scene.settle([...EARLY, ...OLD]);
    expect(only(scene.files, FILE)).toContain('delete');
    return scene;
  }

  test('wait until the subject was observable for long enough, and are counted', async () => {
    const scene = new Scene();
    const short = { ...scene.settings.options, retentionDays: 31 };
    scene.settings = { ...scene.settings, options: short };
    await scene.settle(stateOf(OLD));
    // Known for 40 days by now, and not seen on one of the last 30.
    const quiet = [...OLD, ...asked(ALICE, ['get pods shop'], [40])];
    const outcome = await scene.run(quiet);
    expect(scene.openBranches).toEqual(['prod.namespace-shop.additions']);
    expect(outcome.waiting).toEqual(new Map([['inactive', 1]]));
  });

  test('are proposed apart, with the days on which nothing was used, and end in the whole rendering', async () => {
    const scene = await approvedScene();
    const { proposals } = await scene.run(LATER);
    const removal = proposals.find(({ kind }) => kind === 'removals');
    expect(removal?.title).toBe('Remove 1 unused permission from 1 subject in prod for namespace-shop');
    expect(removal?.body).toContain('| `delete configmaps` in `shop` | 2025-10-09 |');
    expect(proposals.map(({ kind }) => kind)).not.toContain('additions');
    await scene.settle(LATER);
    const own = policiesOf(scene.files)[FILE];
    expect(own).toBe(policiesOf(wholeRepository(clustersOf(LATER)))[FILE]);
    expect(own).not.toContain('delete');
  });

  test('additions and removals of one subject are rendered against the base alone; in either order the end is the same', async () => {
    const more = [...LATER, ...asked(CART, ['watch pods shop'], [120])];
    const ends = [];
    for (const order of [
      ['additions', 'removals'],
      ['removals', 'additions'],
    ]) {
      const scene = await approvedScene();
      await scene.run(more);
      expect(scene.openBranches).toEqual(['prod.namespace-shop.additions', 'prod.namespace-shop.removals']);
      const [added, removed] = ['additions', 'removals'].map((kind) =>
        only(scene.world.filesAt(`leastwise/prod.namespace-shop.${kind}`), FILE),
      );
      expect([added?.includes('watch'), added?.includes('delete')]).toEqual([true, true]);
      expect([removed?.includes('watch'), removed?.includes('delete')]).toEqual([false, false]);
      scene.merge(`prod.namespace-shop.${order[0] ?? ''}`);
      await scene.run(more);
      expect(scene.openBranches).toEqual([`prod.namespace-shop.${order[1] ?? ''}`]);
      await scene.settle(more);
      ends.push(only(scene.files, FILE));
    }
    expect(ends[0]).toBe(ends[1]);
    expect(ends[0]).toBe(policiesOf(wholeRepository(clustersOf(more)))[FILE]);
  });

  test('with lost events nothing is removed', async () => {
    const scene = await approvedScene();
    const outcome = await scene.run({ ...stateOf(LATER), lost: 3 });
    expect(outcome.proposals).toEqual([]);
    // The other two have not been seen within the retention, so that all that they hold is unused.
    expect(outcome.waiting.get('lost-events')).toBe(3);
  });

  test('as many lost events as the team accepts keep nothing from being removed, and not one more', async () => {
    const scene = await approvedScene();
    scene.commit('main', { 'leastwise.yaml': 'version: 1\nacceptedLostEvents: 3\n' });
    const more = await scene.plan({ ...stateOf(LATER), lost: 4 });
    expect([more.proposals, more.waiting.get('lost-events')]).toEqual([[], 3]);
    const accepted = await scene.plan({ ...stateOf(LATER), lost: 3 });
    expect(accepted.proposals.length).toBeGreaterThan(0);
    expect(accepted.waiting.get('lost-events') ?? 0).toBe(0);
  });

  test('a subject that needed more than is remembered of it keeps what it has', async () => {
    const scene = await approvedScene();
    const state = stateOf(LATER);
    for (const { subject, allowed } of state.clusters.flatMap(({ subjects }) => [...subjects.values()])) {
      if (subject === CART) allowed.overflow = emptyEvidence();
    }
    const outcome = await scene.run(state);
    expect(outcome.proposals).toEqual([]);
    expect(outcome.waiting.get('incomplete')).toBe(1);
  });

  test('files whose permissions stay are not written again, whatever they look like', async () => {
    const scene = await approvedScene();
    const all = [...LATER, ...asked(CART, ['get secrets pay'], days(0, 120))];
    await scene.settle(all);
    const other = FILE.replace('/shop/', '/pay/');
    scene.commit('main', { [other]: only(scene.files, other).replaceAll('suggested-', 'our-') });
    const { proposals } = await scene.run([
      ...all,
      ...asked(CART, ['watch pods shop', 'escalate roles pay'], [120]),
    ]);
    expect(proposals.map(({ group }) => group)).toEqual(['namespace-shop']);
  });

  test('more than can be watched after the merge is told, and its text fits all the same', async () => {
    const many = Array.from({ length: 1_600 }, (_, i) => `get group${i}.example:kind${i} shop`);
    const scene = new Scene();
    await scene.settle(asked(CART, ['list pods shop', ...many]));
    await scene.run([...asked(CART, many), ...asked(CART, ['list pods shop'], days(0, 120))]);
    const { body } = scene.pull('prod.namespace-shop.removals');
    expect(body.length).toBeLessThanOrEqual(65_536);
    expect(body).toContain('1500 permissions of it are');
  });

  test('pinned rules stay, and the pull request about the others says so', async () => {
    const scene = await approvedScene();
    scene.commit('main', {
      'leastwise.yaml':
        'version: 1\npinned:\n  - subjects: [serviceaccount:shop:cart]\n    namespaces: [shop]\n    rules:\n      - apiGroups: [""]\n        resources: [configmaps]\n        verbs: [delete]\n',
    });
    expect((await scene.run(LATER)).proposals).toEqual([]);
    const { proposals } = await scene.run([...LATER, ...asked(CART, ['watch pods shop'], [120])]);
    expect(proposals[0]?.body).toContain('`delete configmaps` in `shop`: pinned in `leastwise.yaml`');
  });

  test('a subject whose every permission is unused loses its folder, and the lists above it their entries', async () => {
    const scene = new Scene({ options: { ...new Scene().settings.options, retentionDays: 35 } });
    const start = [...asked(CART, ['list pods shop'], [0]), ...asked(ALICE, ['get pods shop'], [0])];
    await scene.settle(start);
    const later = [
      ...start,
      ...asked(ALICE, ['get pods shop'], days(1, 60)),
      ...asked(CART, ['get namespaces shop shop'], days(30, 60)),
    ];
    await scene.settle(later);
    const seen = Object.keys(policiesOf(scene.files));
    expect(seen).toContain('clusters/prod/namespaces/shop/serviceaccount-shop.cart/rbac.yaml');
    const gone = [
      ...start,
      ...asked(ALICE, ['get pods shop'], days(1, 60)),
      ...asked(CART, ['get /healthz'], days(30, 60)),
    ];
    await scene.settle(gone);
    expect(Object.keys(policiesOf(scene.files)).filter((path) => path.includes('cart'))).toEqual([]);
    expect(only(scene.files, 'clusters/prod/namespaces/shop/kustomization.yaml')).toMatch(
      /resources:\n- user-alice\n$/,
    );
  });
});

test('files that cannot be merged one by one go to one pull request, that of the cluster', async () => {
  const wide = { scopeMode: 'ClusterScopeAllowed' } as const;
  const scene = new Scene(
    {},
    { CODEOWNERS: '/clusters/*/namespaces/pay/ @acme/pay\n/clusters/*/cluster/ @acme/ops\n' },
  );
  const { options } = scene.settings;
  const all = asked(CART, ['get pods shop', 'get pods pay'], days(0, 40));
  scene.settings = { ...scene.settings, options: { ...options, ...wide } };
  await scene.settle(all);
  expect(Object.keys(policiesOf(scene.files)).filter((path) => path.endsWith('rbac.yaml'))).toEqual([
    'clusters/prod/cluster/serviceaccount-shop.cart/rbac.yaml',
  ]);
  scene.settings = { ...scene.settings, options };
  const { proposals } = await scene.run(all);
  expect(proposals.map(({ group, kind, reviewers }) => [group, kind, reviewers])).toEqual([
    ['cluster', 'removals', ['@acme/ops', '@acme/pay']],
  ]);
  await scene.settle(all);
  expect(policiesOf(scene.files)).toEqual(policiesOf(wholeRepository(clustersOf(all))));
});

test('what a ClusterRole of several namespaces grants anew is proposed with it, for each of them', async () => {
  const scene = new Scene();
  scene.settings = { ...scene.settings, options: { ...scene.settings.options, namespaceGroups: ['*'] } };
  const all = asked(CART, ['get pods shop', 'get pods pay']);
  const first = await scene.run(all);
  // A binding whose ClusterRole is not there yet would grant nothing: they go together.
  expect(first.proposals.map(({ group, title }) => [group, title])).toEqual([
    ['cluster', 'Grant 2 used permissions to 1 subject in prod for cluster'],
  ]);
  await scene.settle(all);
  const [proposal, ...others] = (await scene.run([...all, ...asked(CART, ['list pods shop'])])).proposals;
  expect(others).toEqual([]);
  expect(proposal?.changes.map(({ path }) => path)).toEqual([
    'clusters/prod/cluster/serviceaccount-shop.cart/rbac.yaml',
  ]);
  expect(proposal?.title).toBe('Grant 2 used permissions to 1 subject in prod for cluster');
  expect(proposal?.body).toMatch(/`list pods` in `pay`[^]*`list pods` in `shop`/);
  expect(proposal?.fingerprint).not.toBe(first.proposals[0]?.fingerprint);
});

test('progress is told for each kind of work', async () => {
  const told: string[] = [];
  await new Scene().run(EARLY, {
    onProgress: (what, done, total) => void told.push(`${what} ${done}/${total}`),
  });
  expect(told).toEqual(['infer 0/3', 'infer 3/3', 'propose 0/3', 'propose 3/3', 'verify 0/3', 'verify 3/3']);
});

test('an issue that the forge does not take is told, and the rest is done', async () => {
  const scene = new Scene();
  await scene.settle(EARLY);
  scene.settings = { ...scene.settings, existing: new Map([['prod', []]]) };
  const { pulls } = scene.ports();
  const keepIssue = () => Promise.reject(new ForgeError('refused', 'no issues here'));
  const { failures } = await scene.run(EARLY, { pulls: pulls && { ...pulls, keepIssue } });
  expect(failures.map(({ message }) => message)).toEqual(Array.from({ length: 3 }, () => 'no issues here'));
});
