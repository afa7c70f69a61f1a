import { readFileSync } from 'node:fs';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { readAuditPolicies } from './read-audit-policies.ts';

const TESTDATA = new URL('../../testdata/policies/', import.meta.url);

function read(name: string) {
  return readAuditPolicies(readFileSync(new URL(name, TESTDATA), 'utf8'), name);
}

const policyOf = (rules: string, head = ''): string =>
  `apiVersion: audit.k8s.io/v1\nkind: Policy\n${head}rules:\n${rules}`;

function problemsOf(text: string): string[] {
  return readAuditPolicies(text, 'f').problems.map(
    ({ id, line, reason }) => `${id} ${String(line)}: ${reason}`,
  );
}

describe('a policy', () => {
  test('is read with all of its fields', () => {
    const text = policyOf(
      `- level: RequestResponse
  users: [u]
  userGroups: [g]
  verbs: [get]
  resources:
  - group: ''
  - {group: apps, resources: [deployments], resourceNames: [n]}
  namespaces: ['']
  omitStages: [Panic]
  omitManagedFields: false
- level: None
  nonResourceURLs: ['*', /a*, /b]
`,
      'metadata: {name: x}\nomitStages: [RequestReceived]\nomitManagedFields: True\n',
    );
    const { policies, problems } = readAuditPolicies(text, 'f');
    expect(problems).toEqual([]);
    expect(policies.map(({ policy }) => policy)).toEqual([
      {
        omitStages: ['RequestReceived'],
        omitManagedFields: true,
        rules: [
          {
            level: 'RequestResponse',
            users: ['u'],
            userGroups: ['g'],
            verbs: ['get'],
            resources: [
              { group: '', resources: [], resourceNames: [] },
              { group: 'apps', resources: ['deployments'], resourceNames: ['n'] },
            ],
            namespaces: [''],
            nonResourceURLs: [],
            omitStages: ['Panic'],
            omitManagedFields: false,
          },
          {
            level: 'None',
            users: [],
            userGroups: [],
            verbs: [],
            resources: [],
            namespaces: [],
            nonResourceURLs: ['*', '/a*', '/b'],
            omitStages: [],
            omitManagedFields: undefined,
          },
        ],
      },
    ]);
  });

  test('may be JSON, and of v1beta1', () => {
    const text = '{"apiVersion":"audit.k8s.io/v1beta1","kind":"Policy","rules":[{"level":"Metadata"}]}';
    expect(readAuditPolicies(text, 'f')).toMatchObject({
      policies: [{ apiVersion: 'audit.k8s.io/v1beta1' }],
      problems: [],
    });
  });

  test('takes null for absent, as Go does', () => {
    expect(
      problemsOf(policyOf('- {level: Metadata, users: null, resources: null, omitStages: ~}\n')),
    ).toEqual([]);
  });
});

describe('what an API server would refuse', () => {
  // In the form of the cases of k8s.io/apiserver pkg/apis/audit/validation/validation_test.go.
  test.each([
    ['a rule without a level', '- {}\n', 'rules[0].level is missing'],
    ['a missing level beside other fields', '- {verbs: [get]}\n', 'rules[0].level is missing'],
    [
      'an unknown level',
      '- {level: FooBar}\n',
      'rules[0].level is "FooBar", which is none of None, Metadata, Request, RequestResponse',
    ],
    [
      'a level in other case',
      '- {level: metadata}\n',
      'rules[0].level is "metadata", which is none of None, Metadata, Request, RequestResponse',
    ],
    [
      'URLs with namespaces',
      '- {level: Metadata, namespaces: [a], nonResourceURLs: [/logs*]}\n',
      'rules[0].nonResourceURLs is beside resources or namespaces: a rule is about one or the other',
    ],
    [
      'URLs with resources',
      '- {level: Metadata, resources: [{resources: [secrets]}], nonResourceURLs: [/logs*]}\n',
      'rules[0].nonResourceURLs is beside resources or namespaces: a rule is about one or the other',
    ],
    [
      'a group with its version',
      '- {level: Metadata, resources: [{group: rbac.authorization.k8s.io/v1beta1}]}\n',
      'rules[0].resources[0].group is "rbac.authorization.k8s.io/v1beta1", which is no DNS subdomain: leave the version out',
    ],
    [
      'a group in upper case',
      '- {level: Metadata, resources: [{group: Apps}]}\n',
      'rules[0].resources[0].group is "Apps", which is no DNS subdomain',
    ],
    [
      'a URL without a slash',
      '- {level: Metadata, nonResourceURLs: [logs, /healthz*]}\n',
      'rules[0].nonResourceURLs[0] is "logs", which does not begin with /',
    ],
    [
      'an empty URL',
      '- {level: Metadata, nonResourceURLs: ["", /healthz*]}\n',
      'rules[0].nonResourceURLs[0] is "", which does not begin with /',
    ],
    [
      'several stars in a URL',
      '- {level: Metadata, nonResourceURLs: ["/logs/*/*"]}\n',
      'rules[0].nonResourceURLs[0] is "/logs/*/*": * may stand only at the end',
    ],
    [
      'a star inside of a URL',
      '- {level: Metadata, nonResourceURLs: ["/logs/*.log"]}\n',
      'rules[0].nonResourceURLs[0] is "/logs/*.log": * may stand only at the end',
    ],
    [
      'names without resources',
      '- {level: Metadata, resources: [{resourceNames: [leader]}]}\n',
      'rules[0].resources[0].resourceNames needs at least one resource beside it',
    ],
    [
      'an unknown stage in a rule',
      '- {level: Metadata, omitStages: [foo]}\n',
      'rules[0].omitStages[0] is "foo", which is none of RequestReceived, ResponseStarted, ResponseComplete, Panic',
    ],
    [
      'an unquoted number',
      '- {level: Metadata, users: [1]}\n',
      'rules[0].users[0] is not a text: put it in quotes',
    ],
    ['a text for a list', '- {level: Metadata, verbs: get}\n', 'rules[0].verbs is not a list'],
    [
      'a text for a flag',
      '- {level: Metadata, omitManagedFields: "yes"}\n',
      'rules[0].omitManagedFields is neither true nor false',
    ],
    ['a text for a rule', '- Metadata\n', 'rules[0] is not a map'],
  ])('%s', (_, rules, reason) => {
    const problems = problemsOf(policyOf(rules));
    expect(problems).toContain(`E01 4: ${reason}`);
    expect(readAuditPolicies(policyOf(rules), 'f').policies).toEqual([]);
  });

  test.each([
    [
      'no rules',
      'apiVersion: audit.k8s.io/v1\nkind: Policy\n',
      'E01 1: rules is empty: a policy without rules is refused',
    ],
    [
      'an unknown stage',
      policyOf('- {level: None}\n', 'omitStages: [foo]\n'),
      'E01 3: omitStages[0] is "foo", which is none of RequestReceived, ResponseStarted, ResponseComplete, Panic',
    ],
    ['no version', 'kind: Policy\nrules: [{level: None}]\n', 'E01 1: apiVersion has to be audit.k8s.io/v1'],
    ['no version or kind', 'rules: [{level: None}]\n', 'E01 1: kind has to be Policy'],
    [
      'v1alpha1',
      'apiVersion: audit.k8s.io/v1alpha1\nkind: Policy\nrules: [{level: None}]\n',
      'E01 1: apiVersion has to be audit.k8s.io/v1',
    ],
    [
      'text that is no YAML',
      'a: [\n',
      'E01 2: "Flow sequence in block collection must be sufficiently indented and end with a ]"',
    ],
    ['another object', 'apiVersion: v1\nkind: Pod\n', 'E01 1: it holds no audit policy'],
    ['nothing', '', 'E01 1: it holds no audit policy'],
    [
      'an alias',
      policyOf('- {level: None, users: &a [b]}\n- {level: None, userGroups: *a}\n'),
      'E01 5: an alias (*) is not supported: write the value out',
    ],
  ])('%s', (_, text, problem) => {
    expect(problemsOf(text)).toContain(problem);
    expect(readAuditPolicies(text, 'f').policies).toEqual([]);
  });

  test('is told all at once, in the order of the file', () => {
    const problems = problemsOf(
      policyOf('- {level: X}\n- {verbs: [get]}\n- {level: None, omitStages: [Y]}\n'),
    );
    expect(problems.map((each) => each.slice(0, 6))).toEqual(['E01 4:', 'E01 5:', 'E01 6:']);
  });

  test('is not a rule about everything that it takes', () => {
    const rules =
      '- {level: None, userGroups: ["system:serviceaccounts"]}\n- {level: Metadata, nonResourceURLs: ["/logs*", /metrics, "*"]}\n';
    expect(problemsOf(policyOf(rules))).toEqual([]);
  });

  test('is not the group *, which newer ones take', () => {
    expect(problemsOf(policyOf('- {level: None, resources: [{group: "*"}]}\n'))).toEqual([]);
  });
});

describe('a field that an API server would ignore', () => {
  test.each([
    [
      'in a rule',
      '- {level: None, namespace: [a]}\n',
      'E02 4: rules[0].namespace is no field: the API server ignores it with a warning in its log; did you mean namespaces?',
    ],
    [
      'in other case',
      '- {level: None, usergroups: [a]}\n',
      'E02 4: rules[0].usergroups is no field: the API server ignores it with a warning in its log; did you mean userGroups?',
    ],
    // As in k8s.io/apiserver pkg/audit/policy/reader_test.go.
    [
      'in resources',
      '- level: None\n  resources:\n  - resources: [leases]\n    verbs: [watch]\n',
      'E02 7: rules[0].resources[0].verbs is no field: the API server ignores it with a warning in its log',
    ],
  ])('is an error %s', (_, rules, problem) => {
    const { policies } = readAuditPolicies(policyOf(rules), 'f');
    expect(problemsOf(policyOf(rules))).toEqual([problem]);
    expect(policies).toHaveLength(1);
  });

  test('is an error at the top and in metadata, too', () => {
    const text = policyOf('- {level: None}\n', 'spec: {}\nmetadata: {nam: x}\n');
    expect(problemsOf(text).map((each) => each.split(' is ')[0])).toEqual([
      'E02 3: spec',
      'E02 4: metadata.nam',
    ]);
  });

  test('is quoted where its name could steer a terminal', () => {
    expect(problemsOf(policyOf('- {level: None, "\\e[31m": 1}\n'))[0]).toContain(
      'rules[0]."\\u001b[31m" is no field',
    );
  });
});

test('a field that is there twice is an error, and its policy is not used', () => {
  const text = policyOf('- level: None\n  level: Metadata\n');
  expect(problemsOf(text)).toEqual(['E02 5: the key "level" is there twice (rules[0])']);
  expect(readAuditPolicies(text, 'f').policies).toEqual([]);
});

describe('policies inside of other files', () => {
  test.each([
    ['gardener-configmap-wrapped.yaml', 'data.policy', 12, 1],
    ['hypershift-configmap-wrapped.yaml', 'data.policy.yaml', 12, 4],
    ['talos.yaml', 'cluster.apiServer.auditPolicy', 15, 2],
    ['kops-cluster.yaml', 'spec.fileAssets[1].content', 22, 2],
    // In quotes, all of it stands on one line.
    ['rancher-rke2.yaml', 'spec.rkeConfig.machineGlobalConfig.audit-policy-file', 9, 1],
  ])('%s', (name, within, line, rules) => {
    const { policies } = read(name);
    expect(
      policies.map((each) => [each.within, each.lineOf(['rules', 0]), each.policy.rules.length]),
    ).toEqual([[within, line, rules]]);
  });

  test('have their problems at the lines of the file', () => {
    expect(read('kops-cluster.yaml').problems).toEqual([
      {
        id: 'E02',
        file: 'kops-cluster.yaml',
        line: 23,
        reason:
          'rules[0].namespace is no field: the API server ignores it with a warning in its log; did you mean namespaces?',
      },
    ]);
  });

  test('may be several in one file', () => {
    const text = ['a', 'b'].map((name) => policyOf(`- {level: None, users: [${name}]}\n`)).join('---\n');
    const { policies } = readAuditPolicies(`# two\n---\n${text}`, 'f');
    expect(policies.map((each) => [each.policy.rules[0]?.users, each.lineOf(['rules', 0])])).toEqual([
      [['a'], 6],
      [['b'], 11],
    ]);
  });

  test('are not what a script writes, nor events', () => {
    const script =
      'a: |\n  #!/bin/sh\n  cat <<EOF\n  apiVersion: audit.k8s.io/v1\n  kind: Policy\n  rules: []\n  EOF\n';
    expect(problemsOf(script)).toEqual(['E01 1: it holds no audit policy']);
    expect(problemsOf('apiVersion: audit.k8s.io/v1\nkind: Event\n')).toEqual([
      'E01 1: it holds no audit policy',
    ]);
  });
});

test('whatever the text, it is read without an exception', () => {
  const words = [
    'apiVersion: audit.k8s.io/v1\n',
    'kind: Policy\n',
    'rules:\n',
    '- level: None\n',
    '  users: [',
    ']\n',
    '---\n',
    'a: |\n  ',
    '\t',
    '{',
    '"',
  ];
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constantFrom(...words), fc.string())), (parts) => {
      const { policies, problems } = readAuditPolicies(parts.join(''), 'f');
      expect(policies.length + problems.length).toBeGreaterThan(0);
    }),
  );
});
