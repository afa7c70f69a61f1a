import { describe, expect, test } from 'vitest';

import { createInference } from './infer.ts';
import { AUDIT2RBAC_PRESET, DEFAULT_OPTIONS, type PolicyOptions } from './options.ts';
import { ALICE, permission, request, stateOf } from './testing/requests.ts';
import { policyOf, requests, rulesOf } from './testing/spell.ts';

function render(cells: readonly string[], knobs: Partial<PolicyOptions> = {}): Record<string, string[]> {
  return rulesOf(policyOf(requests(cells), { ...AUDIT2RBAC_PRESET, ...knobs }));
}

const NO_NAMES = { expandMultiName: false };
const NO_NAMESPACES = { expandMultiNamespace: false };

const TWO_BY_TWO = ['pods', 'apps:deployments'].flatMap((what) =>
  ['ns1 a', 'ns1 b', 'ns2 a', 'ns2 b'].map((where) => `get ${what} ${where}`),
);
const MIXED = ['pods', 'apps:deployments'].flatMap((what) =>
  ['ns2 a', 'ns2 b', 'ns3 a', 'ns3 c'].map((where) => `get ${what} ${where}`),
);

// The table of audit2rbac's pkg/process_test.go, in our words and with our order of rules.
const TABLE: [string, string[], Partial<PolicyOptions>, Record<string, string[]>][] = [
  ['empty', [], {}, {}],
  ['already allowed by what exists', ['get /api', 'get /apis'], {}, {}],
  ['non-resource', ['get /foo'], {}, { '': ['get /foo'] }],
  [
    'cluster-scoped named resources',
    ['get nodes - mynode', 'get storage.k8s.io:storageclasses - mysc'],
    {},
    { '': ['get nodes [mynode]', 'get storage.k8s.io:storageclasses [mysc]'] },
  ],
  [
    'cluster-scoped named resources with name expansion',
    [
      'get nodes - n1',
      'get nodes - n2',
      'get storage.k8s.io:storageclasses - s1',
      'get storage.k8s.io:storageclasses - s2',
    ],
    {},
    { '': ['get nodes', 'get storage.k8s.io:storageclasses'] },
  ],
  [
    'cluster-scoped named resources without name expansion',
    [
      'get nodes - n1',
      'get nodes - n2',
      'get storage.k8s.io:storageclasses - s1',
      'get storage.k8s.io:storageclasses - s2',
    ],
    NO_NAMES,
    { '': ['get nodes [n1,n2]', 'get storage.k8s.io:storageclasses [s1,s2]'] },
  ],
  [
    'cluster-scoped named resources without name expansion, covered by the expansion of a verb',
    [
      'get nodes - n1',
      'get nodes - n2',
      'get storage.k8s.io:storageclasses - s1',
      'list nodes',
      'list storage.k8s.io:storageclasses',
    ],
    NO_NAMES,
    { '': ['get,list,watch nodes', 'get,list,watch storage.k8s.io:storageclasses'] },
  ],
  [
    'namespaced named resources',
    ['get configmaps ns1 cm1', 'get pods ns2 pod1'],
    {},
    { ns1: ['get configmaps [cm1]'], ns2: ['get pods [pod1]'] },
  ],
  [
    'namespaced named resources with namespace and name expansion',
    ['get configmaps ns1 cm1', ...TWO_BY_TWO],
    {},
    { '': ['get pods', 'get apps:deployments'], ns1: ['get configmaps [cm1]'] },
  ],
  [
    'namespaced named resources with namespace expansion',
    ['get configmaps ns1 cm1', ...MIXED],
    NO_NAMES,
    {
      '': ['get pods [a]', 'get apps:deployments [a]'],
      ns1: ['get configmaps [cm1]'],
      ns2: ['get pods [b]', 'get apps:deployments [b]'],
      ns3: ['get pods [c]', 'get apps:deployments [c]'],
    },
  ],
  [
    'namespaced named resources with name expansion',
    ['get configmaps ns1 cm1', ...MIXED],
    NO_NAMESPACES,
    {
      ns1: ['get configmaps [cm1]'],
      ns2: ['get pods', 'get apps:deployments'],
      ns3: ['get pods', 'get apps:deployments'],
    },
  ],
  [
    'namespaced named resources without expansion',
    ['get configmaps ns1 cm1', ...MIXED],
    { ...NO_NAMES, ...NO_NAMESPACES },
    {
      ns1: ['get configmaps [cm1]'],
      ns2: ['get pods [a,b]', 'get apps:deployments [a,b]'],
      ns3: ['get pods [a,c]', 'get apps:deployments [a,c]'],
    },
  ],
  [
    'namespaced named resources without expansion, covered by a cluster-wide operation',
    ['get configmaps ns1 cm1', ...MIXED, 'list apps:deployments', 'list configmaps', 'list pods'],
    { ...NO_NAMES, ...NO_NAMESPACES },
    { '': ['get,list,watch configmaps,pods', 'get,list,watch apps:deployments'] },
  ],
];

describe("audit2rbac's preset gives the rules of its own test table", () => {
  test.each(TABLE)('%s', (_, cells, knobs, expected) => {
    expect(render(cells, knobs)).toEqual(expected);
  });

  test('the demonstration of a controller with a lock', () => {
    const cells = [
      'get /api',
      'get /ui',
      'create nodes',
      'get nodes - n1',
      'update nodes - n1',
      'get nodes - n2',
      'update nodes - n2',
      'list nodes',
      'watch nodes',
      'list pods',
      'watch pods',
      'get pods ns1 p1',
      'get pods ns2 p2',
      'update pods/status ns1 p1',
      'update pods/status ns2 p2',
      'create configmaps kube-system',
      'get configmaps kube-system mylock',
      'update configmaps kube-system mylock',
      'list configmaps kube-system',
      'watch configmaps kube-system',
    ];
    expect(render(cells)).toEqual({
      '': [
        'create,get,list,patch,update,watch nodes',
        'get,list,watch pods',
        'get,patch,update pods/status',
        'get /ui',
      ],
      'kube-system': ['create,get,list,watch configmaps', 'patch,update configmaps [mylock]'],
    });
  });

  // Its own compaction drops b and c: an unnamed rule united with a named one became the named one.
  test('what it gets wrong: an update of one name and patches of others stay allowed', () => {
    const cells = ['update configmaps ns1 a', 'patch configmaps ns1 b', 'patch configmaps ns1 c'];
    expect(render(cells)).toEqual({ ns1: ['get,patch,update configmaps'] });
  });
});

test('objects bear the name and labels that its users know', () => {
  const cluster = stateOf([request({ subject: ALICE, permissions: [permission('list pods ns1')] })]);
  const [state] = cluster.subjects.values();
  const policy = state && createInference({ ...DEFAULT_OPTIONS, ...AUDIT2RBAC_PRESET })(state, cluster);
  expect(policy?.objects.map(({ kind, metadata }) => [kind, metadata.name, metadata.labels])).toEqual(
    ['Role', 'RoleBinding'].map((kind) => [
      kind,
      'audit2rbac:alice',
      { 'audit2rbac.liggitt.net/generated': 'true', 'audit2rbac.liggitt.net/user': 'alice' },
    ]),
  );
});
