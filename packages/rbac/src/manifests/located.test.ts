import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { locateManifests, parseManifests } from './index.ts';
import { ROLE } from './testing/read.ts';

/** `line kind namespace/name` of all that was found. */
function found(text: string, options = {}): string[] {
  const { objects, workloads, serviceAccounts, problems } = locateManifests(text, 'f.yaml', options);
  expect(problems).toEqual([]);
  return [
    ...objects.map(({ value: { kind, metadata }, line }) => ({ kind, ...metadata, line })),
    ...workloads.map(({ value, line }) => ({ ...value, line })),
    ...serviceAccounts.map(({ value, line }) => ({ ...value, line })),
  ].map(({ line, kind, namespace, name }) => `${line()} ${kind} ${namespace ?? ''}/${name}`);
}

function problems(text: string): string[] {
  return locateManifests(text, 'f', {}).problems.map(
    ({ line, reason, detail }) => `${line} ${reason}: ${detail}`,
  );
}

const POD_SPEC = '{serviceAccountName: runner, automountServiceAccountToken: false}';
const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {spec: ${POD_SPEC}}}
`;

describe('lines', () => {
  test('are those at which the objects begin, in documents and in Lists', () => {
    expect(found(`# a comment\n---\n${ROLE}---\n# Source: chart/templates/role.yaml\n${ROLE}`)).toEqual([
      '3 Role ns/r',
      '12 Role ns/r',
    ]);
    const indented = ROLE.replaceAll('\n', '\n  ');
    expect(found(`apiVersion: v1\nkind: List\nitems:\n- ${indented}\n- ${indented}`)).toEqual([
      '4 Role ns/r',
      '12 Role ns/r',
    ]);
  });

  test('of JSON are known too', () => {
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'r', namespace: 'ns' },
      rules: [],
    };
    const list = { apiVersion: 'v1', kind: 'List', items: [role, role] };
    expect(found(JSON.stringify(role))).toEqual(['1 Role ns/r']);
    expect(found(JSON.stringify(list, null, 2))).toEqual(['5 Role ns/r', '14 Role ns/r']);
  });

  test('of what stands for another are those of the alias', () => {
    const text = `apiVersion: v1\nkind: List\nitems:\n- &x\n  ${ROLE.replaceAll('\n', '\n  ')}\n- *x\n`;
    expect(found(text)).toEqual(['5 Role ns/r', '13 Role ns/r']);
  });
});

describe('workloads', () => {
  test.each([
    ['v1', 'Pod', `spec: ${POD_SPEC}`],
    ['v1', 'ReplicationController', `spec: {template: {spec: ${POD_SPEC}}}`],
    ['apps/v1', 'Deployment', `spec: {template: {spec: ${POD_SPEC}}}`],
    ['apps/v1', 'StatefulSet', `spec: {template: {spec: ${POD_SPEC}}}`],
    ['apps/v1beta2', 'DaemonSet', `spec: {template: {spec: ${POD_SPEC}}}`],
    ['apps/v1', 'ReplicaSet', `spec: {template: {spec: ${POD_SPEC}}}`],
    ['batch/v1', 'Job', `spec: {template: {spec: ${POD_SPEC}}}`],
    ['batch/v1beta1', 'CronJob', `spec: {jobTemplate: {spec: {template: {spec: ${POD_SPEC}}}}}`],
  ])('of %s %s say as whom they run', (apiVersion, kind, spec) => {
    const text = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: w, namespace: shop}\n${spec}\n`;
    const { workloads, ignored } = locateManifests(text, 'f');
    expect(workloads.map(({ value }) => value)).toEqual([
      {
        kind,
        namespace: 'shop',
        name: 'w',
        serviceAccountName: 'runner',
        automountServiceAccountToken: false,
      },
    ]);
    expect(ignored).toBe(0);
    expect(parseManifests(text, 'f')).toEqual({ objects: [], ignored: 1, problems: [] });
  });

  test('run as default where they say nothing, and by the old name of the field', () => {
    const bare = DEPLOYMENT.replace(POD_SPEC, '{}').replace(', namespace: shop', '');
    expect(locateManifests(bare, 'f', { namespace: 'x' }).workloads[0]?.value).toEqual({
      kind: 'Deployment',
      namespace: 'x',
      name: 'web',
      serviceAccountName: 'default',
    });
    for (const spec of ['{serviceAccount: old}', '{serviceAccountName: "", serviceAccount: old}']) {
      const { workloads } = locateManifests(DEPLOYMENT.replace(POD_SPEC, spec), 'f');
      expect(workloads[0]?.value.serviceAccountName).toBe('old');
    }
  });

  test('may have a name that the API server makes up', () => {
    expect(found(DEPLOYMENT.replace('name: web', 'generateName: web-'))).toEqual(['1 Deployment shop/web-']);
    expect(problems(DEPLOYMENT.replace('name: web, ', ''))).toEqual([
      '3 missing-field: metadata.name is missing',
    ]);
  });

  test('of other groups are none', () => {
    expect(found(DEPLOYMENT.replace('apps/v1', 'example.com/v1'))).toEqual([]);
    expect(locateManifests(DEPLOYMENT.replace('apps/v1', 'v1'), 'f').ignored).toBe(1);
  });

  test('are read out of their lists', () => {
    const list = `apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- metadata: {name: web}\n`;
    expect(found(list)).toEqual(['4 Deployment default/web']);
  });

  test('that are not well formed are told with their line', () => {
    expect(problems(DEPLOYMENT.replace('false', '"no"'))).toEqual([
      '4 wrong-type: spec.template.spec.automountServiceAccountToken is neither true nor false',
    ]);
    expect(problems(DEPLOYMENT.replace('runner', '[a]'))).toEqual([
      '4 wrong-type: spec.template.spec.serviceAccountName is not a string',
    ]);
    expect(problems(DEPLOYMENT.replace('runner', '{{ .Values.sa }}'))).toEqual([
      expect.stringMatching(/^\d+ templated: .*render the template first/),
    ]);
  });
});

test('service accounts come with their annotations', () => {
  const text = `apiVersion: v1
kind: ServiceAccount
metadata: {name: s, annotations: {a: b, __proto__: c}}
automountServiceAccountToken: false
`;
  const { serviceAccounts } = locateManifests(text, 'f');
  expect(serviceAccounts.map(({ value }) => value)).toEqual([
    {
      kind: 'ServiceAccount',
      namespace: 'default',
      name: 's',
      annotations: Object.fromEntries([
        ['a', 'b'],
        ['__proto__', 'c'],
      ]),
      automountServiceAccountToken: false,
    },
  ]);
  expect(found(text.replace('kind: ServiceAccount', 'kind: ServiceAccountKey'))).toEqual([]);
});

test('whatever stands beside them, the RBAC objects are the same with and without lines', () => {
  const pieces = [ROLE, DEPLOYMENT, 'a: {{ b }}\n', 'kind: ConfigMap\napiVersion: v1\n', 'x: [\n', '# y\n'];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 6 }), (documents) => {
      const text = documents.join('---\n');
      const located = locateManifests(text, 'f');
      expect(located.objects.map(({ value }) => value)).toEqual(parseManifests(text, 'f').objects);
      const lines = text.split('\n');
      for (const { line } of [...located.objects, ...located.workloads])
        expect(lines[line() - 1]).toMatch(/^apiVersion:/);
    }),
  );
});
