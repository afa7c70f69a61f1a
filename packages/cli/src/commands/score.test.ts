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

const policyOf = (...rules: string[]): string =>
  `apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n${rules.map((rule) => `- ${rule}\n`).join('')}`;
const ALL = '{level: Metadata}';
const NO_EXEC = '{level: None, resources: [{resources: ["pods/exec"]}]}';
const NO_CAROL = '{level: None, users: [carol]}';

const GROUP = 'rbac.authorization.k8s.io';
const RBAC = `
apiVersion: ${GROUP}/v1
kind: Role
metadata: {name: pods, namespace: ns1}
rules:
- {apiGroups: [""], resources: [pods], verbs: [list, get]}
- {apiGroups: [""], resources: [pods/exec], verbs: [create]}
---
apiVersion: ${GROUP}/v1
kind: RoleBinding
metadata: {name: pods, namespace: ns1}
roleRef: {apiGroup: ${GROUP}, kind: Role, name: pods}
subjects:
- {apiGroup: ${GROUP}, kind: User, name: alice}
- {apiGroup: ${GROUP}, kind: User, name: carol}
`;

async function score(policy: string | undefined, ...words: string[]) {
  const [log, rbac] = [await written(asked('alice', 'list pods')), await written(RBAC)];
  const flags = policy === undefined ? [] : ['--audit-policy', await written(policy)];
  return leastwise(['score', '-f', log, '--rbac', rbac, ...flags, ...words]);
}

describe('score --audit-policy', () => {
  test('leaves what the policy does not log out of the score, in a column of its own', async () => {
    const { code, stdout, stderr } = await score(policyOf(NO_EXEC, ALL));
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatchInlineSnapshot(`
      "SCORE  SEVERITY  USED  GRANTED  NOT OBSERVABLE  UNCOVERED  SENSITIVE EXCESS  SUBJECT
          0  Red          0        3               1          0  -                 carol
         50  Yellow       1        3               1          0  -                 alice
      "
    `);
    expect((await score(undefined)).stdout).toMatchInlineSnapshot(`
      "SCORE  SEVERITY  USED  GRANTED  UNCOVERED  SENSITIVE EXCESS  SUBJECT
          0  Red          0        3          0  exec              carol
         33  Red          1        3          0  exec              alice
      "
    `);
  });

  test('names those of whom nothing is logged, and gives them no score', async () => {
    const { code, stdout, stderr } = await score(policyOf(NO_CAROL, ALL));
    expect([code, stderr]).toEqual([
      0,
      'warning: nothing of carol is logged: rule 1 of the audit policy (line 4) has level None\n',
    ]);
    expect(stdout).toMatch(/^ +- {2}- +0 +3 +3 +0 {2}- +carol$/m);
  });

  test('says it in JSON, which is as it was without the flag', async () => {
    const told = await score(policyOf(NO_CAROL, NO_EXEC, ALL), '-o', 'json');
    expect(JSON.parse(told.stdout)).toMatchObject({
      subjects: [
        {
          subject: { name: 'alice' },
          ...{ score: 50, used: 1, granted: 3, unobservable: 1, isHidden: false, sensitiveExcess: [] },
          sensitiveUnobservable: [
            { kind: 'exec', rule: { apiGroups: [''], resources: ['pods/exec'], verbs: ['create'] } },
          ],
        },
        { subject: { name: 'carol' }, score: null, severity: null, unobservable: 3, isHidden: true },
      ],
    });
    const plain = (await score(undefined, '-o', 'json')).stdout;
    for (const key of ['unobservable', 'sensitiveUnobservable', 'isHidden']) expect(plain).not.toContain(key);
  });

  test('warns of fields that the API server ignores, and refuses what it refuses', async () => {
    const odd = await score(policyOf('{level: Metadata, namespace: x}'));
    expect(odd.code).toBe(0);
    expect(odd.stderr).toMatch(/^warning: \S+file\.yaml:4: .*namespace/);
    const broken = await score(policyOf('{level: Everything}'));
    expect([broken.code, broken.stdout]).toEqual([2, '']);
    expect(broken.stderr).toMatch(/file\.yaml:4: .*"Everything"/);
    const gone = await leastwise([
      'score',
      '-f',
      '-',
      '--rbac',
      await written(RBAC),
      '--audit-policy',
      '/gone',
    ]);
    expect(gone).toMatchObject({ code: 2, stderr: expect.stringContaining('/gone: ') as string });
  });
});
