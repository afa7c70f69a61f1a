// Rows 12 to 14, 18, 25, 26, 28 and 29: from evidence to policy.
import type { AuditEvent } from '@leastwise/audit-event';
import { serviceAccountActor, userActor } from '@leastwise/testkit';
import { describe, expect, test } from 'vitest';

import { ownFolder, treeOf, written } from '../support/folders.ts';
import { leastwise } from '../support/leastwise.ts';
import { ALICE, ask, BOB, daysIn, logOf, REFUSED } from '../support/log.ts';
import { objectsOf, rulesOf } from '../support/rbac.ts';

const folder = ownFolder();
const APP = serviceAccountActor('shop', 'app');

/** What `generate` grants and says, for the events given. */
async function generate(events: readonly AuditEvent[], ...flags: string[]) {
  const outcome = await leastwise(['generate', '-f', '-', ...flags], { stdin: logOf(events) });
  return { ...outcome, rules: rulesOf(outcome.stdout) };
}

/** The rules of alice, who is the only one in these logs. */
async function rulesOfAlice(texts: readonly string[], ...flags: string[]): Promise<Record<string, string[]>> {
  const events = texts.map((text) => ask(ALICE, text));
  return (await generate(events, '--user', 'alice', ...flags)).rules;
}

describe('row 12: scope', () => {
  test('cluster-scoped and all-namespace requests of a service account get a ClusterRole, the others Roles', async () => {
    const events = [
      'list nodes',
      'list pods',
      'get secrets ns1 s',
      'get secrets ns2 s',
      'get leases shop l',
    ].map((text) => ask(APP, text));
    const { rules, stdout } = await generate(events, '--serviceaccount', 'shop:app');
    expect(rules).toEqual({
      ClusterRole: ['list nodes,pods'],
      'Role ns1': ['get secrets [s]'],
      'Role ns2': ['get secrets [s]'],
      'Role shop': ['get leases [l]'],
    });
    const bindings = objectsOf(stdout).filter((object) => 'roleRef' in object);
    const where = bindings.map(({ kind, metadata, subjects }) => [kind, metadata.namespace, subjects]);
    const subjects = [{ kind: 'ServiceAccount', name: 'app', namespace: 'shop' }];
    expect(where).toEqual([
      ['RoleBinding', 'ns1', subjects],
      ['RoleBinding', 'ns2', subjects],
      ['RoleBinding', 'shop', subjects],
      ['ClusterRoleBinding', undefined, subjects],
    ]);
  });

  test('what the whole cluster grants is not granted in a namespace again', async () => {
    expect(await rulesOfAlice(['list pods ns1', 'list pods', 'list pods ns2'])).toEqual({
      ClusterRole: ['list pods'],
    });
  });

  test('equal rules in several namespaces share one ClusterRole by choice only', async () => {
    const texts = ['ns1', 'ns2', 'ns3'].map((namespace) => `list pods ${namespace}`);
    const events = [...texts, 'list secrets other'].map((text) => ask(ALICE, text));
    const { rules } = await generate(events, '--user', 'alice');
    expect(Object.keys(rules)).toEqual(['Role ns1', 'Role ns2', 'Role ns3', 'Role other']);
    const shared = await generate(events, '--user', 'alice', '--share-roles');
    expect(shared.rules).toEqual({ ClusterRole: ['list pods'], 'Role other': ['list secrets'] });
    const kinds = objectsOf(shared.stdout).map(({ kind, metadata }) => [kind, metadata.namespace ?? '']);
    expect(kinds.filter(([kind]) => kind === 'RoleBinding').map(([, namespace]) => namespace)).toEqual([
      'ns1',
      'ns2',
      'ns3',
      'other',
    ]);
  });

  test.each([
    ['--scope-mode', 'ClusterScopeAllowed'],
    ['--generate-kind', 'ClusterRole'],
  ])('%s %s grants everything everywhere', async (...flags) => {
    expect(await rulesOfAlice(['list pods ns1', 'list secrets ns2'], ...flags)).toEqual({
      ClusterRole: ['list pods,secrets'],
    });
  });

  test('cluster-wide from two namespaces on, by choice', async () => {
    const texts = ['list pods ns1', 'list pods ns2', 'list secrets ns1'];
    expect(await rulesOfAlice(texts, '--expand-multi-namespace')).toEqual({
      ClusterRole: ['list pods'],
      'Role ns1': ['list secrets'],
    });
  });
});

describe('row 13: resourceNames', () => {
  const named = (count: number): string[] =>
    Array.from({ length: count }, (_, i) => `get configmaps ns1 c${i}`);
  const names = (count: number): string =>
    named(count)
      .map((text) => text.split(' ')[3] ?? '')
      .sort()
      .join(',');

  test.each([
    ['ten names are kept', 10, [], `get configmaps [${names(10)}]`],
    ['more collapse', 11, [], 'get configmaps'],
    ['up to K', 3, ['--resource-names', '2'], 'get configmaps'],
    ['not above K', 2, ['--resource-names', '2'], 'get configmaps [c0,c1]'],
    ['explicit', 40, ['--resource-names', 'Explicit'], `get configmaps [${names(40)}]`],
    ['off', 1, ['--resource-names', 'Omit'], 'get configmaps'],
    ['several names, expanded', 2, ['--expand-multi-name'], 'get configmaps'],
    ['one name, not expanded', 1, ['--expand-multi-name'], 'get configmaps [c0]'],
  ])('%s', async (_, count, flags, rule) => {
    expect(await rulesOfAlice(named(count), ...flags)).toEqual({ 'Role ns1': [rule] });
  });

  test('three that look generated collapse, and the policy says so', async () => {
    const pods = ['web-7d4b9c6f5-xk2lp', 'web-7d4b9c6f5-zz9qq', 'web-7d4b9c6f5-bcd7f'];
    const two = await rulesOfAlice(pods.slice(0, 2).map((name) => `get pods ns1 ${name}`));
    expect(two).toEqual({ 'Role ns1': [`get pods [${pods.slice(0, 2).join(',')}]`] });
    const events = pods.map((name) => ask(ALICE, `get pods ns1 ${name}`));
    const { rules, stdout } = await generate(events, '--user', 'alice');
    expect(rules).toEqual({ 'Role ns1': ['get pods'] });
    expect(stdout).toContain('get pods in ns1: names are many or look generated');
  });

  test('create is split into a rule of its own', async () => {
    expect(await rulesOfAlice(['create secrets ns1 a', 'get secrets ns1 a', 'update secrets ns1 a'])).toEqual(
      {
        'Role ns1': ['create secrets', 'get,update secrets [a]'],
      },
    );
  });
});

describe('row 14: verbs bring no others', () => {
  const asked = ['list pods ns1', 'watch services ns1', 'update secrets ns1 s', 'patch configmaps ns1 c'];

  test('by default each is granted alone', async () => {
    expect(await rulesOfAlice(asked)).toEqual({
      'Role ns1': ['patch configmaps [c]', 'list pods', 'update secrets [s]', 'watch services'],
    });
  });

  test('the preset of audit2rbac has its table', async () => {
    expect(await rulesOfAlice(asked, '--preset', 'audit2rbac')).toEqual({
      'Role ns1': [
        'get,patch,update configmaps [c]',
        'get,list,watch pods,services',
        'get,patch,update secrets [s]',
      ],
    });
    const others = ['get pods ns1 a', 'create pods ns1', 'delete pods ns1 a', 'deletecollection pods ns1'];
    expect(await rulesOfAlice(others, '--preset', 'audit2rbac')).toEqual({
      'Role ns1': ['create,deletecollection pods', 'delete,get pods [a]'],
    });
  });

  // A changed group list or API version switches its expansion off; here both requests are the same operation.
  test('its expansion holds across API versions and group lists', async () => {
    const uri = (version: string, namespace: string): string =>
      `/apis/apps/${version}/namespaces/${namespace}/deployments/web`;
    const events = [
      ask(ALICE, 'get apps:deployments ns1 web', { requestURI: uri('v1', 'ns1') }),
      ask(userActor('alice', ['devs']), 'get apps:deployments ns2 web', {
        requestURI: uri('v1beta2', 'ns2'),
      }),
    ];
    const { rules } = await generate(events, '--user', 'alice', '--preset', 'audit2rbac');
    expect(rules).toEqual({ ClusterRole: ['get apps:deployments [web]'] });
  });

  test('Safe writes * where all eight were seen, but never where a resource has verbs of its own', async () => {
    const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
    const all = (resource: string): string[] =>
      verbs.map((verb) => `${verb} ${resource} ns1${/get|update|patch|delete$/.test(verb) ? ' n' : ''}`);
    const flags = ['--resource-names', 'Omit', '--wildcards', 'Safe'];
    expect(await rulesOfAlice([...all('pods'), ...all('rbac.authorization.k8s.io:roles')], ...flags)).toEqual(
      {
        'Role ns1': ['* pods', `${verbs.toSorted().join(',')} rbac.authorization.k8s.io:roles`],
      },
    );
    expect(await rulesOfAlice(all('pods').slice(1), ...flags)).toEqual({
      'Role ns1': [`${verbs.slice(1).toSorted().join(',')} pods`],
    });
  });
});

describe('row 18: all subjects in one pass', () => {
  const events = [
    ask(ALICE, 'list pods ns1'),
    ask(BOB, 'list services ns1'),
    ask(APP, 'list secrets shop'),
    ask(serviceAccountActor('shop', 'cart'), 'list leases shop'),
  ];

  test('with --all', async () => {
    const { stdout } = await generate(events, '--all');
    const bound = objectsOf(stdout).flatMap((object) => ('subjects' in object ? object.subjects : []));
    expect(bound.map(({ name }) => name).sort()).toEqual(['alice', 'app', 'bob', 'cart']);
    for (const name of ['User alice', 'User bob', 'shop:app', 'shop:cart'])
      expect(stdout).toContain(name.replace('User ', ''));
  });

  test('some of them, by patterns', async () => {
    const shop = ['--filter', 'allow user=system:serviceaccount:shop:*', '--filter-default', 'deny'];
    expect((await generate(events, '--all', ...shop)).rules).toEqual({
      'Role shop': ['list secrets', 'list leases'],
    });
  });

  test('one of them, as in a run of its own', async () => {
    expect((await generate(events, '--user', 'bob')).rules).toEqual({ 'Role ns1': ['list services'] });
    expect((await generate(events, '--serviceaccount', 'shop:cart')).rules).toEqual({
      'Role shop': ['list leases'],
    });
    expect((await generate(events, '--user', 'system:serviceaccount:shop:cart')).rules).toEqual({
      'Role shop': ['list leases'],
    });
  });
});

describe('row 25: no silent cut-off', () => {
  test('240 rules of 30 namespaces are all there', async () => {
    const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
    const texts = Array.from({ length: 30 }, (_, i) => verbs.map((verb) => `${verb} pods ns${i}`)).flat();
    const events = texts.map((text) =>
      ask(ALICE, / (?:get|update|patch|delete) /.test(` ${text} `) ? `${text} p` : text),
    );
    const { stdout, rules } = await generate(events, '--user', 'alice');
    expect(objectsOf(stdout)).toHaveLength(60);
    for (const namespace of Object.keys(rules)) {
      expect(rules[namespace]).toEqual([
        'create,deletecollection,list,watch pods',
        'delete,get,patch,update pods [p]',
      ]);
    }
  });

  test('more names than are kept widen to unnamed, even where names were asked for, and the policy says so', async () => {
    const texts = Array.from({ length: 300 }, (_, i) => `get secrets ns1 s${i}`);
    const events = texts.map((text) => ask(ALICE, text));
    const { rules, stdout } = await generate(events, '--user', 'alice', '--resource-names', 'Explicit');
    expect(rules).toEqual({ 'Role ns1': ['get secrets'] });
    expect(stdout).toContain('get secrets in ns1: names are too many to keep');
  });

  test('more rules than are kept mark the policy incomplete, on itself, in the summary and in the report', async () => {
    const texts = Array.from({ length: 20_050 }, (_, i) => `list r${i} ns1`);
    const file = await written(folder('audit.log'), logOf(texts.map((text) => ask(ALICE, text))));
    const out = folder('out');
    const { stdout } = await leastwise(['run', '-f', file, '--out', out]);
    expect(stdout).toContain('incomplete   1 policies');
    const tree = await treeOf(out);
    expect(tree['clusters/default/namespaces/ns1/user-alice/rbac.yaml']).toContain('INCOMPLETE');
    expect(tree['reports/default/policies.md']).toContain('**Incomplete:**');
  });

  test('refused requests are capped, counted, and mark no policy', async () => {
    const refused = Array.from({ length: 500 }, (_, i) => ask(ALICE, `get r${i} ns1 x`, REFUSED));
    const { stdout, stderr } = await generate([...refused, ask(ALICE, 'get pods ns1 a')], '--user', 'alice');
    expect(stderr).toContain('500 requests, never granted by asking');
    expect(stdout).not.toContain('INCOMPLETE');
  });
});

describe('row 26: retention', () => {
  const old = ask(ALICE, 'list secrets ns1', daysIn(0));
  const recent = ask(ALICE, 'list pods ns1', daysIn(50));

  test('what was not used for N days leaves the policy and stays in the history', async () => {
    const [out, file] = [folder('out'), await written(folder('audit.log'), logOf([old, recent]))];
    const empty = await written(folder('empty.log'), '');
    const policy = 'clusters/default/namespaces/ns1/user-alice/rbac.yaml';
    await leastwise(['run', '-q', '-f', file, '--out', out, '--retention-days', '30']);
    const short = await treeOf(out);
    expect(rulesOf(short[policy] ?? '')).toEqual({ 'Role ns1': ['list pods'] });
    expect(short['reports/default/policies.md']).toMatch(
      /Not used within the retention window[^#]*`list` `secrets` in `ns1`/,
    );
    // The log is gone by now: what comes back was remembered.
    await leastwise(['run', '-q', '-f', empty, '--out', out, '--retention-days', '60']);
    expect(rulesOf((await treeOf(out))[policy] ?? '')).toEqual({ 'Role ns1': ['list pods,secrets'] });
  });

  test('the window is half-open: N days, the newest one included', async () => {
    const granted = async (days: number): Promise<unknown> =>
      (await generate([old, recent], '--user', 'alice', '--retention-days', String(days))).rules;
    expect(await granted(50)).toEqual({ 'Role ns1': ['list pods'] });
    expect(await granted(51)).toEqual({ 'Role ns1': ['list pods,secrets'] });
  });

  test('the window, its last event and whether it is too short are told', async () => {
    const [out, file] = [folder('out'), await written(folder('audit.log'), logOf([old, recent]))];
    const { stdout } = await leastwise(['run', '-f', file, '--out', out]);
    expect(stdout).toContain('2026-03-02T10:00:00Z to 2026-04-21T10:00:00Z (51 days)');
    const report = (await treeOf(out))['reports/default/policies.md'];
    expect(report).toContain(
      'Observed from 2026-03-02 10:00:00 to 2026-04-21 10:00:00 (UTC), events on 2 days.',
    );
    expect(report).toContain('**Too short:**');
  });

  test('namespaces that were deleted or idle are not rendered, those that were made again are', async () => {
    const events = [
      ask(ALICE, 'list pods gone', daysIn(1)),
      ask(ALICE, 'delete namespaces gone gone', daysIn(2)),
      ask(ALICE, 'list pods again', daysIn(1)),
      ask(ALICE, 'delete namespaces again again', daysIn(2)),
      ask(ALICE, 'create namespaces - again', { ...daysIn(3), code: 201 }),
      ask(ALICE, 'list pods idle', daysIn(1)),
      ask(ALICE, 'list pods busy', daysIn(40)),
    ];
    const { rules } = await generate(events, '--user', 'alice', '--namespace-idle-days', '39');
    expect(Object.keys(rules).sort()).toEqual(['ClusterRole', 'Role again', 'Role busy']);
  });
});
