import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { leastwise, ownFolder } from '../testing/command.ts';

const API = 'rbac.authorization.k8s.io/v1';
const newFolder = ownFolder();

function role(name: string, resource: string, verb = 'get'): string {
  return `apiVersion: ${API}
kind: Role
metadata: {name: ${name}, namespace: shop}
rules: [{apiGroups: [""], resources: [${resource}], verbs: [${verb}]}]
`;
}

function binding(name: string, roleRef: string, subject = '{kind: ServiceAccount, name: web}'): string {
  return `apiVersion: ${API}
kind: RoleBinding
metadata: {name: ${name}, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, ${roleRef}}
subjects: [${subject}]
`;
}

const READER = `${role('reader', 'configmaps')}---\n${binding('reader', 'kind: Role, name: reader')}`;
/** R030, MEDIUM: of a namespace that is not privileged. */
const SECRETS = `${role('secrets', 'secrets')}---\n${binding('secrets', 'kind: Role, name: secrets')}`;
/** R001, CRITICAL. */
const EVERYTHING = `apiVersion: ${API}
kind: ClusterRole
metadata: {name: all}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
---
apiVersion: ${API}
kind: ClusterRoleBinding
metadata: {name: all}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: all}
subjects: [{kind: User, name: ci, apiGroup: rbac.authorization.k8s.io}]
`;

function folderWith(files: Readonly<Record<string, string>>): string {
  const root = newFolder();
  mkdirSync(root);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text);
  return root;
}

interface Said {
  readonly code: number;
  /** `check severity kind/name line`. */
  readonly found: readonly string[];
  readonly stderr: string;
}

interface Finding {
  readonly check: string;
  readonly severity: string;
  readonly object: {
    readonly kind: string;
    readonly name: string;
    readonly origin?: { readonly line: number };
  };
  readonly suppressed?: { readonly owner: string };
}

async function scan(words: readonly string[], stdin?: string): Promise<Said> {
  const { code, stdout, stderr } = await leastwise(['scan', '-o', 'json', ...words], stdin);
  const { findings } = JSON.parse(stdout === '' ? '{"findings": []}' : stdout) as { findings: Finding[] };
  const found = findings.map(({ check, severity, object: { kind, name, origin }, suppressed }) =>
    [check, severity, `${kind}/${name}`, origin?.line ?? '-', ...(suppressed ? ['suppressed'] : [])].join(
      ' ',
    ),
  );
  return { code, found, stderr };
}

describe('what is found', () => {
  test('is told with the line of the object, and is no failure by itself', async () => {
    const folder = folderWith({ 'rbac.yaml': `${READER}---\n${SECRETS}` });
    expect(await scan([folder])).toEqual({ code: 0, found: ['R030 MEDIUM Role/secrets 12'], stderr: '' });
  });

  test('is shown as a table, with its way and its remedy', async () => {
    const { stdout } = await leastwise(['scan', '-'], SECRETS);
    expect(stdout).toMatch(
      /^SEVERITY {2}CHECK {2}OBJECT +WHERE\nMEDIUM {4}R030 +Role shop\/secrets +stdin:1\n/,
    );
    expect(stdout).toContain('RoleBinding shop/secrets → Role shop/secrets → rule 1 → get secrets');
    expect(stdout).toContain('1 finding: 1 MEDIUM; scanned 1 binding and 1 role in 1 file\n');
  });

  test('is nothing where nothing is wrong', async () => {
    expect(await scan(['-', '--fail-on-findings'], READER)).toEqual({ code: 0, found: [], stderr: '' });
  });

  test.each([
    ['sarif', /^\{\n {2}"\$schema": /],
    ['junit', /^<\?xml .*\n<testsuites .* failures="1"/],
    ['markdown', /^## RBAC findings\n/],
    ['github', /^::warning file=stdin,line=1,title=MEDIUM R030%3A /],
  ])('is written as %s', async (form, start) => {
    const { code, stdout } = await leastwise(['scan', '-', '-o', form], SECRETS);
    expect(code).toBe(0);
    expect(stdout).toMatch(start);
  });
});

describe('exit codes', () => {
  const failing = ['-', '--fail-on-findings'];
  test('1 where something is found and --fail-on-findings is given', async () => {
    expect((await scan(failing, SECRETS)).code).toBe(1);
    expect((await scan(['-'], SECRETS)).code).toBe(0);
  });

  test('count only what is at least as bad as --severity, which hides the rest', async () => {
    const both = `${SECRETS}---\n${EVERYTHING}`;
    expect(await scan([...failing, '--severity', 'critical'], SECRETS)).toMatchObject({ code: 0, found: [] });
    expect((await scan([...failing, '--severity', 'MEDIUM'], SECRETS)).code).toBe(1);
    const { code, found } = await scan([...failing, '--severity', 'HIGH'], both);
    expect(code).toBe(1);
    expect(found.some((each) => each.startsWith('R030 MEDIUM'))).toBe(false);
    expect(found).toContain('R001 CRITICAL ClusterRole/all 12');
    const { stdout } = await leastwise(['scan', '-', '--severity', 'HIGH'], SECRETS);
    expect(stdout).toBe('no findings; 1 below HIGH not shown; scanned 1 binding and 1 role in 1 file\n');
  });

  test.each([
    ['a template', 'metadata: {name: {{ .Release.Name }}}\n', /^error: stdin:1: templated: /],
    ['a broken document', `${SECRETS}---\nx: [\n`, /^error: stdin:\d+: unreadable: /],
    ['a rule without verbs', role('r', 'pods').replace('[get]', '[]'), /^error: stdin:4: missing-field: /],
    ['nothing that is a manifest', 'replicas: 3\n', /^error: no manifest in -/],
    ['nothing at all', '', /^error: no manifest in -/],
  ])('2, and no report, for %s', async (_, text, message) => {
    const { code, stdout, stderr } = await leastwise(['scan', '-', '--fail-on-findings'], text);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });

  test.each([
    [[]],
    [['nowhere.yaml']],
    [['-', '--severity', 'BAD']],
    [['-', '-o', 'html']],
    [['-', '--as-of', 'today']],
    [['-', '--snapshot', '-']],
    [['-', '--policy', 'nowhere.yaml']],
  ])('2 for %j', async (words) => {
    expect((await leastwise(['scan', ...words], READER)).code).toBe(2);
  });
});

describe('roles', () => {
  test('are found in other files of the input, and a missing one is told', async () => {
    const text = binding('b', 'kind: Role, name: secrets');
    expect((await scan(['-'], text)).found).toEqual(['R019 MEDIUM RoleBinding/b 1']);
    const folder = folderWith({ 'a.yaml': text, 'b.yaml': role('secrets', 'secrets') });
    expect((await scan([folder])).found).toEqual(['R030 MEDIUM Role/secrets 1']);
  });

  test('are found among the defaults of Kubernetes', async () => {
    const { found } = await scan(['-'], binding('b', 'kind: ClusterRole, name: view'));
    expect(found.filter((each) => each.startsWith('R019'))).toEqual([]);
  });

  test('are found in a snapshot, whose own objects are not judged', async () => {
    const folder = folderWith({ 'live.yaml': `${role('live', 'secrets')}---\n${EVERYTHING}` });
    const input = binding('b', 'kind: Role, name: live');
    const { found } = await scan(['-', '--snapshot', folder], input);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^R030 MEDIUM /);
    expect((await leastwise(['scan', '-', '--snapshot', folder], input)).stdout).toContain('stdin:1');
  });

  test('of the input take the place of those of the snapshot', async () => {
    const folder = folderWith({ 'live.yaml': SECRETS });
    expect(await scan(['-', '--snapshot', folder], role('secrets', 'configmaps'))).toMatchObject({
      found: [],
    });
  });

  test('of the snapshot that cannot be read end it', async () => {
    const folder = folderWith({ 'live.yaml': `${role('r', 'pods')}---\nx: [\n` });
    const { code, stderr } = await scan(['-', '--snapshot', folder], READER);
    expect(code).toBe(2);
    expect(stderr).toMatch(/live\.yaml:\d+: unreadable/);
  });
});

test('objects without a namespace are those of --namespace', async () => {
  const text = SECRETS.replaceAll(', namespace: shop', '');
  const { found } = await scan(['-', '-n', 'kube-system'], text);
  expect(found).toContain('R030 CRITICAL Role/secrets 1');
  expect((await scan(['-'], text)).found).toEqual(['R030 MEDIUM Role/secrets 1']);
});

test('a workload that mounts the token of a dangerous account is told', async () => {
  const pod = `apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\nspec: {serviceAccountName: web}\n`;
  const bound = EVERYTHING.replace(
    '{kind: User, name: ci, apiGroup: rbac.authorization.k8s.io}',
    '{kind: ServiceAccount, name: web, namespace: shop}',
  );
  const { found } = await scan(['-'], `${pod}---\n${bound}`);
  expect(found.some((each) => /^R095 \w+ Pod\/p 1$/.test(each))).toBe(true);
  const quiet = pod.replace('web}', 'web, automountServiceAccountToken: false}');
  expect((await scan(['-'], `${quiet}---\n${bound}`)).found.join()).not.toContain('R095');
});

describe('a policy', () => {
  const SUPPRESSION = `suppressions:
- check: R030
  owner: team-shop
  reason: moved to the vault
  until: 2026-06-30
`;

  test('suppresses a finding until its day is over, and then says so', async () => {
    const policy = join(folderWith({ 'policy.yaml': SUPPRESSION }), 'policy.yaml');
    const words = ['-', '--fail-on-findings', '--policy', policy];
    expect(await scan([...words, '--as-of', '2026-06-30'], SECRETS)).toEqual({
      code: 0,
      found: ['R030 MEDIUM Role/secrets 1 suppressed'],
      stderr: '',
    });
    const late = await scan([...words, '--as-of', '2026-07-01'], SECRETS);
    expect(late).toMatchObject({ code: 1, found: ['R030 MEDIUM Role/secrets 1'] });
    expect(late.stderr).toBe(
      `${policy}:2: the suppression of R030 ended on 2026-06-30 and hides nothing any more (team-shop)\n`,
    );
    const idle = await scan([...words, '--as-of', '2026-06-30'], READER);
    expect(idle.stderr).toBe(`${policy}:2: the suppression of R030 fits no finding (team-shop)\n`);
  });

  test('that is broken ends it, with all that is wrong', async () => {
    const broken = SUPPRESSION.replace('  owner: team-shop\n', '').concat('what: 1\n');
    const policy = join(folderWith({ 'policy.yaml': broken }), 'policy.yaml');
    const { code, stderr } = await scan(['-', '--policy', policy], SECRETS);
    expect(code).toBe(2);
    expect(stderr).toMatch(/policy\.yaml:2: .*owner/);
    expect(stderr).toMatch(/policy\.yaml:5: .*what/);
  });
});

test('files that are no manifests are named, and hide nothing', async () => {
  const folder = folderWith({ 'rbac.yaml': SECRETS, 'values.yaml': 'replicas: 3\n' });
  const { found, stderr } = await scan([folder]);
  expect(found).toEqual(['R030 MEDIUM Role/secrets 1']);
  expect(stderr).toBe(`${join(folder, 'values.yaml')}: no manifest, passed over\n`);
});

test('what an attacker named does not steer a terminal', async () => {
  const hostile = SECRETS.replaceAll('name: secrets', 'name: "s\\u001b[31m\\u202e\\u0085"');
  for (const form of ['table', 'json', 'sarif', 'junit', 'markdown', 'github']) {
    const { code, stdout } = await leastwise(['scan', '-', '-o', form], hostile);
    expect(code).toBe(0);
    expect(stdout).toContain('R030');
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  }
});
