import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { Subject } from '@leastwise/audit-event';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';

import { createAuthorizer } from '../authorizer/index.ts';
import { ask, url } from '../authorizer/testing/build.ts';
import { parseManifests } from './index.ts';
import { API, names, problems, role, ROLE } from './testing/read.ts';

describe('forms', () => {
  test('one document, whole', () => {
    expect(parseManifests(ROLE, 'f.yaml')).toEqual({ objects: [role('r')], ignored: 0, problems: [] });
  });

  test('many documents, with empty ones, comments, CRLF and a byte order mark', () => {
    const text = `\uFEFF# nothing\n---\n---\n${ROLE}---\n# still nothing\n---\n${ROLE.replace('name: r', 'name: s')}...\n`;
    expect(names(text)).toEqual(['Role r', 'Role s']);
    expect(names(text.replaceAll('\n', '\r\n'))).toEqual(['Role r', 'Role s']);
    expect(parseManifests('', 'f')).toEqual({ objects: [], ignored: 0, problems: [] });
    expect(parseManifests('# only\n', 'f').problems).toEqual([]);
  });

  test('JSON, also with a byte order mark', () => {
    expect(names(JSON.stringify(role('r'), undefined, '\t'))).toEqual(['Role r']);
    expect(names(`\uFEFF${JSON.stringify(role('r'))}`)).toEqual(['Role r']);
  });

  test('a List of anything, also of lists', () => {
    const inner = { apiVersion: 'v1', kind: 'List', items: [role('b')] };
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      metadata: {},
      items: [role('a'), inner, { apiVersion: 'v1', kind: 'Pod' }],
    };
    for (const text of [JSON.stringify(list), stringify(list)]) {
      expect(names(text)).toEqual(['Role a', 'Role b']);
      expect(parseManifests(text, 'f').ignored).toBe(1);
    }
  });

  test('a RoleList, whose items do not say what they are', () => {
    const items = [{ metadata: { name: 'a', namespace: 'ns' }, rules: [] }];
    expect(names(stringify({ apiVersion: API, kind: 'RoleList', items }))).toEqual(['Role a']);
    const bindings = [{ metadata: { name: 'b' }, roleRef: { kind: 'ClusterRole', name: 'x' } }];
    const list = { apiVersion: API, kind: 'ClusterRoleBindingList', items: bindings };
    expect(names(stringify(list))).toEqual(['ClusterRoleBinding b']);
    expect(names(stringify({ apiVersion: API, kind: 'RoleList', items: null }))).toEqual([]);
  });

  test('old versions are read as v1', () => {
    for (const version of ['v1beta1', 'v1alpha1']) {
      expect(parseManifests(ROLE.replace('/v1', `/${version}`), 'f').objects).toEqual([role('r')]);
    }
    expect(problems(ROLE.replace('/v1', '/v2'))).toEqual([
      '1 unsupported-value: apiVersion "rbac.authorization.k8s.io/v2" is not known',
    ]);
  });

  test('other kinds are counted, RBAC of other groups too, whatever is in them', () => {
    const text = [
      'apiVersion: v1\nkind: ConfigMap\ndata: {a: "{{ x }}", b: 1, b: 2, <<: {}}',
      ROLE.replace('rbac.authorization', 'authorization.openshift'),
      ROLE.replace('kind: Role', 'kind: SelfSubjectWhatever'),
      'apiVersion: v1\nkind: PodList\nitems: 3',
    ].join('\n---\n');
    expect(parseManifests(text, 'f')).toEqual({ objects: [], ignored: 4, problems: [] });
  });
});

describe('fields', () => {
  test('of bindings get the defaults of the API server', () => {
    const text = `apiVersion: ${API}
kind: RoleBinding
metadata: {name: b, namespace: ns, labels: {a: b}, annotations: {c: d}, uid: x}
roleRef: {kind: Role, name: r}
subjects:
- {kind: User, name: u}
- {kind: Group, name: g, apiGroup: rbac.authorization.k8s.io}
- {kind: ServiceAccount, name: s}
- {kind: ServiceAccount, name: t, namespace: other}
`;
    const [binding] = parseManifests(text, 'f').objects;
    expect(binding).toEqual({
      apiVersion: API,
      kind: 'RoleBinding',
      metadata: { name: 'b', namespace: 'ns', labels: { a: 'b' }, annotations: { c: 'd' } },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
      subjects: [
        { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'u' },
        { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'g' },
        { kind: 'ServiceAccount', name: 's' },
        { kind: 'ServiceAccount', name: 't', namespace: 'other' },
      ],
    });
  });

  test('of aggregated ClusterRoles', () => {
    const text = `apiVersion: ${API}
kind: ClusterRole
metadata: {name: c, namespace: ignored}
aggregationRule:
  clusterRoleSelectors:
  - matchLabels: {a: b}
  - matchExpressions: [{key: k, operator: In, values: [x]}, {key: l, operator: Exists}]
rules: null
`;
    expect(parseManifests(text, 'f').objects).toEqual([
      {
        apiVersion: API,
        kind: 'ClusterRole',
        metadata: { name: 'c' },
        rules: [],
        aggregationRule: {
          clusterRoleSelectors: [
            { matchLabels: { a: 'b' } },
            {
              matchExpressions: [
                { key: 'k', operator: 'In', values: ['x'] },
                { key: 'l', operator: 'Exists' },
              ],
            },
          ],
        },
      },
    ]);
  });

  test('that nobody knows are passed over, null is absent', () => {
    const text = `${ROLE}  attributeRestrictions: null\n  resourceNames: null\n  whatever: {x: [1]}\nstatus: 3\n`;
    expect(parseManifests(text, 'f').objects).toEqual([role('r')]);
  });

  test('a namespaced object without a namespace is put where kubectl would put it', () => {
    const text = ROLE.replace(', namespace: ns', '');
    expect(parseManifests(text, 'f').objects[0]?.metadata.namespace).toBe('default');
    expect(parseManifests(text, 'f', { namespace: 'x' }).objects[0]?.metadata.namespace).toBe('x');
    expect(parseManifests(ROLE, 'f', { namespace: 'x' }).objects[0]?.metadata.namespace).toBe('ns');
  });

  test('a service account without a namespace in a ClusterRoleBinding is told, and bound to nothing', () => {
    const text = `apiVersion: ${API}
kind: ClusterRoleBinding
metadata: {name: b}
roleRef: {kind: ClusterRole, name: r}
subjects:
- kind: ServiceAccount
  name: s
`;
    expect(parseManifests(text, 'f').objects).toHaveLength(1);
    expect(problems(text)).toEqual([
      '6 no-namespace: subjects[0].namespace is missing: a ClusterRoleBinding binds no service account without it',
    ]);
    expect(problems(text.replace('ClusterRoleBinding', 'RoleBinding'))).toEqual([]);
  });
});

const SHARED = fileURLToPath(new URL('../../../../../shared/data/public/_rbac/', import.meta.url));

describe.skipIf(!existsSync(SHARED))('manifests of well-known projects', () => {
  const load = (file: string): ReturnType<typeof parseManifests> =>
    parseManifests(readFileSync(SHARED + file, 'utf8'), file);

  /** Counted by hand, by the `kind:` lines of the files. */
  const files: [string, number, number][] = [
    ['argo-cd-namespace-install.yaml', 12, 38],
    ['aws-lb-controller-v2_2_0_full.yaml', 4, 9],
    ['flux-rbac.yaml', 5, 0],
    ['ingress-nginx-cloud-deploy.yaml', 8, 11],
    ['kube-state-metrics-standard.yaml', 2, 1],
    ['kubernetes-dashboard-recommended.yaml', 4, 10],
    ['metrics-server-rbac.yaml', 5, 1],
    ['tekton-pipeline-rbac.yaml', 11, 3],
    ['alcideio+rbac-tool/impersonator.yaml', 2, 0],
  ];
  test.each(files)('%s', (file, objects, ignored) => {
    const read = load(file);
    expect([read.objects.length, read.ignored, read.problems]).toEqual([objects, ignored, []]);
  });

  test('a template is told', () => {
    const { objects, problems: found } = load('kubevirt-operator-rbac.TEMPLATED.yaml.in');
    expect(found.map(({ reason }) => reason)).toEqual(['templated']);
    expect(objects.map(({ kind }) => kind)).toEqual(['ClusterRole']);
  });

  /** The cases of rbac-tool's who-can, by the expectations in its files; a URL in a RoleBinding is granted to nobody. */
  test('who can', () => {
    const sa = (name: string): Subject => ({ kind: 'ServiceAccount', namespace: 'test', name });
    const user = (name: string): Subject => ({ kind: 'User', namespace: '', name });
    const can = (
      file: string,
      subject: Subject,
      permission: ReturnType<typeof ask>,
      groups: string[] = [],
    ): boolean =>
      createAuthorizer(load(`alcideio+rbac-tool/${file}`).objects).authorize({ subject, groups, permission })
        .allowed;
    const create = ask('create', 'pods', { namespace: 'test' });
    expect(can('pod-creator.yaml', sa('test-pod-creator-sa'), create)).toBe(true);
    expect(can('pod-creator.yaml', user('test-pod-creator-user'), create)).toBe(true);
    expect(can('pod-creator.yaml', user('x'), create, ['test-pod-creator-group'])).toBe(true);
    expect(can('pod-creator.yaml', user('x'), create)).toBe(false);
    const secrets = ask('get', 'secrets', { namespace: 'test', name: 's' });
    expect(can('secret-reader.yaml', sa('test-secret-reader-sa'), secrets)).toBe(true);
    expect(can('secret-reader.yaml', sa('test-secret-reader-sa'), { ...secrets, namespace: 'other' })).toBe(
      false,
    );
    const impersonate = ask('impersonate', 'serviceaccounts', { namespace: 'test', name: 'x' });
    expect(can('impersonator.yaml', user('test-impersonator-user'), impersonate)).toBe(true);
    expect(
      can('nonresourceurl-reader.yaml', user('test-nonresourceurl-reader'), url('get', '/test-reader')),
    ).toBe(false);
  });
});
