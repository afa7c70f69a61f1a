import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { MAX_MANIFEST_PROBLEMS, parseManifests } from './index.ts';
import { API, problems, ROLE } from './testing/read.ts';

describe('problems leave the object out and are told with their line', () => {
  const binding = `apiVersion: ${API}
kind: ClusterRoleBinding
metadata: {name: b}
roleRef: {kind: ClusterRole, name: r}
subjects:
- {kind: User, name: u}
`;
  const cases: [string, string, string[]][] = [
    ['no name', ROLE.replace('name: r, ', ''), ['3 missing-field: metadata.name is missing']],
    ['an empty name', ROLE.replace('name: r', 'name: ""'), ['3 missing-field: metadata.name is missing']],
    [
      'a generated name',
      ROLE.replace('name: r', 'generateName: r-'),
      ['3 missing-field: metadata.name is missing'],
    ],
    ['no metadata', ROLE.replace(/metadata.*\n/, ''), ['1 missing-field: metadata.name is missing']],
    [
      'a number for a name',
      ROLE.replace('name: r', 'name: 1'),
      ['3 wrong-type: metadata.name is not a string'],
    ],
    [
      'a string for a list',
      ROLE.replace('[get]', 'get'),
      ['7 wrong-type: rules[0].verbs is not a list', '7 missing-field: rules[0].verbs is missing or empty'],
    ],
    [
      'no verbs',
      ROLE.replace('  verbs: [get]\n', ''),
      ['5 missing-field: rules[0].verbs is missing or empty'],
    ],
    [
      'a number in a list',
      ROLE.replace('[pods]', '[pods, 1]'),
      ['6 wrong-type: rules[0].resources[1] is not a string'],
    ],
    ['null in a list', ROLE.replace('[pods]', '[pods, ~]'), ['6 wrong-type: rules[0].resources[1] is null']],
    ['a map for rules', ROLE.replace(/rules:[^]*/, 'rules: {a: b}\n'), ['4 wrong-type: rules is not a list']],
    [
      'a rule that is a string',
      ROLE.replace(/rules:[^]*/, 'rules: [x]\n'),
      ['4 wrong-type: rules[0] is not an object', '4 missing-field: rules[0].verbs is missing or empty'],
    ],
    [
      'a label that is true',
      ROLE.replace('name: r', 'labels: {a: true}, name: r'),
      ['3 wrong-type: metadata.labels.a is not a string'],
    ],
    [
      'NUL in a name',
      ROLE.replace('name: r', 'name: "r\\0"'),
      ['3 unsupported-value: metadata.name has a NUL character'],
    ],
    [
      'no roleRef',
      binding.replace(/roleRef.*\n/, ''),
      ['1 missing-field: roleRef.kind is missing', '1 missing-field: roleRef.name is missing'],
    ],
    [
      'a cluster binding to a Role',
      binding.replace('kind: ClusterRole,', 'kind: Role,'),
      ['4 unsupported-value: roleRef.kind is none of ClusterRole'],
    ],
    [
      'an unknown subject',
      binding.replace('kind: User', 'kind: Robot'),
      ['6 unsupported-value: subjects[0].kind is none of User, Group, ServiceAccount'],
    ],
    [
      'a subject without a name',
      binding.replace(', name: u', ''),
      ['6 missing-field: subjects[0].name is missing'],
    ],
    [
      'no kind',
      ROLE.replace('kind: Role\n', ''),
      ['1 not-an-object: no kind and apiVersion: not a Kubernetes object'],
    ],
    [
      'no apiVersion',
      ROLE.replace(/apiVersion.*\n/, ''),
      ['1 not-an-object: no kind and apiVersion: not a Kubernetes object'],
    ],
    ['a list', '\n- 1\n- 2\n', ['2 not-an-object: not a Kubernetes object']],
    ['text', 'hello', ['1 not-an-object: not a Kubernetes object']],
    [
      'broken YAML',
      'kind: [Role\n',
      ['2 unreadable: "Flow sequence in block collection must be sufficiently indented and end with a ]"'],
    ],
    ['a repeated key', `${ROLE}rules: []\n`, ['1 unreadable: the key "rules" is there twice']],
    ['a merge key', `${ROLE}- <<: {verbs: [x]}\n`, ['1 unreadable: merge keys (<<) are not supported']],
    ['a map as a key', `${ROLE}? {a: b}\n: c\n`, ['1 unreadable: a key is not a string']],
    ['directives only', '%%%%', ['1 unreadable: directives without a document']],
    [
      'an unknown selector',
      `apiVersion: ${API}\nkind: ClusterRole\nmetadata: {name: c}\naggregationRule:\n  clusterRoleSelectors:\n  - matchExpressions:\n    - {key: a, operator: Like}\n`,
      [
        '7 unsupported-value: aggregationRule.clusterRoleSelectors[0].matchExpressions[0].operator is none of In, NotIn, Exists, DoesNotExist',
      ],
    ],
  ];
  test.each(cases)('%s', (_, text, expected) => {
    const found = problems(text);
    expect(found.map((each) => each.replace(/ at line.*/, ''))).toEqual(expected);
    expect(parseManifests(text, 'f').objects).toEqual([]);
  });

  test('the lines are those of the file, in any document and in lists', () => {
    const bad = ROLE.replace('name: r', 'name: 1');
    expect(problems(`${ROLE}---\n${bad}---\n${bad}`).map((each) => each.split(' ')[0])).toEqual(['11', '19']);
    const list = `apiVersion: v1\nkind: List\nitems:\n- ${bad.trimEnd().replaceAll('\n', '\n  ')}\n`;
    expect(problems(list)).toEqual(['6 wrong-type: items[0].metadata.name is not a string']);
    const json = JSON.stringify({ ...(parse(ROLE) as object), metadata: { name: 1 } }, undefined, 1);
    expect(problems(json)[0]?.split(' ')[0]).toBe('5');
  });

  test('the other objects of the file are there', () => {
    expect(parseManifests(`${ROLE}---\nkind: [\n---\n${ROLE}`, 'f').objects).toHaveLength(2);
  });

  test('are bounded', () => {
    const text = `apiVersion: v1\nkind: List\nitems:\n${'- 1\n'.repeat(3 * MAX_MANIFEST_PROBLEMS)}`;
    const found = parseManifests(text, 'f').problems;
    expect(found).toHaveLength(MAX_MANIFEST_PROBLEMS + 1);
    expect(found.at(-1)?.reason).toBe('too-many-problems');
  });

  test('say nothing that a terminal would act on', () => {
    const [found] = problems(`${ROLE}"\\u001b[31m\\n": 1\n"\\u001b[31m\\n": 2\n`);
    expect(found).toBe('1 unreadable: the key "\\u001b[31m\\n" is there twice');
    expect(problems(ROLE.replace('/v1', '/v\u202e'))).toEqual([
      '1 unsupported-value: apiVersion "rbac.authorization.k8s.io/v\\u{202e}" is not known',
    ]);
  });
});

describe('templates are told once a file, never guessed at', () => {
  const texts: [string, string][] = [
    ['a value', ROLE.replace('name: r', 'name: {{ .Values.name }}')],
    ['a rule', ROLE.replace('[get]', '[{{ .verb }}]')],
    ['the inside of a value', ROLE.replace('name: r', 'name: r-{{ .Release.Name }}')],
    ['a block scalar', ROLE.replace(' {name: r, namespace: ns}', '\n  name: >-\n    {{ a }}')],
    [
      'a value in quotes beside one without',
      `${ROLE.replace('name: r', 'name: "{{ a }}"')}x: {{ b }}\n---\n${ROLE.replace('name: r', "name: '{{ c }}'")}`,
    ],
    ['a condition', `{{- if .Values.rbac }}\n${ROLE}{{- end }}\n`],
    ['an include', `${ROLE}{{ include "x" . | indent 2 }}\n`],
    ['two documents', `${ROLE}{{ a }}\n---\n${ROLE.replace('name: r', 'name: {{ b }}')}`],
  ];
  test.each(texts)('%s', (_, text) => {
    const { objects, problems: found } = parseManifests(text, 'f');
    expect(found.map(({ reason }) => reason)).toEqual(['templated']);
    expect(objects).toEqual([]);
  });

  test('but in quotes alone it is part of a name, as we render it ourselves', () => {
    const quotes = ['"{{ a }}"', "'{{ a }}'"];
    for (const quote of quotes) {
      const text = `# Subject: {{ a }}\n${ROLE.replace('name: r', `name: ${quote}`)}`;
      const { objects, problems: found } = parseManifests(text, 'f');
      expect(found).toEqual([]);
      expect(objects.map(({ metadata }) => metadata.name)).toEqual(['{{ a }}']);
      expect(parseManifests(JSON.stringify(parse(text)), 'f')).toEqual({ objects, ignored: 0, problems: [] });
    }
    // What else is wrong with such a file is told as what it is.
    expect(problems(`# {{ a }}\n${ROLE.replace('name: r', 'name: 1, labels: {a: "{{ x }}"}')}`)).toEqual([
      '4 wrong-type: metadata.name is not a string',
    ]);
    expect(problems('a: "{{ x }}"\n- b\n')[0]).toMatch(/^\d unreadable: /);
  });
});
