/**
 * Small files, and what has to be said of them: `schema` where the JSON Schema refuses them too, `reader` where only
 * the reader of the file can know.
 */
export interface BadFile {
  readonly name: string;
  readonly text: string;
  readonly by: 'schema' | 'reader';
  /** `line path reason`, of all problems. */
  readonly problems: readonly string[];
}

const V = 'version: 1\n';
const PIN = `${V}pinned:\n  - subjects: ['user:a']\n    namespaces: [a]\n    rules:\n`;

/** Files that have to be taken as they are. */
export const GOOD_FILES: readonly string[] = [
  V,
  'version: 1.0\n',
  `${V}owners: []\npolicies: []\nlabels: []\npinned: []\nreports: {}\n`,
  `${V}owners:\n  - {group: a, namespaces: ['*']}\n  - {group: b.c-d_1, clusterWide: true, clusters: ['arn:aws:eks:eu:1:cluster/x', Ünï]}\n`,
  `${V}owners:\n  - {group: a, namespaces: [a], reviewers: ['@a', '@a/b', '@a/b/c', 'a.b+c@d.example']}\n`,
  `${V}policies:\n  - {}\n  - {preset: exact}\n  - {preset: audit2rbac}\n  - {resourceNames: 0}\n  - {resourceNames: Omit}\n`,
  `${V}policies:\n  - {kubernetesVersion: 'v1.34.1-eks'}\n  - {generateName: 'x:\${subject}'}\n  - {namespaces: [a], preset: audicia}\n`,
  `${V}policies:\n  - {retentionDays: 7}\nminimumObservationDays: 7\n`,
  `${V}policies:\n  - {retentionDays: 400}\nminimumObservationDays: 365\n`,
  `${V}ignoredSubjects: ['serviceaccount:*:*', 'user:*', 'group:Jane Doe', 'user:system:serviceaccount:odd', 'serviceaccount:kube-*:a.b']\n`,
  `${PIN}      - {apiGroups: ['', apps, '*'], resources: ['*', pods/log], verbs: ['*']}\n`,
  `${V}pinned:\n  - {subjects: ['user:a'], clusterWide: true, rules: [{nonResourceURLs: [/x, '/y/*'], verbs: [get]}]}\n`,
  `${V}labels: ['a b', "kind/rbac"]\nstopLabel: x\nmaxOpenPullRequests: 1000\n`,
];

/** Files that have to be refused. */
export const BAD_FILES: readonly BadFile[] = [
  { name: 'no version', text: 'labels: []\n', by: 'schema', problems: ['1  missing'] },
  { name: 'a newer version', text: 'version: 2\n', by: 'schema', problems: ['1 version not-allowed'] },
  { name: 'no map', text: '- version: 1\n', by: 'schema', problems: ['1  wrong-type'] },
  { name: 'a single word', text: 'leastwise\n', by: 'schema', problems: ['1  wrong-type'] },
  {
    name: 'unknown keys, near and far',
    text: `${V}owner: []\nOwners: []\nonwers: []\nx: 1\n`,
    by: 'schema',
    problems: ['2 owner unknown-key', '3 Owners unknown-key', '4 onwers unknown-key', '5 x unknown-key'],
  },
  {
    name: 'keys of other objects',
    text: `${V}__proto__: 1\nconstructor: 1\n`,
    by: 'schema',
    problems: ['2 __proto__ unknown-key', '3 constructor unknown-key'],
  },
  {
    name: 'a key twice',
    text: `${V}labels: []\nlabels: []\n`,
    by: 'reader',
    problems: ['3 labels duplicate-key'],
  },
  {
    name: 'keys with nothing after them',
    text: `${V}labels:\nowners:\n  -\n`,
    by: 'schema',
    problems: ['2 labels wrong-type', '4 owners[0] wrong-type'],
  },
  {
    name: 'groups that cannot be',
    text: `${V}owners:\n${['A', 'cluster', 'namespace-a', 'owners-x', 'a b', '-a', `a${'b'.repeat(50)}`]
      .map((group) => `  - {group: '${group}', namespaces: [a]}\n`)
      .join('')}`,
    by: 'schema',
    problems: [0, 1, 2, 3, 4, 5, 6].map((i) => `${i + 3} owners[${i}].group not-allowed`),
  },
  {
    name: 'owners of nothing',
    text: `${V}owners:\n  - {group: a}\n  - {group: b, clusterWide: false}\n  - {group: c, namespaces: []}\n`,
    by: 'schema',
    problems: ['3 owners[0] missing', '4 owners[1] missing', '5 owners[2].namespaces missing'],
  },
  {
    name: 'reviewers that nobody can be',
    text: `${V}owners:\n  - group: a\n    namespaces: [a]\n    reviewers: [bob, '@', '@a/', 'a@', '@a b', 7]\n`,
    by: 'schema',
    problems: [
      ...[0, 1, 2, 3, 4].map((i) => `5 owners[0].reviewers[${i}] not-allowed`),
      '5 owners[0].reviewers[5] wrong-type',
    ],
  },
  {
    name: 'globs that would match nothing',
    text: `${V}owners:\n  - {group: a, namespaces: ['a?', 'A', '[ab]', ''], clusters: ['a b']}\n`,
    by: 'schema',
    problems: [
      ...[0, 1, 2, 3].map((i) => `3 owners[0].namespaces[${i}] not-allowed`),
      '3 owners[0].clusters[0] not-allowed',
    ],
  },
  {
    name: 'subjects spelled otherwise',
    text: `${V}ignoredSubjects: ['*', a, 'system:serviceaccount:a:b', 'user:system:serviceaccount:a:b', 'serviceaccount:a/b', 'serviceaccount:a', 'user:', "user:a\\u200bb"]\n`,
    by: 'schema',
    problems: [0, 1, 2, 3, 4, 5, 6, 7].map((i) => `2 ignoredSubjects[${i}] not-allowed`),
  },
  {
    name: 'knobs with other words',
    text: `${V}policies:\n  - {verbMerge: smart}\n  - {resourceNames: -1}\n  - {resourceNames: 1.5}\n  - {retentionDays: '90'}\n  - {shareRoles: yes}\n  - {preset: none}\n  - {includeDenied: true}\n`,
    by: 'schema',
    problems: [
      '3 policies[0].verbMerge not-allowed',
      '4 policies[1].resourceNames not-allowed',
      '5 policies[2].resourceNames not-allowed',
      '6 policies[3].retentionDays wrong-type',
      '7 policies[4].shareRoles wrong-type',
      '8 policies[5].preset not-allowed',
      '9 policies[6].includeDenied unknown-key',
    ],
  },
  {
    name: 'a version that YAML takes for a number',
    text: `${V}policies:\n  - kubernetesVersion: 1.30\n  - kubernetesVersion: latest\n`,
    by: 'schema',
    problems: ['3 policies[0].kubernetesVersion wrong-type', '4 policies[1].kubernetesVersion not-allowed'],
  },
  {
    name: 'names and labels that objects cannot have',
    text: `${V}policies:\n  - generateName: same-for-all\n  - generateLabels: {'a b': c}\n  - generateLabels: {a: 'b c', d: 1}\n`,
    by: 'schema',
    problems: [
      '3 policies[0].generateName not-allowed',
      '4 policies[1].generateLabels."a b" not-allowed',
      '5 policies[2].generateLabels.a not-allowed',
      '5 policies[2].generateLabels.d wrong-type',
    ],
  },
  {
    name: 'knobs that reach beyond a namespace, for some namespaces',
    text: `${V}policies:\n  - namespaces: [a]\n    scopeMode: NamespaceStrict\n    shareRoles: false\n  - namespaces: [a]\n    preset: audit2rbac\n`,
    by: 'reader',
    problems: [
      '4 policies[0].scopeMode contradiction',
      '5 policies[0].shareRoles contradiction',
      '7 policies[1].preset contradiction',
    ],
  },
  {
    name: 'an observation longer than the evidence',
    text: `${V}minimumObservationDays: 91\n`,
    by: 'reader',
    problems: ['2 minimumObservationDays contradiction'],
  },
  {
    name: 'evidence shorter than the observation',
    text: `${V}policies:\n  - retentionDays: 29\n  - {clusters: [a], preset: audicia}\nminimumObservationDays: 31\n`,
    by: 'reader',
    problems: ['3 policies[0].retentionDays contradiction', '4 policies[1].preset contradiction'],
  },
  {
    name: 'an observation of no days',
    text: `${V}minimumObservationDays: 0\nmaxOpenPullRequests: 0\nacceptedLostEvents: -1\n`,
    by: 'schema',
    problems: [
      '2 minimumObservationDays not-allowed',
      '3 maxOpenPullRequests not-allowed',
      '4 acceptedLostEvents not-allowed',
    ],
  },
  {
    name: 'pins that say nothing',
    text: `${V}pinned:\n  - {subjects: ['user:a'], rules: [{apiGroups: [''], resources: [a], verbs: [get]}]}\n  - {subjects: [], namespaces: [a], rules: []}\n`,
    by: 'schema',
    problems: ['3 pinned[0] missing', '4 pinned[1].subjects missing', '4 pinned[1].rules missing'],
  },
  {
    name: 'pinned rules that no Role could hold',
    text: `${PIN}      - {verbs: [get]}\n      - {verbs: [], apiGroups: [a], resources: [b]}\n      - {apiGroups: [''], resources: [a], nonResourceURLs: [/x], verbs: [get]}\n      - {apiGroups: [''], verbs: [get]}\n      - {resources: [a], verbs: [get], verb: get}\n`,
    by: 'schema',
    problems: [
      '6 pinned[0].rules[0] missing',
      '7 pinned[0].rules[1].verbs missing',
      '8 pinned[0].rules[2] contradiction',
      '9 pinned[0].rules[3] missing',
      '10 pinned[0].rules[4].verb unknown-key',
    ],
  },
  {
    name: 'URLs pinned in a namespace',
    text: `${PIN}      - {nonResourceURLs: [/metrics], verbs: [get]}\n`,
    by: 'reader',
    problems: ['6 pinned[0].rules[0].nonResourceURLs contradiction'],
  },
  {
    name: 'labels that a forge would not take',
    text: `${V}labels: ['a,b', ' a', '', '${'x'.repeat(51)}']\nstopLabel: "a\\n"\n`,
    by: 'schema',
    problems: [...[0, 1, 2, 3].map((i) => `2 labels[${i}] not-allowed`), '3 stopLabel not-allowed'],
  },
  {
    name: 'a stop label that every pull request would have',
    text: `${V}labels: [a, leastwise/stop]\n`,
    by: 'reader',
    problems: ['2 labels contradiction'],
  },
  {
    name: 'reports with other words',
    text: `${V}reports: {people: all, retentionDays: 0, destination: main, to: x}\n`,
    by: 'schema',
    problems: [
      '2 reports.people not-allowed',
      '2 reports.retentionDays not-allowed',
      '2 reports.destination not-allowed',
      '2 reports.to unknown-key',
    ],
  },
];
