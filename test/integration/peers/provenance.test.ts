// Rows 28 and 29: why a rule is there, and what exists already.
import { auditEvent, serviceAccountActor } from '@leastwise/testkit';
import { describe, expect, test } from 'vitest';

import { ownFolder, written } from '../support/folders.ts';
import { leastwise } from '../support/leastwise.ts';
import { ALICE, ask, BOB, daysIn, logOf } from '../support/log.ts';
import { rulesOf } from '../support/rbac.ts';

const folder = ownFolder();
const APP = serviceAccountActor('shop', 'app');

describe('row 28: why a permission is there', () => {
  const events = [
    ask(ALICE, 'get pods ns1 a', { ...daysIn(0), auditID: 'first', userAgent: 'helm/3.16' }),
    ask(ALICE, 'get pods ns1 a', { ...daysIn(2), auditID: 'middle' }),
    ask(ALICE, 'get pods ns1 a', { ...daysIn(9), auditID: 'last' }),
    ask(ALICE, 'list secrets ns1', { ...daysIn(1), auditID: 'other' }),
  ];

  test('--why: count, days, first and last, a sample, the clients', async () => {
    const { stdout } = await leastwise(['generate', '-q', '-f', '-', '--user', 'alice', '--why'], {
      stdin: logOf(events),
    });
    const why = stdout.split('\n').filter((line) => /^ *#/.test(line));
    expect(why.map((line) => line.trim())).toEqual([
      '# 3 requests on 3 days; first 2026-03-02T10:00:00Z; last 2026-03-11T10:00:00Z; e.g. auditID last; by kubectl, helm',
      '# 1 request on 1 day; first 2026-03-03T10:00:00Z; last 2026-03-03T10:00:00Z; e.g. auditID other; by kubectl',
    ]);
    expect(rulesOf(stdout)).toEqual({ 'Role ns1': ['get pods [a]', 'list secrets'] });
  });

  test('it goes into files as well, and JSON, which has no comments, refuses it', async () => {
    const args = ['generate', '-q', '-f', '-', '--user', 'alice', '--why', '-o'];
    const out = folder('out');
    expect((await leastwise([...args, `dir=${out}`], { stdin: logOf(events) })).code).toBe(0);
    const refused = await leastwise([...args, 'json'], { stdin: logOf(events) });
    expect([refused.code, refused.stdout]).toEqual([2, '']);
  });
});

const API = 'rbac.authorization.k8s.io';

/** A ClusterRole with these rules, bound to these subjects in the cluster. */
function bound(rules: readonly object[], subjects: readonly object[], role: object = {}): string {
  const objects = [
    { kind: 'ClusterRole', metadata: { name: 'r' }, rules, ...role },
    {
      kind: 'ClusterRoleBinding',
      metadata: { name: 'b' },
      roleRef: { apiGroup: API, kind: 'ClusterRole', name: 'r' },
      subjects,
    },
  ];
  const items = objects.map((object) => ({ apiVersion: `${API}/v1`, ...object }));
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

const TO_ALICE = [{ kind: 'User', apiGroup: API, name: 'alice' }];
const core = (verbs: string[], resources: string[], more: object = {}): object => ({
  apiGroups: [''],
  resources,
  verbs,
  ...more,
});

describe('row 29: RBAC that exists', () => {
  const events = [ask(ALICE, 'get pods ns1 a'), ask(ALICE, 'list secrets ns1')];

  test('only what it does not grant is rendered', async () => {
    const rbac = await written(folder('rbac.json'), bound([core(['get'], ['pods'])], TO_ALICE));
    const args = ['generate', '-q', '-f', '-', '--user', 'alice', '--rbac', rbac];
    const { stdout } = await leastwise(args, { stdin: logOf(events) });
    expect(rulesOf(stdout)).toEqual({ 'Role ns1': ['list secrets'] });
  });

  test('a binding to the groups that every service account has counts as granted to it', async () => {
    const group = { kind: 'Group', apiGroup: API, name: 'system:serviceaccounts:shop' };
    const rbac = await written(folder('rbac.json'), bound([core(['get'], ['pods'])], [group]));
    const stdin = logOf([ask(APP, 'get pods shop a'), ask(APP, 'list secrets shop')]);
    const args = ['generate', '-q', '-f', '-', '--serviceaccount', 'shop:app', '--rbac', rbac];
    expect(rulesOf((await leastwise(args, { stdin })).stdout)).toEqual({ 'Role shop': ['list secrets'] });
  });

  test('diff tells what is granted and not used, and what is used and not granted', async () => {
    const old = await written(folder('old.json'), bound([core(['get', 'delete'], ['pods'])], TO_ALICE));
    const policy = folder('policy');
    await leastwise(['generate', '-q', '-f', '-', '--user', 'alice', '-o', `dir=${policy}`], {
      stdin: logOf(events),
    });
    const { code, stdout } = await leastwise(['diff', old, policy]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ {2}- .*delete.*pods/m);
    expect(stdout).toMatch(/^ {2}\+ .*list.*secrets/m);
    expect((await leastwise(['diff', policy, policy])).code).toBe(0);
  });

  const list = { rule: [{ matchLabels: { to: 'r' } }] };
  const aggregated = {
    apiVersion: `${API}/v1`,
    kind: 'ClusterRole',
    metadata: { name: 'part', labels: { to: 'r' } },
    rules: [core(['get'], ['pods'])],
  };
  const withAggregation = (): string => {
    const whole = JSON.parse(
      bound([], TO_ALICE, { aggregationRule: { clusterRoleSelectors: list.rule } }),
    ) as { items: object[] };
    return JSON.stringify({ ...whole, items: [...whole.items, aggregated] });
  };
  const url = (path: string): object => ({ nonResourceURLs: [path], verbs: ['get'] });

  // As the authorizer has it: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
  test.each([
    ['the same', bound([core(['get'], ['pods'])], TO_ALICE), 'get pods ns1 a', 0],
    ['a wildcard verb', bound([core(['*'], ['pods'])], TO_ALICE), 'escalate pods ns1 a', 0],
    [
      'a wildcard resource takes in subresources',
      bound([core(['get'], ['*'])], TO_ALICE),
      'get pods/log ns1 a',
      0,
    ],
    ['pods/* is no wildcard', bound([core(['get'], ['pods/*'])], TO_ALICE), 'get pods/log ns1 a', 1],
    ['pods is not pods/log', bound([core(['get'], ['pods'])], TO_ALICE), 'get pods/log ns1 a', 1],
    [
      '*/scale',
      bound([{ ...core(['get'], ['*/scale']), apiGroups: ['*'] }], TO_ALICE),
      'get apps:deployments/scale ns1 a',
      0,
    ],
    ['*/scale is not the whole', bound([core(['get'], ['*/scale'])], TO_ALICE), 'get pods ns1 a', 1],
    ['another group', bound([core(['get'], ['deployments'])], TO_ALICE), 'get apps:deployments ns1 a', 1],
    ['its name', bound([core(['get'], ['pods'], { resourceNames: ['a'] })], TO_ALICE), 'get pods ns1 a', 0],
    [
      'another name',
      bound([core(['get'], ['pods'], { resourceNames: ['b'] })], TO_ALICE),
      'get pods ns1 a',
      1,
    ],
    [
      'names do not list',
      bound([core(['list'], ['pods'], { resourceNames: ['a'] })], TO_ALICE),
      'list pods ns1',
      1,
    ],
    ['a URL below', bound([url('/custom/*')], TO_ALICE), 'get /custom/v1', 0],
    ['a URL beside', bound([url('/custom/*')], TO_ALICE), 'get /customs', 1],
    ['an aggregated role', withAggregation(), 'get pods ns1 a', 0],
    [
      'somebody else',
      bound([core(['get'], ['pods'])], [{ ...TO_ALICE[0], name: 'bob' }]),
      'get pods ns1 a',
      1,
    ],
    [
      'her group',
      bound([core(['get'], ['pods'])], [{ kind: 'Group', apiGroup: API, name: 'system:authenticated' }]),
      'get pods ns1 a',
      0,
    ],
  ])('verify asks as the authorizer: %s', async (_, rbac, asked, code) => {
    const file = await written(folder('rbac.json'), rbac);
    const outcome = await leastwise(['verify', '-f', '-', '--rbac', file], {
      stdin: logOf([ask(ALICE, asked)]),
    });
    expect(outcome.code).toBe(code);
    if (code === 1) expect(outcome.stdout).toMatch(/^refused {2}alice: /m);
  });

  test('verify asks for withheld verbs too, unless told not to', async () => {
    const event = auditEvent({ user: BOB.user, impersonatedUser: ALICE.user });
    const rbac = await written(folder('rbac.json'), bound([core(['get'], ['pods'])], TO_ALICE));
    const args = ['verify', '-f', '-', '--rbac', rbac];
    const asked = await leastwise(args, { stdin: logOf([event]) });
    expect(asked.code).toBe(1);
    expect(asked.stdout).toContain('refused  bob: impersonate users named alice in the cluster');
    expect((await leastwise([...args, '--special-verbs', 'Withhold'], { stdin: logOf([event]) })).code).toBe(
      0,
    );
  });
});
