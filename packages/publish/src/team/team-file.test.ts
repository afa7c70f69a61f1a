import { readFileSync } from 'node:fs';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { DEFAULT_CHOICES, parseTeamFile, teamFileSchema } from './index.ts';
import { isValid } from './testing/json-schema.ts';
import { BAD_FILES, GOOD_FILES } from './testing/team-files.ts';

const WHOLE = readFileSync(new URL('./testing/files/whole.yaml', import.meta.url), 'utf8');

function problemsOf(text: string): string[] {
  return parseTeamFile(text).problems.map(({ line, path, reason }) => `${line} ${path} ${reason}`);
}

describe('a file that is right', () => {
  test('gives all that it says', () => {
    const { choices, problems } = parseTeamFile(WHOLE);
    expect(problems).toEqual([]);
    expect(choices?.owners).toEqual([
      {
        group: 'platform',
        clusters: ['*'],
        namespaces: [],
        isClusterWide: true,
        reviewers: ['@acme/platform'],
      },
      {
        group: 'payments',
        clusters: ['*'],
        namespaces: ['payments', 'payments-*'],
        isClusterWide: false,
        reviewers: ['@acme/payments', 'lead@acme.example'],
      },
      {
        group: 'payments-test',
        clusters: ['dev-*'],
        namespaces: ['payments-*'],
        isClusterWide: false,
        reviewers: [],
      },
    ]);
    expect(choices?.policies.map(({ knobs }) => knobs)).toEqual([
      {
        wildcards: 'Safe',
        resourceNames: 'Explicit',
        kubernetesVersion: { major: 1, minor: 30 },
        naming: {
          labels: { 'app.kubernetes.io/managed-by': 'leastwise', team: 'platform' },
          annotations: { 'acme.example/docs': 'https://acme.example/rbac' },
        },
      },
      { resourceNames: 'Omit', verbMerge: 'Exact', retentionDays: 30, namespaceGroups: ['preview-*'] },
      { resourceNames: 25, specialVerbs: 'Grant' },
      { expandMultiName: true, naming: { template: 'ci-${subject}' } },
    ]);
    expect(
      choices?.policies.map(({ clusters, namespaces, subjects }) => [clusters, namespaces, subjects]),
    ).toEqual([
      [['*'], undefined, ['*']],
      [['dev-*'], undefined, ['*']],
      [['*'], ['payments'], ['*']],
      [['*'], undefined, ['serviceaccount:ci:*']],
    ]);
    expect(
      choices?.pinned.map(({ clusters, namespaces, isClusterWide }) => [clusters, namespaces, isClusterWide]),
    ).toEqual([
      [['*'], ['payments'], false],
      [['prod-*'], [], true],
    ]);
    expect(choices?.pinned[0]?.rules).toEqual([
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['break-glass'], verbs: ['get'] },
    ]);
    expect(choices).toMatchObject({
      ignoredSubjects: ['user:legacy-*'],
      includedSubjects: ['user:system:kube-scheduler'],
      includeDenied: ['serviceaccount:payments:api'],
      minimumObservationDays: 30,
      acceptedLostEvents: 12,
      maxOpenPullRequests: 5,
      labels: ['leastwise', 'security'],
      stopLabel: 'hold',
      reports: { people: 'pseudonymous', retentionDays: 180, destination: 'base' },
    });
  });

  test.each([[undefined], [''], ['# nothing yet\n'], ['version: 1\n']])(
    'that says nothing (%j) means the defaults',
    (text) => {
      expect(parseTeamFile(text)).toEqual({ choices: DEFAULT_CHOICES, problems: [] });
    },
  );

  test.each(GOOD_FILES)('is taken: %j', (text) => {
    expect(problemsOf(text)).toEqual([]);
  });

  test('a preset never brings what was refused, and names each subject apart', () => {
    const { choices } = parseTeamFile(
      'version: 1\npolicies: [{preset: audit2rbac, specialVerbs: Withhold}]\n',
    );
    const knobs = choices?.policies[0]?.knobs;
    expect(knobs).toMatchObject({ specialVerbs: 'Withhold', retentionDays: Infinity, expandMultiName: true });
    expect(knobs).not.toHaveProperty('includeDenied');
    expect(knobs?.naming?.template).toBe('audit2rbac:${subject}');
  });
});

describe('a file that is wrong', () => {
  test.each(BAD_FILES)('is refused as a whole, all problems at once: $name', ({ text, problems }) => {
    expect(problemsOf(text)).toEqual(problems);
    expect(parseTeamFile(text).choices).toBeUndefined();
  });

  test('is told in words that help', () => {
    const details = (text: string): string[] => parseTeamFile(text).problems.map(({ detail }) => detail);
    expect(details('version: 1\nonwers: []\nlabel: []\nzzz: 1\nstopLabel:\n')).toEqual([
      'there is no key "onwers": did you mean owners?',
      'there is no key "label": did you mean labels?',
      expect.stringMatching(/^there is no key "zzz": known here are version, owners, /),
      'is empty: give a value, or leave it out',
    ]);
    expect(details('version: 1\npolicies: [{verbMerge: smart}, {kubernetesVersion: 1.3}]\n')).toEqual([
      'is none of Exact, Smart',
      'is no text: put it in quotes',
    ]);
    expect(details('version: 1\nminimumObservationDays: 200\n')).toEqual([
      'is above the 90 days for which evidence counts',
    ]);
  });

  test('is measured by how long the evidence counts here', () => {
    expect(parseTeamFile('version: 1\n', { retentionDays: 29 }).problems).toMatchObject([
      { line: 1, path: 'minimumObservationDays', reason: 'contradiction' },
    ]);
    expect(parseTeamFile('version: 1\n', { retentionDays: 30 }).problems).toEqual([]);
    const own = 'version: 1\npolicies: [{retentionDays: 30}]\n';
    expect(parseTeamFile(own, { retentionDays: 29 }).problems).toEqual([]);
    const some = 'version: 1\npolicies: [{clusters: [a], retentionDays: 30}]\n';
    expect(parseTeamFile(some, { retentionDays: 29 }).problems).toHaveLength(1);
  });

  test('is told with a hundred problems and the number of the others', () => {
    const { problems } = parseTeamFile(`version: 1\nlabels:\n${'  - 1\n'.repeat(103)}`);
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)).toEqual({
      line: 103,
      path: 'labels[100]',
      reason: 'wrong-type',
      detail: '3 problems more, from here on',
    });
  });

  test('cannot smuggle anything into a message', () => {
    const text = `version: 1\n"a\\u202e\\n](x)": 1\nlabels: ["\\u001b[31m,${'x'.repeat(200)}"]\n`;
    for (const { path, detail } of parseTeamFile(text).problems) {
      expect(path + detail).not.toMatch(/[\u0000-\u001f\u202e]/);
      expect(detail.length).toBeLessThan(300);
    }
  });
});

describe('the JSON Schema for editors', () => {
  test('is the one in deploy/schema', () => {
    const file = new URL('../../../../deploy/schema/leastwise-yaml.schema.json', import.meta.url);
    // As text, for the order of the keys is what people read.
    expect(JSON.stringify(JSON.parse(readFileSync(file, 'utf8')))).toBe(JSON.stringify(teamFileSchema()));
  });

  const schema = teamFileSchema() as Parameters<typeof isValid>[0];
  const accepts = (text: string): boolean =>
    isValid(schema, parse(text, { uniqueKeys: false }) as Parameters<typeof isValid>[1]);

  test.each([WHOLE, ...GOOD_FILES])('takes what is right: %j', (text) => {
    expect(accepts(text)).toBe(true);
  });

  test.each(BAD_FILES)('refuses what is wrong, as far as a schema can say it: $name', ({ text, by }) => {
    expect(accepts(text)).toBe(by === 'reader');
  });

  test('and the reader never disagree on one value', () => {
    const word = fc.oneof(
      fc.constantFrom(
        'a',
        '*',
        'a-*',
        '@a/b',
        'user:a',
        'serviceaccount:a:b',
        'Exact',
        'Omit',
        '',
        'A b',
        'x,y',
        '1.30',
      ),
      fc.string({ maxLength: 6 }),
    );
    const scalar = fc.oneof(
      word,
      fc.integer({ min: -1, max: 100 }),
      fc.boolean(),
      fc.double({ noNaN: true }),
      fc.constant(null),
    );
    const rule = fc.dictionary(
      fc.constantFrom('verbs', 'apiGroups', 'resources', 'resourceNames', 'nonResourceURLs'),
      fc.array(word, { maxLength: 2 }),
      { noNullPrototype: true },
    );
    const entry = fc.dictionary(
      fc.constantFrom(
        'group',
        'clusters',
        'namespaces',
        'clusterWide',
        'reviewers',
        'subjects',
        'rules',
        'verbMerge',
        'resourceNames',
        'generateLabels',
      ),
      fc.oneof(scalar, fc.array(word, { maxLength: 2 }), fc.array(rule, { maxLength: 2 }), rule),
      { noNullPrototype: true },
    );
    const file = fc.dictionary(
      fc.constantFrom(
        'version',
        'owners',
        'policies',
        'pinned',
        'labels',
        'stopLabel',
        'ignoredSubjects',
        'reports',
      ),
      fc.oneof(fc.constant(1), scalar, fc.array(entry, { maxLength: 2 }), fc.array(word, { maxLength: 2 })),
      { noNullPrototype: true },
    );
    let taken = 0;
    fc.assert(
      fc.property(file, (value) => {
        const text = JSON.stringify({ version: 1, ...value });
        const { problems } = parseTeamFile(text);
        const bySchema = problems.filter(
          ({ reason, path }) => reason !== 'contradiction' || /rules\[\d\]$/.test(path),
        );
        if (problems.length === 0) taken += 1;
        expect(accepts(text), text).toBe(bySchema.length === 0);
      }),
      { numRuns: 1_000 },
    );
    expect(taken).toBeGreaterThan(10);
  });
});
