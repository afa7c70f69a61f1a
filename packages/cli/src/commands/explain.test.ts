import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { CI_BOT, EXAMPLE, explaining } from '../explain/testing/explained.ts';
import { event, named, reason, sectionOf } from '../explain/testing/log.ts';
import { asked, leastwise, ownFolder } from '../testing/command.ts';

const folder = ownFolder();
const { written, explained, explainedJson } = explaining(folder);

describe('explain', () => {
  test('says of a service account why it would be granted each rule, and what not', async () => {
    const { code, stdout, stderr } = await leastwise(CI_BOT);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatchInlineSnapshot(`
      "ServiceAccount alpha-pay/ci-bot in cluster default
        seen      2026-11-21T01:42:34Z to 2026-11-21T01:50:23Z, on 1 day
        requests  355 allowed, 0 refused
        clients   kubectl
        groups    system:authenticated (named as granted)
        the evidence of the cluster reaches back 1 day: what runs weekly or monthly may be missing

      Would be granted: 4 rules
        create configmaps
          in namespace alpha-pay, by Role suggested-sa-alpha-pay.ci-bot-role
          1 request on 1 day; at 2026-11-21T01:42:34Z; e.g. auditID b043fcec-3708-4736-b74a-d0d5f0015102; by kubectl
          allowed by ClusterRoleBinding alpha-ci-admin -> ClusterRole cluster-admin
        get, patch configmaps named release
          in namespace alpha-pay, by Role suggested-sa-alpha-pay.ci-bot-role
          43 requests on 1 day; first 2026-11-21T01:42:34Z, last 2026-11-21T01:50:13Z; e.g. auditID 19894041-58b1-4627-bfde-60ac83a04fa7; by kubectl
          allowed by ClusterRoleBinding alpha-ci-admin -> ClusterRole cluster-admin
        get namespaces named alpha-pay
          in namespace alpha-pay, by Role suggested-sa-alpha-pay.ci-bot-role
          1 request on 1 day; at 2026-11-21T01:42:34Z; e.g. auditID 04de2df0-1f08-4cf9-9160-8b02ba7eafe4; by kubectl
          allowed by ClusterRoleBinding alpha-ci-admin -> ClusterRole cluster-admin
        create, get, list, patch, watch deployments.apps named api
          in namespace alpha-pay, by Role suggested-sa-alpha-pay.ci-bot-role
          155 requests on 1 day; first 2026-11-21T01:42:34Z, last 2026-11-21T01:50:18Z; e.g. auditID 54cbba56-1513-413f-afb7-e655d1622c1a; by kubectl
          allowed by ClusterRoleBinding alpha-ci-admin -> ClusterRole cluster-admin

      Not granted, for Kubernetes grants it to everybody
        get /openapi/v3: 44 requests on 1 day; first 2026-11-21T01:42:34Z, last 2026-11-21T01:50:13Z; e.g. auditID 91440d14-78a1-4bbe-aade-181dc8ad9a0c; by kubectl; granted through system:authenticated
        get /openapi/v3/apis/apps/v1: 1 request on 1 day; at 2026-11-21T01:42:34Z; e.g. auditID de3b2030-9d42-4e70-80a7-28e07aa4609b; by kubectl
        get /version: 110 requests on 1 day; first 2026-11-21T01:42:34Z, last 2026-11-21T01:50:23Z; e.g. auditID 5ef83678-8be9-49fd-a6c8-a0d7001b9e71; by kubectl; granted through system:authenticated

      Named by the API server as what allowed it
        ClusterRoleBinding alpha-ci-admin -> ClusterRole cluster-admin: for 11 permissions, last 2026-11-21
        ClusterRoleBinding system:discovery -> ClusterRole system:discovery: for 2 permissions, last 2026-11-21
        ClusterRoleBinding system:public-info-viewer -> ClusterRole system:public-info-viewer: for 1 permission, last 2026-11-21
      "
    `);
  });

  test('says by which knob a rule is wider than what was seen', async () => {
    const names = ['a', 'b', 'c'].map((name) => event('alice', 'get secrets', named('secrets', name)));
    const { stdout } = await explained(names.join(''), 'user:alice', '--resource-names', '2');
    expect(stdout).toContain(
      '  get secrets\n    in namespace ns1, by Role suggested-user-alice-role\n    3 requests on 1 day; at 2026-01-01',
    );
    expect(stdout).toContain(
      '    wider than seen: get secrets in ns1: names are many or look generated (3 seen; --resource-names)\n',
    );
    expect(stdout).not.toContain('Also wider');
    const exact = await explained(names.join(''), 'user:alice');
    expect(exact.stdout).toContain('  get secrets named a, b, c\n');
    expect(exact.stdout).not.toContain('wider');
    const inTwo = asked('alice', 'list pods') + asked('alice', 'list pods', { namespace: 'ns2', id: '2' });
    const grouped = await explained(inTwo, 'user:alice', '--namespace-group', 'ns*');
    expect(grouped.stdout).toContain('    in namespace ns1, in namespace ns2, by ClusterRole ');
    expect(sectionOf(grouped.stdout, 'Also wider')).toBe(
      'Also wider than seen\n  namespaces ns*: share one role with all their rules (2 seen; --namespace-group)',
    );
  });

  test('tells what was withheld, and by what the API server allowed what it allowed', async () => {
    const rbac = reason(
      'allow',
      'RBAC: allowed by RoleBinding "readers/ns1" of Role "reader" to Group "team"',
    );
    const { stdout } = await explained(
      event('alice', 'list pods', rbac) + event('alice', 'bind clusterroles'),
      'user:alice',
    );
    expect(stdout).toContain('    allowed by RoleBinding ns1/readers -> Role reader\n');
    expect(stdout).toContain('  groups    team (named as granted)\n');
    expect(sectionOf(stdout, 'Withheld')).toMatch(
      /^.*\n {2}bind clusterroles in namespace ns1: 1 request on/,
    );
  });

  test('tells refusals with the rule that would cure them, and none where none may or need be', async () => {
    const refused = (auditID: string) => ({ ...reason('forbid', ''), auditID });
    const log = [
      event('alice', 'get secrets', { ...refused('1'), ...named('secrets', 'token') }),
      event('alice', 'list pods', refused('2')),
      event('alice', 'list pods'),
      event('alice', 'bind clusterroles', refused('3')),
      event('alice', 'get secrets', { ...refused('4'), ...named('secrets', 'a%25b') }),
      event('alice', 'get ', { ...refused('5'), requestURI: '/version', objectRef: undefined }),
      event('alice', 'get ', { ...refused('6'), requestURI: '/metrics', objectRef: undefined }),
    ];
    const { code, stdout } = await explained(log.join(''), 'user:alice');
    expect(code).toBe(0);
    expect(sectionOf(stdout, 'Refused')).toMatchInlineSnapshot(`
      "Refused, and never granted by asking
        bind clusterroles in namespace ns1: 1 request on 1 day; at 2026-01-01T00:00:00Z; e.g. auditID 3; by other
          the verb is special: it gives more than it seems to
          to allow it, in a Role of ns1:  - {"apiGroups":[""],"resources":["clusterroles"],"verbs":["bind"]}
        get /metrics: 1 request on 1 day; at 2026-01-01T00:00:00Z; e.g. auditID 6; by other
          to allow it, in a ClusterRole:  - {"nonResourceURLs":["/metrics"],"verbs":["get"]}
        get /version: 1 request on 1 day; at 2026-01-01T00:00:00Z; e.g. auditID 5; by other
          everybody is granted this by default in this version of Kubernetes
        get secrets named "a%b" in namespace ns1: 1 request on 1 day; at 2026-01-01T00:00:00Z; e.g. auditID 4; by other
          no rule can allow it: not the name of an object
        get secrets named token in namespace ns1: 1 request on 1 day; at 2026-01-01T00:00:00Z; e.g. auditID 1; by other
          to allow it, in a Role of ns1:  - {"apiGroups":[""],"resources":["secrets"],"resourceNames":["token"],"verbs":["get"]}
        list pods in namespace ns1: 1 request on 1 day; at 2026-01-01T00:00:00Z; e.g. auditID 2; by other
          the rules above allow it: it was allowed at other times"
    `);
  });

  test('counts the refusals that it does not list, and lists none that --include-denied grants', async () => {
    const log = Array.from({ length: 60 }, (_, i) =>
      event('alice', `list things${String(i)}`, reason('forbid', '')),
    ).join('');
    const { stdout } = await explained(log, 'user:alice');
    expect(stdout.match(/to allow it/g)).toHaveLength(50);
    expect(sectionOf(stdout, 'Refused')).toMatch(/\n {2}and 10 more requests$/);
    const granted = await explained(log, 'user:alice', '--include-denied');
    expect(granted.stdout).toContain('\nWould be granted: 1 rule\n  list things0, things1, things10, ');
    expect(sectionOf(granted.stdout, 'Refused')).toBe('');
  });

  test('knows a subject that was only refused', async () => {
    const { code, stdout } = await explained(event('alice', 'list pods', reason('forbid', '')), 'user:alice');
    expect(code).toBe(0);
    expect(stdout).toContain(
      '  seen      2026-01-01T00:00:00Z to 2026-01-01T00:00:00Z, on 1 day\n  requests  0 allowed, 1 refused\n',
    );
    expect(stdout).toContain('\nWould be granted: nothing\n');
  });

  test('explains a group by the requests that it was granted', async () => {
    const rbac = reason(
      'allow',
      'RBAC: allowed by RoleBinding "readers/ns1" of Role "reader" to Group "team"',
    );
    const log = event('alice', 'list pods', rbac) + event('alice', 'list services');
    const { code, stdout } = await explained(log, 'group:team');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Group team in cluster default\n/);
    expect(stdout).toContain('Would be granted: 1 rule\n  list pods\n');
  });
});

describe('explain, of whom nothing was observed', () => {
  test('ends with 1, and says who comes near', async () => {
    const log = asked('alice', 'list pods') + asked('system:serviceaccount:shop:alick', 'list pods');
    expect(await explained(log, 'user:alic')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'error: nothing was observed of user:alic in cluster default\n' +
        'near it:\n  user:alice\n  serviceaccount:shop:alick\n',
    });
    const json = await explainedJson(log, 'user:alic');
    expect(json.code).toBe(1);
    expect(json.value).toMatchObject({ seen: null, rules: [], near: [{ name: 'alice' }, { name: 'alick' }] });
  });

  test('tells logs without a request from those that cannot be read', async () => {
    expect(await explained('', 'user:alice')).toMatchObject({
      code: 1,
      stderr: 'error: nothing was observed of user:alice\n',
    });
    expect(await explained('no event\n', 'user:alice')).toMatchObject({
      code: 2,
      stderr: 'error: nothing could be explained: 1 record could not be read\n',
    });
    expect(await explained(`no event\n${asked('alice', 'list pods')}`, 'user:alice')).toMatchObject({
      code: 0,
      stderr: 'warning: 1 record could not be read\n',
    });
  });
});

describe('explain --state', () => {
  test('says of a state what it says of its logs', async () => {
    const out = folder();
    await leastwise(['run', '-q', '-f', EXAMPLE, '--out', out]);
    const fromState = await leastwise(['explain', 'alpha-pay:ci-bot', '--state', join(out, '.leastwise')]);
    expect(fromState).toEqual(await leastwise(CI_BOT));
  });

  test('needs the cluster where there are several', async () => {
    const log = await written(
      ['one', 'two'].map((c) => event('alice', 'list pods', { c })).join(''),
      'audit.log',
    );
    const words = ['explain', 'user:alice', '-f', log, '--cluster-field', 'c'];
    expect(await leastwise(words)).toMatchObject({
      code: 2,
      stderr: 'error: a subject is one of one cluster: name it with --cluster (one, two)\n',
    });
    expect((await leastwise([...words, '--cluster', 'two'])).stdout).toMatch(/^User alice in cluster two\n/);
  });
});

describe('explain, of what others chose', () => {
  const EVIL = 'al\u001b[2Jice\u202e\n\u200bpods';

  test('steers no terminal', async () => {
    const evil = named('secrets', encodeURIComponent(EVIL));
    const log =
      event(EVIL, 'get secrets', { ...evil, auditID: EVIL }) +
      event(EVIL, 'get secrets', {
        ...evil,
        ...reason('forbid', ''),
        requestURI: `/${encodeURIComponent(EVIL)}`,
      }) +
      event(
        EVIL,
        'list pods',
        reason('allow', `RBAC: allowed by RoleBinding "x/ns1" of Role "r" to Group "${EVIL}"`),
      );
    const path = await written(log, 'audit.log');
    const form = await leastwise(['explain', `user:${EVIL}`, '-f', path]);
    expect(form.code).toBe(0);
    expect(form.stdout).toContain('al\\u{1b}[2Jice');
    const json = await leastwise(['explain', `user:${EVIL}`, '-f', path, '-o', 'json']);
    const unknown = await leastwise(['explain', `user:${EVIL}s`, '-f', path]);
    expect([json.code, unknown.code]).toEqual([0, 1]);
    for (const text of [form.stdout, json.stdout, unknown.stderr]) {
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
      expect(text).not.toContain('\npods');
    }
    expect(form.stdout).not.toContain('\u200b');
  });

  test('takes no key for a property', async () => {
    const log = event('__proto__', 'list pods', { auditID: '__proto__' });
    const { code, stdout } = await explained(log, 'user:__proto__');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^User __proto__ in cluster default\n/);
  });
});

describe('the flags of explain', () => {
  test.each([
    [['user:alice'], 'explain needs audit logs (-f FILE) or a state (--state PLACE), one of the two'],
    [['user:alice', '-f', 'x', '--state', 'y'], 'explain needs audit logs'],
    [['group:team', '--state', 'y'], 'a group needs the logs'],
    [['user:alice', '-f', 'x', '--live', '--rbac', 'y'], 'not both'],
    [['user:alice', '-f', 'x', '--kubeconfig', 'y'], '--kubeconfig goes with --live'],
    [['user:alice', '--state', '.', '--include-denied'], '--include-denied needs the logs'],
    [['user:alice', '--state', '/gone'], 'there is no state in /gone'],
    [['user:alice', '-f', 'x', '--rbac', '/gone'], '/gone'],
    [['user:alice', '-f', 'x', '--audit-policy', '/gone'], '/gone'],
    [['alice', '-f', 'x'], '"alice" is no subject'],
    [['-f', 'x'], "missing required argument 'subject'"],
  ])('%j is refused', async (words, message) => {
    const { code, stdout, stderr } = await leastwise(['explain', ...words]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });
});
