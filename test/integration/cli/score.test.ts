// `leastwise score`: the table, JSON, whose RBAC it is, and what ends it.
import { describe, expect, test } from 'vitest';

import { ownFolder, written } from '../support/folders.ts';
import { leastwise } from '../support/leastwise.ts';
import { ALICE, ask, BOB, linesOf, logOf, REFUSED } from '../support/log.ts';

const folder = ownFolder();

const LOG = logOf([
  ask(ALICE, 'list pods ns1'),
  ask(ALICE, 'get secrets ns1 s'),
  ask(BOB, 'get pods ns2 p'),
  ask(BOB, 'delete nodes - n', REFUSED),
]);

function rbacOf(
  ...bindings: readonly (readonly [role: string, user: string, namespace: string, rule: string])[]
): string {
  return bindings
    .map(
      ([role, user, namespace, rule]) => `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: ${role} }
rules: [${rule}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ${namespace === '' ? 'ClusterRoleBinding' : 'RoleBinding'}
metadata: { name: ${role}${namespace === '' ? '' : `, namespace: ${namespace}`} }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ${role} }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: ${JSON.stringify(user)} }]
`,
    )
    .join('---');
}

const PODS = '{ apiGroups: [""], resources: [pods], verbs: [get, list] }';
const SECRETS = '{ apiGroups: [""], resources: [secrets], verbs: [get, list], resourceNames: [s] }';
const RBAC = rbacOf(
  ['pods', 'alice', 'ns1', PODS],
  ['secrets', 'alice', 'ns1', SECRETS],
  ['all-pods', 'bob', '', PODS],
  ['idle', 'carol', 'ns1', PODS],
);

async function rbac(text = RBAC): Promise<string> {
  return written(folder('rbac.yaml'), text);
}

describe('leastwise score', () => {
  test('prints a table, worst first, and ends with 0', async () => {
    const { code, stdout, stderr } = await leastwise(['score', '-f', '-', '--rbac', await rbac()], {
      stdin: LOG,
    });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatchInlineSnapshot(`
      "SCORE  SEVERITY  USED  GRANTED  UNCOVERED  SENSITIVE EXCESS  SUBJECT
          0  Red          0        2          0  -                 carol
         25  Red          1        4          0  -                 bob
         50  Yellow       2        4          0  secrets           alice
      "
    `);
  });

  test('prints JSON, with what is sensitive and what is not covered one by one', async () => {
    const args = [
      'score',
      '-f',
      '-',
      '--rbac',
      await rbac(rbacOf(['s', 'alice', 'ns1', SECRETS])),
      '-o',
      'json',
    ];
    const { code, stdout } = await leastwise(args, { stdin: LOG });
    expect(code).toBe(0);
    const { cluster, subjects } = JSON.parse(stdout) as { cluster: string; subjects: unknown[] };
    expect(cluster).toBe('default');
    expect(subjects).toEqual([
      {
        subject: { kind: 'User', namespace: '', name: 'alice' },
        score: 50,
        severity: 'Yellow',
        used: 1,
        granted: 2,
        isAtLeast: false,
        sensitiveExcess: [
          { kind: 'secrets', rule: { apiGroups: [''], resources: ['secrets'], verbs: ['list'] } },
        ],
        uncovered: [
          {
            permission: {
              verb: 'list',
              apiGroup: '',
              resource: 'pods',
              namespace: 'ns1',
              name: '',
              path: '',
            },
            count: 1,
            viaRbac: true,
          },
        ],
      },
      expect.objectContaining({ score: null, severity: null, used: 0, granted: 0 }),
    ]);
  });

  test('gives from a state what it gives from the logs', async () => {
    const [objects, state, out] = [await rbac(), folder('state'), folder('out')];
    const ran = await leastwise(['run', '-f', '-', '--cluster', 'prod', '--out', out, '--state', state], {
      stdin: LOG,
    });
    expect(ran.code).toBe(0);
    const fromLogs = await leastwise(['score', '-f', '-', '--rbac', objects], { stdin: LOG });
    const fromState = await leastwise(['score', '--state', state, '--rbac', objects]);
    expect([fromState.code, fromState.stdout]).toEqual([0, fromLogs.stdout]);
  });

  test('counts what was used within the retention only', async () => {
    const args = ['score', '-f', '-', '--rbac', await rbac(), '--as-of', '2099-01-01', '-o', 'json'];
    const { stdout } = await leastwise(args, { stdin: LOG });
    const { subjects } = JSON.parse(stdout) as { subjects: { used: number }[] };
    expect(subjects.map(({ used }) => used)).toEqual([0, 0, 0]);
  });

  test('scores one cluster, and asks which where there are several', async () => {
    const objects = await rbac();
    const lines = linesOf([ask(ALICE, 'list pods ns1'), ask(BOB, 'get pods ns2 p')]);
    const stdin = lines
      .map((line, i) => `${JSON.stringify({ ...JSON.parse(line), where: `c${String(i)}` })}\n`)
      .join('');
    const args = ['score', '-f', '-', '--cluster-field', 'where', '--rbac', objects];
    const unclear = await leastwise(args, { stdin });
    expect([unclear.code, unclear.stdout]).toEqual([2, '']);
    expect(unclear.stderr).toContain('name it with --cluster (c0, c1)');
    const chosen = await leastwise([...args, '--cluster', 'c1', '-o', 'json'], { stdin });
    expect([chosen.code, (JSON.parse(chosen.stdout) as { cluster: string }).cluster]).toEqual([0, 'c1']);
  });

  test('shows names so that they steer no terminal', async () => {
    const name = 'eve\u001b[2J\u202e';
    const log = LOG.replaceAll('"alice"', JSON.stringify(name));
    const objects = await rbac(rbacOf(['pods', name, 'ns1', PODS]));
    for (const form of ['table', 'json']) {
      const { stdout } = await leastwise(['score', '-f', '-', '--rbac', objects, '-o', form], { stdin: log });
      expect(stdout).toContain('eve');
      expect(stdout).not.toMatch(/[\u001b\u202e]/);
    }
  });

  test.each([
    [[], 'score needs audit logs'],
    [['-f', '-'], 'score needs RBAC'],
    [['-f', '-', '--state', 'x', '--rbac', 'y'], 'one of the two'],
    [['-f', '-', '--rbac', '/nowhere'], '/nowhere'],
    [['--state', '/nowhere', '--rbac', '.ci'], 'there is no state'],
  ])('ends with 2 for %j', async (args, message) => {
    const { code, stdout, stderr } = await leastwise(['score', ...args], { stdin: LOG });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });

  test('ends with 2 where there is nothing to score, or an object cannot be read', async () => {
    const nothing = await leastwise(['score', '-f', '-', '--rbac', await rbac()], { stdin: '' });
    expect([nothing.code, nothing.stdout]).toEqual([2, '']);
    expect(nothing.stderr).toContain('nothing could be scored');
    const broken = await rbac(RBAC.replace('kind: ClusterRole\n', 'kind: ClusterRole\nrules: 7\n'));
    expect((await leastwise(['score', '-f', '-', '--rbac', broken], { stdin: LOG })).code).toBe(2);
  });

  test('tells how many records could not be read, and with --strict ends with 2', async () => {
    const args = ['score', '-f', '-', '--rbac', await rbac()];
    const stdin = `${LOG}{"kind":\n`;
    const { code, stderr } = await leastwise(args, { stdin });
    expect([code, stderr]).toEqual([0, 'warning: 1 record could not be read\n']);
    expect((await leastwise([...args, '--strict'], { stdin })).code).toBe(2);
  });
});
