// Rows 10, 11, 15 to 17 and 19: what a request is evidence of.
import { auditEvent, serviceAccountActor, userActor } from '@leastwise/testkit';
import { describe, expect, test } from 'vitest';

import { ownFolder, treeOf, written } from '../support/folders.ts';
import { leastwise } from '../support/leastwise.ts';
import { ALICE, ask, BOB, logOf } from '../support/log.ts';
import { rulesOf } from '../support/rbac.ts';

const folder = ownFolder();
const APP = serviceAccountActor('shop', 'app');

/** What `generate` grants and says, for the events given. */
async function generate(events: Parameters<typeof logOf>[0], ...flags: string[]) {
  const outcome = await leastwise(['generate', '-f', '-', ...flags], { stdin: logOf(events) });
  return { ...outcome, rules: rulesOf(outcome.stdout) };
}

describe('row 10: metadata.name selectors', () => {
  test('list and watch with one are named, without one unnamed', async () => {
    const events = [
      ask(ALICE, 'list secrets ns1 s'),
      ask(ALICE, 'watch secrets ns1 s'),
      ask(ALICE, 'list configmaps ns1'),
    ];
    expect(events[0]?.requestURI).toContain('fieldSelector=metadata.name%3Ds');
    expect((await generate(events, '--user', 'alice')).rules).toEqual({
      'Role ns1': ['list configmaps', 'list,watch secrets [s]'],
    });
  });

  test('both: the unnamed one covers, and neither is dropped', async () => {
    const events = [ask(ALICE, 'list secrets ns1 s'), ask(ALICE, 'list secrets ns1')];
    expect((await generate(events, '--user', 'alice', '--preset', 'exact')).rules).toEqual({
      'Role ns1': ['list secrets'],
    });
    expect((await generate(events.toReversed(), '--user', 'alice', '--preset', 'audit2rbac')).rules).toEqual({
      'Role ns1': ['get,list,watch secrets'],
    });
  });

  // The resolver names list and watch only: on deletecollection a resourceName could never match.
  test('deletecollection with one is unnamed', async () => {
    const event = ask(ALICE, 'deletecollection pods ns1', {
      requestURI: '/api/v1/namespaces/ns1/pods?fieldSelector=metadata.name%3Dp',
    });
    expect((await generate([event], '--user', 'alice')).rules).toEqual({
      'Role ns1': ['deletecollection pods'],
    });
  });
});

describe('row 11: non-resource URLs', () => {
  test('the path alone is granted: queries are cut, so that two of them are one URL', async () => {
    const events = ['/metrics?foo=bar', '/metrics?x=2', '/logs/a%20b?verbose'].map((requestURI) =>
      ask(ALICE, 'get /x', { requestURI }),
    );
    expect((await generate(events, '--user', 'alice')).rules).toEqual({
      ClusterRole: ['get /logs/a b,/metrics'],
    });
  });

  test('what the bootstrap roles grant to everybody is not granted again', async () => {
    const paths = [
      '/healthz',
      '/livez',
      '/readyz',
      '/version',
      '/version/',
      '/openapi/v3',
      '/api',
      '/api/v1',
      '/apis',
    ];
    const { code, stderr } = await generate(
      paths.map((path) => ask(ALICE, `get ${path}`)),
      '--user',
      'alice',
    );
    expect(code).toBe(0);
    expect(stderr).toContain('9 permissions granted by default to everybody');
    // The same paths with another verb, and paths below them, are nobody's by default.
    const { rules } = await generate(
      [ask(ALICE, 'head /healthz'), ask(ALICE, 'get /livez/etcd')],
      '--user',
      'alice',
    );
    expect(rules).toEqual({ ClusterRole: ['head /healthz', 'get /livez/etcd'] });
  });

  test('verbs are the methods: HEAD, POST and OPTIONS are kept', async () => {
    const events = ['head', 'post', 'options'].map((verb) => ask(ALICE, `${verb} /metrics`));
    expect((await generate(events, '--user', 'alice')).rules).toEqual({
      ClusterRole: ['head,options,post /metrics'],
    });
  });

  test('they never get into a Role, and -n leaves them out', async () => {
    const events = [ask(APP, 'get /metrics'), ask(APP, 'get pods shop a')];
    expect((await generate(events, '--serviceaccount', 'shop:app')).rules).toEqual({
      ClusterRole: ['get /metrics'],
      'Role shop': ['get pods [a]'],
    });
    expect((await generate(events, '--serviceaccount', 'shop:app', '-n', 'shop')).rules).toEqual({
      'Role shop': ['get pods [a]'],
    });
  });
});

describe('row 15: all verbs are kept', () => {
  const special = ['bind', 'escalate', 'impersonate', 'use', 'approve', 'sign', 'proxy'];
  const events = special.map((verb) => ask(ALICE, `${verb} widgets ns1 w`));

  test('the special ones are granted by explicit choice', async () => {
    const { rules } = await generate(events, '--user', 'alice', '--special-verbs', 'Grant');
    expect(rules).toEqual({ 'Role ns1': [`${special.toSorted().join(',')} widgets [w]`] });
    expect((await generate(events, '--user', 'alice', '--preset', 'audit2rbac')).rules).toEqual(rules);
  });

  test('by default each is listed as withheld, on the policy and in the report', async () => {
    const log = logOf([...events, ask(ALICE, 'get pods ns1 a')]);
    const { stdout } = await leastwise(['generate', '-f', '-', '--user', 'alice'], { stdin: log });
    const out = folder('withheld');
    await leastwise(['run', '-q', '-f', await written(folder('audit.log'), log), '--out', out]);
    const tree = await treeOf(out);
    for (const verb of special) {
      const line = `${verb} widgets named w in ns1`;
      expect(stdout).toContain(line);
      expect(tree['clusters/default/namespaces/ns1/user-alice/rbac.yaml']).toContain(line);
      expect(tree['reports/default/policies.md']).toContain(`\`${verb}\` \`widgets\` named \`w\` in \`ns1\``);
    }
    expect(rulesOf(stdout)).toEqual({ 'Role ns1': ['get pods [a]'] });
  });

  test('somebody who did nothing else is not silently without a policy', async () => {
    const { stdout, stderr, code } = await generate(events, '--user', 'alice');
    expect(code).toBe(0);
    expect(`${stdout}${stderr}`).toContain('7 permissions withheld');
  });
});

describe('row 16: API groups and versions', () => {
  test('the version makes no difference', async () => {
    const events = ['v1', 'v1beta1', 'v1beta2'].map((version) =>
      ask(ALICE, 'get apps:deployments ns1 web', {
        requestURI: `/apis/apps/${version}/namespaces/ns1/deployments/web`,
      }),
    );
    const { rules, stdout } = await generate(events, '--user', 'alice', '--why');
    expect(rules).toEqual({ 'Role ns1': ['get apps:deployments [web]'] });
    expect(stdout).toContain('# 3 requests');
  });

  test('a removed group is kept as it was asked for, and by choice joined by the one that replaced it', async () => {
    const resources = ['ingresses', 'deployments', 'networkpolicies', 'widgets'];
    const events = resources.map((resource) => ask(ALICE, `list extensions:${resource} ns1`));
    expect((await generate(events, '--user', 'alice')).rules).toEqual({
      'Role ns1': ['list extensions:deployments,ingresses,networkpolicies,widgets'],
    });
    const mapped = await generate(events, '--user', 'alice', '--map-deprecated-groups');
    expect(mapped.rules['Role ns1']).toEqual([
      'list apps:deployments',
      'list extensions:deployments,ingresses,networkpolicies,widgets',
      'list networking.k8s.io:ingresses,networkpolicies',
    ]);
    expect(mapped.stdout).toContain('added for a group that was replaced');
  });
});

describe('row 17: requests on one namespace', () => {
  test('are granted by a Role in that namespace, not on all namespaces', async () => {
    const events = ['x', 'y'].flatMap((name) => [
      ask(ALICE, `get namespaces ${name} ${name}`),
      ask(ALICE, `update namespaces/finalize ${name} ${name}`),
    ]);
    expect(events[0]?.requestURI).toBe('/api/v1/namespaces/x');
    expect((await generate(events, '--user', 'alice')).rules).toEqual({
      'Role x': ['get namespaces [x]', 'update namespaces/finalize [x]'],
      'Role y': ['get namespaces [y]', 'update namespaces/finalize [y]'],
    });
  });

  test('lists and creates of namespaces need a ClusterRole', async () => {
    const events = [ask(APP, 'list namespaces'), ask(APP, 'create namespaces - fresh')];
    expect((await generate(events, '--serviceaccount', 'shop:app')).rules).toEqual({
      ClusterRole: ['create,list namespaces'],
    });
  });
});

describe('row 19: groups', () => {
  const reason = 'RBAC: allowed by ClusterRoleBinding "team" of ClusterRole "view" to Group "devs"';
  const events = [
    ask(BOB, 'get pods ns1 a', { reason }),
    ask(BOB, 'get secrets ns1 own'),
    ask(userActor('carol', ['devs']), 'list services ns1', { reason }),
    ask(ALICE, 'list nodes'),
  ];

  test('--group takes what the API server says was granted to the group', async () => {
    const { rules, stdout } = await generate(events, '--group', 'devs');
    expect(rules).toEqual({ 'Role ns1': ['get pods [a]', 'list services'] });
    expect(stdout).toContain('kind: Group');
  });

  test('--group-by membership takes all that its members did', async () => {
    const { rules } = await generate(events, '--group', 'devs', '--group-by', 'membership');
    expect(rules).toEqual({ 'Role ns1': ['get pods [a]', 'get secrets [own]', 'list services'] });
  });

  test('the granting group is kept with the evidence of the user', async () => {
    const { stdout } = await generate(events, '--user', 'bob', '--why');
    expect(stdout).toContain('granted through devs');
  });

  test('a group binding allows its members in verify, and nobody else', async () => {
    const [rbac, log] = [folder('rbac.yaml'), folder('audit.log')];
    const role = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'r' };
    const objects = [
      {
        kind: 'ClusterRole',
        metadata: { name: 'r' },
        rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
      },
      {
        kind: 'ClusterRoleBinding',
        metadata: { name: 'b' },
        roleRef: role,
        subjects: [{ apiGroup: role.apiGroup, kind: 'Group', name: 'devs' }],
      },
    ].map((object) => ({ apiVersion: 'rbac.authorization.k8s.io/v1', ...object }));
    await written(rbac, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    await written(log, logOf([auditEvent({ user: BOB.user })]));
    expect((await leastwise(['verify', '-f', log, '--rbac', rbac])).code).toBe(0);
    await written(log, logOf([auditEvent({ user: ALICE.user })]));
    const { code, stdout } = await leastwise(['verify', '-f', log, '--rbac', rbac]);
    expect(code).toBe(1);
    expect(stdout).toContain('refused  alice: get pods named web in default');
  });
});
