import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { asked, leastwise, ownFolder } from '../testing/command.ts';

const folder = ownFolder();

async function written(content: string): Promise<string> {
  const path = folder();
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'file.yaml'), content);
  return join(path, 'file.yaml');
}

const GROUP = 'rbac.authorization.k8s.io';
const bindingTo = (name: string, who: string): string => `---
apiVersion: ${GROUP}/v1
kind: RoleBinding
metadata: {name: ${name}, namespace: ns1}
roleRef: {apiGroup: ${GROUP}, kind: Role, name: pods}
subjects: [{apiGroup: ${GROUP}, kind: User, name: ${who}}]
`;
const RBAC = `
apiVersion: ${GROUP}/v1
kind: Role
metadata: {name: pods, namespace: ns1}
rules: [{apiGroups: [""], resources: [pods], verbs: [list, get]}]
${bindingTo('used', 'alice')}${bindingTo('idle', 'alice')}`;

function granted(line: string, binding: string): string {
  const reason = `RBAC: allowed by RoleBinding "${binding}" of Role "pods" to User "alice"`;
  return line.replace('"RBAC: allowed"', () => JSON.stringify(reason));
}

const LOG = [
  granted(asked('alice', 'list pods'), 'used/ns1'),
  granted(asked('alice', 'list secrets'), 'gone\u001b[2J/ns1'),
].join('');

async function score(log: string, ...words: string[]) {
  return leastwise(['score', '-f', await written(log), '--rbac', await written(RBAC), ...words]);
}

describe('score --bindings', () => {
  test('says which bindings were named, until when, and which are there no more', async () => {
    const { code, stdout, stderr } = await score(LOG, '--bindings');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatchInlineSnapshot(`
      "SCORE  SEVERITY  USED  GRANTED  UNCOVERED  SENSITIVE EXCESS  SUBJECT
         50  Yellow       1        2          1  -                 alice

      NAMED FOR  LAST        BINDS    BINDING                        ROLE       SUBJECT
              1  2026-01-01  no more  RoleBinding ns1/gone\\u{1b}[2J  Role pods  alice
          never  -           yes      RoleBinding ns1/idle           Role pods  alice
              1  2026-01-01  yes      RoleBinding ns1/used           Role pods  alice

      never: not proven unused. The first binding that allows a request is named, and another may answer before this one.
      "
    `);
    expect(stdout).not.toContain('\u001b');
    expect(stdout.startsWith((await score(LOG)).stdout)).toBe(true);
  });

  test('says it in JSON, which is as it was without the flag', async () => {
    const { stdout } = await score(LOG, '--bindings', '-o', 'json');
    const named = { kind: 'RoleBinding', namespace: 'ns1', name: 'used' };
    const role = { kind: 'Role', name: 'pods' };
    expect(JSON.parse(stdout)).toMatchObject({
      subjects: [
        {
          subject: { name: 'alice' },
          areMoreBindingsNamed: false,
          bindings: [
            { permissions: 1, exists: false },
            { binding: { name: 'idle' }, role, permissions: 0, lastDay: null, exists: true },
            { binding: named, role, permissions: 1, lastDay: '2026-01-01', exists: true },
          ],
        },
      ],
    });
    expect((await score(LOG, '-o', 'json')).stdout).not.toContain('indings');
  });

  test('says where the log does not say it', async () => {
    const { stdout } = await score(asked('alice', 'list pods'), '--bindings');
    expect(stdout).toContain('\n\nNo binding is named: the log does not say which one allowed a request.\n');
  });
});
