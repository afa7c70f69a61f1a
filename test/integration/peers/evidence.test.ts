// Rows 6 to 9: which events count, and for whom.
import { fileURLToPath } from 'node:url';

import { serviceAccountActor, START_US, userActor, userInfo } from '@leastwise/testkit';
import { describe, expect, test } from 'vitest';

import { ownFolder, treeOf, written } from '../support/folders.ts';
import { leastwise } from '../support/leastwise.ts';
import { ALICE, ask, logOf, REFUSED } from '../support/log.ts';
import { rulesOf } from '../support/rbac.ts';

const folder = ownFolder();
const APP = serviceAccountActor('shop', 'app');

/** What `generate` grants and says, for the events given. */
async function generate(events: Parameters<typeof logOf>[0], ...flags: string[]) {
  const outcome = await leastwise(['generate', '-f', '-', ...flags], { stdin: logOf(events) });
  return { ...outcome, rules: rulesOf(outcome.stdout) };
}

describe('row 6: a request counts once, whatever stages were logged of it', () => {
  const stages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
  const watch = { auditID: 'one', receivedAtUs: START_US };

  test('three stages and a copy are one request', async () => {
    const events = [...stages, 'ResponseComplete' as const].map((stage) =>
      ask(ALICE, 'watch pods ns1', {
        ...watch,
        stage,
        ...(stage === 'RequestReceived' ? { code: 0, decision: '', reason: undefined } : {}),
      }),
    );
    const { stdout, stderr } = await generate(events, '--user', 'alice', '--why');
    expect(stdout).toContain('# 1 request on 1 day');
    expect(stderr).toContain('5 events, 1 requests counted');
  });

  test.each(['ResponseStarted', 'ResponseComplete', 'Panic'] as const)('%s alone counts', async (stage) => {
    const code = stage === 'Panic' ? 500 : 200;
    const { rules } = await generate([ask(ALICE, 'watch pods ns1', { stage, code })], '--user', 'alice');
    expect(rules).toEqual({ 'Role ns1': ['watch pods'] });
  });

  test('RequestReceived alone knows no outcome: nothing is granted, and it is reported', async () => {
    const received = { stage: 'RequestReceived', code: 0, decision: '', reason: undefined } as const;
    const { code, stdout, stderr } = await generate(
      [ask(ALICE, 'get pods ns1 a', received)],
      '--user',
      'alice',
    );
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('1 requests seen only as received, outcome unknown');
  });

  // An Audit-ID header is taken from the client as it is: it must not erase other requests.
  test('requests that bear the auditID of another one count all the same', async () => {
    const auditID = 'chosen-by-the-client';
    const events = ['get pods ns1 a', 'delete secrets ns1 b', 'list nodes'].map((text) =>
      ask(ALICE, text, { auditID }),
    );
    const { rules } = await generate(events, '--user', 'alice');
    expect(rules).toEqual({
      ClusterRole: ['list nodes'],
      'Role ns1': ['get pods [a]', 'delete secrets [b]'],
    });
  });
});

describe('row 7: the decision decides, not the status code', () => {
  const none = { decision: '', reason: undefined };
  const forbidden = 'pods "a" is forbidden: User "alice" cannot get resource "pods"';

  test.each([
    ['allowed, 200', {}, true],
    ['allowed, 404', { code: 404 }, true],
    ['allowed, 409', { code: 409 }, true],
    ['allowed, refused by admission with 403', { code: 403 }, true],
    ['allowed, 500', { code: 500 }, true],
    ['no annotation, 200', { ...none }, true],
    ['no annotation, 404', { ...none, code: 404 }, true],
    ['no annotation, 403', { ...none, code: 403, statusMessage: forbidden }, false],
    ['no annotation, 401', { ...none, code: 401 }, false],
    ['no annotation, 429', { ...none, code: 429 }, false],
    ['refused', REFUSED, false],
    ['allowed, but 401', { code: 401 }, false],
  ])('%s', async (_, fields, isGranted) => {
    const { code, rules } = await generate([ask(ALICE, 'get pods ns1 a', fields)], '--user', 'alice');
    expect(code).toBe(isGranted ? 0 : 1);
    expect(rules).toEqual(isGranted ? { 'Role ns1': ['get pods [a]'] } : {});
  });

  test('what was refused is kept apart, with its count, and granted only by explicit choice', async () => {
    const refused = [1, 2, 3].map(() => ask(ALICE, 'get secrets ns1 root', REFUSED));
    const events = [ask(ALICE, 'get pods ns1 a'), ...refused];
    const file = await written(folder('audit.log'), logOf(events));
    const out = folder('out');
    await leastwise(['run', '-q', '-f', file, '--out', out]);
    const tree = await treeOf(out);
    expect(tree['clusters/default/namespaces/ns1/user-alice/rbac.yaml']).not.toContain('secrets');
    expect(tree['reports/default/policies.md']).toContain('`get` `secrets` named `root` in `ns1` | 3 |');

    expect((await generate(events, '--user', 'alice')).rules).toEqual({ 'Role ns1': ['get pods [a]'] });
    expect((await generate(events, '--user', 'alice', '--include-denied')).rules).toEqual({
      'Role ns1': ['get pods [a]', 'get secrets [root]'],
    });
  });

  test('somebody who was only refused gets nothing, and is told of the flag', async () => {
    const { code, stdout, stderr } = await generate(
      [ask(ALICE, 'get pods ns1 a', REFUSED)],
      '--user',
      'alice',
    );
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('--include-denied');
  });

  describe('the demonstration of audit2rbac', () => {
    const demo = fileURLToPath(new URL('../../testdata/audit2rbac/demo.log', import.meta.url));
    const pods = ['get,list,watch nodes,pods'];

    // bob listed pods in two namespaces, so in all of them, and nodes; discovery is everybody's. The service
    // account listed pods in a namespace and in all of them, which covers the first, and nodes.
    test.each([
      ['alice', ['--user', 'alice'], { 'Role ns1': ['get,list,watch configmaps,pods,secrets'] }],
      ['bob', ['--user', 'bob'], { ClusterRole: pods }],
      ['sa1', ['--serviceaccount', 'ns1:sa1'], { ClusterRole: pods }],
    ])('gives the known role of %s', async (name, flags, rules) => {
      const { stdout } = await leastwise(['generate', '-q', '-f', demo, ...flags, '--preset', 'audit2rbac']);
      expect(rulesOf(stdout)).toEqual(rules);
      expect(stdout).toContain(`name: audit2rbac:${name}`);
    });

    test('gives nothing to alice, who was always refused, without the flag', async () => {
      const { code, stdout } = await leastwise(['generate', '-q', '-f', demo, '--user', 'alice']);
      expect([code, stdout]).toEqual([1, '']);
    });
  });
});

describe('row 8: impersonation', () => {
  const admin = userActor('admin', ['admins']);
  const target = userInfo({
    username: 'alice',
    uid: '42',
    groups: ['devs', 'system:authenticated'],
    extra: [['example.com/team', ['web']]],
  });
  const asAlice = ask(ALICE, 'get pods ns1 a', { user: admin.user, impersonatedUser: target });

  test('the rules go to the impersonated subject', async () => {
    const { rules } = await generate([asAlice], '--user', 'alice');
    expect(rules).toEqual({ 'Role ns1': ['get pods [a]'] });
  });

  test('impersonate goes to the real one: on the user, the group, the uid and the extra, and no default group', async () => {
    const { rules } = await generate([asAlice], '--user', 'admin', '--special-verbs', 'Grant');
    expect(rules).toEqual({
      ClusterRole: [
        'impersonate groups [devs]',
        'impersonate users [alice]',
        'impersonate authentication.k8s.io:uids [42]',
        'impersonate authentication.k8s.io:userextras/example.com/team [web]',
      ],
    });
  });

  test('a service account is impersonated in its namespace, and its own groups need nothing', async () => {
    const event = ask(APP, 'get pods shop a', { user: admin.user, impersonatedUser: APP.user });
    expect((await generate([event], '--serviceaccount', 'shop:app')).rules).toEqual({
      'Role shop': ['get pods [a]'],
    });
    const { extra } = APP.user;
    const { rules } = await generate([event], '--user', 'admin', '--special-verbs', 'Grant');
    expect(extra).toHaveLength(1);
    expect(rules['Role shop']).toEqual(['impersonate serviceaccounts [app]']);
    expect(JSON.stringify(rules)).not.toContain('groups');
  });

  test('by default it is withheld, and the policy says so', async () => {
    const { stdout, rules, stderr } = await generate([asAlice, ask(admin, 'list nodes')], '--user', 'admin');
    expect(rules).toEqual({ ClusterRole: ['list nodes'] });
    expect(stdout).toContain('#   impersonate users named alice in the cluster');
    expect(stderr).toContain('4 permissions withheld');
  });

  // The impersonation filter runs before authorization: a 403 without annotations, in the real user's name.
  test('a refused impersonation is evidence for nobody', async () => {
    const statusMessage = 'users "root" is forbidden: User "admin" cannot impersonate resource "users"';
    const event = ask(admin, 'get pods ns1 a', { code: 403, decision: '', reason: undefined, statusMessage });
    const { code, stderr } = await generate([event], '--user', 'admin', '--include-denied');
    expect(code).toBe(1);
    expect(stderr).toContain('1 impersonation-refused');
  });
});

describe('row 9: names of creates', () => {
  test.each([
    'pods/exec',
    'pods/attach',
    'pods/portforward',
    'pods/eviction',
    'pods/binding',
    'serviceaccounts/token',
  ])('create %s keeps the name, which the authorizer sees', async (resource) => {
    const { rules } = await generate([ask(ALICE, `create ${resource} ns1 p1`)], '--user', 'alice');
    expect(rules).toEqual({ 'Role ns1': [`create ${resource} [p1]`] });
  });

  test('a create of the top resource has none, though objectRef shows one from the body', async () => {
    const named = ask(ALICE, 'create pods ns1 from-the-body');
    expect(named.objectRef?.name).toBe('from-the-body');
    const generated = ask(ALICE, 'create configmaps ns1');
    expect((await generate([named, generated], '--user', 'alice')).rules).toEqual({
      'Role ns1': ['create configmaps,pods'],
    });
  });

  test('a PATCH or PUT answered 201 needs create with the name', async () => {
    const events = [
      ask(ALICE, 'patch configmaps ns1 a', { code: 201 }),
      ask(ALICE, 'update secrets ns1 b', { code: 201 }),
      ask(ALICE, 'patch services ns1 c'),
    ];
    expect((await generate(events, '--user', 'alice')).rules).toEqual({
      'Role ns1': ['create,patch configmaps [a]', 'create,update secrets [b]', 'patch services [c]'],
    });
  });

  test('a WebSocket exec, logged as get, needs create as well from Kubernetes 1.35 on', async () => {
    const exec = [ask(ALICE, 'get pods/exec ns1 p1')];
    expect((await generate(exec, '--user', 'alice')).rules).toEqual({
      'Role ns1': ['create,get pods/exec [p1]'],
    });
    const older = await generate(exec, '--user', 'alice', '--kubernetes-version', '1.34');
    expect(older.rules).toEqual({ 'Role ns1': ['get pods/exec [p1]'] });
  });
});
