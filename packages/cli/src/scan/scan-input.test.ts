import { describe, expect, test } from 'vitest';

import { auditInputOf, readManifestSet } from './scan-input.ts';

const API = 'rbac.authorization.k8s.io/v1';

function role(name: string, verb = 'get'): string {
  return `apiVersion: ${API}
kind: Role
metadata: {name: ${name}, namespace: shop}
rules: [{apiGroups: [""], resources: [pods], verbs: [${verb}]}]
`;
}

function account(name: string): string {
  return `apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: ${name}}\n`;
}

const CONFIG_MAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n';

function read(texts: Readonly<Record<string, string>>, hasOrigins = true) {
  const files = Object.entries(texts).map(([name, text]) => ({ name, text }));
  return readManifestSet(files, { namespace: 'shop', hasOrigins });
}

describe('a set of manifests', () => {
  test('says where each object stands', () => {
    const set = read({
      'a.yaml': `${CONFIG_MAP}---\n${role('r')}`,
      'b.yaml': `${account('s')}---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\n`,
    });
    expect(set.objects.map(({ origin }) => origin)).toEqual([{ file: 'a.yaml', line: 5 }]);
    expect(set.serviceAccounts).toMatchObject([
      { name: 's', namespace: 'shop', origin: { file: 'b.yaml', line: 1 } },
    ]);
    expect(set.workloads).toMatchObject([
      { kind: 'Pod', serviceAccountName: 'default', origin: { file: 'b.yaml', line: 5 } },
    ]);
    expect([set.files, set.foreign, set.problems]).toEqual([2, [], []]);
    expect(read({ 'a.yaml': role('r') }, false).objects[0]).not.toHaveProperty('origin');
  });

  test('passes over files that can be no manifests, and names them', () => {
    const set = read({
      'values.yaml': 'replicas: 2\n',
      'package.json': '{"name": "x"}',
      'a.yaml': CONFIG_MAP,
    });
    expect([set.files, set.foreign, set.problems]).toEqual([1, ['values.yaml', 'package.json'], []]);
  });

  test.each([
    ['an object without a kind beside others', `${CONFIG_MAP}---\na: b\n`, /^f\.yaml:5: not-an-object: /],
    ['a template', 'name: {{ .Values.x }}\n', /^f\.yaml:1: templated: /],
    ['a broken document', `${role('r')}---\na: [\n`, /^f\.yaml:\d+: unreadable: /],
    ['a rule without verbs', role('r').replace('[get]', '[]'), /^f\.yaml:4: missing-field: /],
  ])('tells %s', (_, text, problem) => {
    expect(read({ 'f.yaml': text }).problems).toEqual([expect.stringMatching(problem)]);
  });

  test('leaves a service account without a namespace to the check that is about it', () => {
    const text = `apiVersion: ${API}
kind: ClusterRoleBinding
metadata: {name: b}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: s}]
`;
    const set = read({ 'f.yaml': text });
    expect([set.objects.length, set.problems]).toEqual([1, []]);
  });
});

describe('what is audited', () => {
  test('is the input, which takes the place of what the cluster has by the same name', () => {
    const input = read({ 'a.yaml': role('same', 'list') });
    const snapshot = read({ 's.yaml': `${role('same')}---\n${role('other')}` }, false);
    const { objects, context } = auditInputOf(input, snapshot);
    expect(objects).toEqual(input.objects);
    expect(context?.map(({ object }) => object.metadata.name)).toEqual(['other']);
  });

  test('knows all service accounts only where the snapshot lists some', () => {
    const input = read({ 'a.yaml': account('new') });
    const withoutAccounts = auditInputOf(input, read({ 's.yaml': role('r') }, false));
    expect(withoutAccounts.known).toEqual({});
    expect(withoutAccounts.serviceAccounts).toEqual(input.serviceAccounts);
    const { known, serviceAccounts } = auditInputOf(
      input,
      read({ 's.yaml': `${account('new')}---\n${account('old')}` }, false),
    );
    expect(serviceAccounts?.map(({ name }) => name)).toEqual(['new', 'old']);
    expect(known?.serviceAccounts).toEqual(serviceAccounts);
  });
});
