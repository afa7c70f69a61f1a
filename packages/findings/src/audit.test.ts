import { bootstrapDefaults, type ClusterRole, NEWEST_KUBERNETES, type RbacObject } from '@leastwise/rbac';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { audit, catalogue, createAuditor } from './audit.ts';
import { shippedObjects } from './bootstrap/shipped.ts';
import { MAX_PATHS } from './findings/finish.ts';
import {
  auditOf,
  binding,
  clusterBinding,
  clusterRole,
  findingsOf,
  NOW,
  role,
  told,
} from './testing/objects.ts';
import { anyObjects } from './testing/random-objects.ts';
import { DEFAULT_VIOLATION_POLICY } from './violation-policy/policy.ts';

const RBAC = 'rbac.authorization.k8s.io';
const DEFAULTS = bootstrapDefaults(NEWEST_KUBERNETES);

function of(check: string, objects: readonly RbacObject[], rest = {}) {
  return findingsOf(objects, rest).filter((finding) => finding.check === check);
}

describe('the order of things does not matter', () => {
  test('the findings are the same for any order of the objects', () => {
    fc.assert(
      fc.property(
        anyObjects.chain((objects) =>
          fc.tuple(fc.constant(objects), fc.shuffledSubarray(objects, { minLength: objects.length })),
        ),
        ([objects, shuffled]) => {
          expect(auditOf(shuffled)).toEqual(auditOf(objects));
        },
      ),
      { numRuns: 80 },
    );
  });

  test('an auditor that remembers roles tells the same as one that does not', () => {
    const auditor = createAuditor();
    fc.assert(
      fc.property(anyObjects, fc.constantFrom(34, 36), (objects, minor) => {
        const input = {
          objects: objects.map((object) => ({ object })),
          bootstrap: DEFAULTS,
          nowMs: NOW,
          kubernetesVersion: { major: 1, minor },
        };
        expect(auditor.audit(input)).toEqual(audit(input));
      }),
      { numRuns: 40 },
    );
  });

  test('an auditor does not take what it remembers of one version, or of one policy, for another', () => {
    const auditor = createAuditor();
    const objects = [
      clusterRole('r', ['get core pods/exec', 'create argoproj.io rollouts']),
      clusterBinding('b', 'r', ['User alice']),
    ].map((object) => ({ object }));
    const toldIn = (minor: number, policy = DEFAULT_VIOLATION_POLICY): readonly string[] => {
      const kubernetesVersion = { major: 1, minor };
      return told(
        auditor.audit({ objects, bootstrap: DEFAULTS, nowMs: NOW, kubernetesVersion, policy }).findings,
      );
    };
    expect(toldIn(34)).toEqual(['R052 HIGH']);
    expect(toldIn(36)).toEqual([]);
    const workloadResources = [{ apiGroup: 'argoproj.io', resource: 'rollouts' }];
    expect(toldIn(36, { ...DEFAULT_VIOLATION_POLICY, workloadResources })).toEqual(['R050 HIGH']);
    expect(toldIn(34)).toEqual(['R052 HIGH']);
  });

  test('worst first, then by check, object and subject', () => {
    const findings = findingsOf([
      clusterRole('z', ['get core secrets', 'delete core events']),
      clusterRole('a', ['get core secrets']),
      clusterBinding('bz', 'z', ['User bob', 'User alice']),
      clusterBinding('ba', 'a', ['User alice']),
    ]);
    expect(
      findings.map(({ check, object, subject }) => [check, object.name, subject?.name].join(' ')),
    ).toEqual(['R030 a alice', 'R030 z alice', 'R030 z bob', 'R076 z alice', 'R076 z bob']);
  });
});

describe('a finding', () => {
  const reader = clusterRole('reader', ['get core pods', 'get,list core secrets']);
  const bound = binding('shop/b', 'ClusterRole reader', ['ci']);
  const objects = [reader, bound];

  test('says who may do what where, and the way to it', () => {
    const [finding] = findingsOf(objects);
    expect(finding).toEqual({
      check: 'R030',
      severity: 'MEDIUM',
      message: 'ServiceAccount shop/ci may get, list secrets in namespace shop',
      object: { kind: 'ClusterRole', name: 'reader' },
      subject: { kind: 'ServiceAccount', namespace: 'shop', name: 'ci' },
      namespace: 'shop',
      paths: [
        {
          binding: { kind: 'RoleBinding', namespace: 'shop', name: 'b' },
          role: { kind: 'ClusterRole', name: 'reader' },
          ruleIndex: 1,
          rule: { verbs: ['get', 'list'], apiGroups: [''], resources: ['secrets'] },
          grant: 'get, list secrets in namespace shop',
        },
      ],
      key: finding?.key,
    });
    expect(finding?.key).toMatch(/^[0-9a-f]{32}$/);
  });

  test('keeps its key when a rule is added or a line moves, and has another for another subject, place or object', () => {
    const keyOf = (changed: readonly RbacObject[], uid?: string): string | undefined =>
      audit({
        objects: changed.map((object) => ({
          object,
          ...(uid === undefined ? {} : { uid: `${uid}-${object.kind}` }),
        })),
        bootstrap: DEFAULTS,
        nowMs: NOW,
      }).findings.find(({ check }) => check === 'R030')?.key;
    const key = keyOf(objects);
    expect(keyOf([clusterRole('reader', ['list core secrets', 'get core nodes']), bound])).toBe(key);
    const others = [
      keyOf([reader, binding('store/b', 'ClusterRole reader', ['shop/ci'])]),
      keyOf([reader, binding('shop/b', 'ClusterRole reader', ['other'])]),
      keyOf([clusterRole('r', ['get core secrets']), binding('shop/b', 'ClusterRole r', ['ci'])]),
      keyOf(objects, 'u'),
      keyOf(objects, 'v'),
    ];
    expect(new Set([key, ...others]).size).toBe(6);
  });

  test('tells sixteen ways, and how many there are besides', () => {
    const many = Array.from({ length: 20 }, (_, i) => binding(`shop/b${i}`, 'ClusterRole reader', ['ci']));
    const [finding] = of('R030', [reader, ...many]);
    expect(finding?.paths).toHaveLength(MAX_PATHS);
    expect(finding?.morePaths).toBe(4);
    expect(of('R030', objects)[0]).not.toHaveProperty('morePaths');
  });

  test('unites all bindings of one subject, however each spells it', () => {
    const both = [
      clusterRole('reader', ['get core secrets']),
      clusterBinding('a', 'reader', ['shop/ci']),
      clusterBinding('b', 'reader', ['User system:serviceaccount:shop:ci']),
    ];
    expect(of('R030', both).map(({ paths }) => paths.map((each) => each.binding.name))).toEqual([['a', 'b']]);
  });

  test('is no longer than names are, however long somebody makes them', () => {
    const long = 'x'.repeat(100_000);
    const [finding] = of('R030', [
      clusterRole('r', [`get core secrets ${long}`]),
      clusterBinding('b', 'r', [`User ${long}`]),
    ]);
    expect(finding?.message.length).toBeLessThan(1_000);
    expect(finding?.subject?.name).toHaveLength(100_000);
  });

  test('is about names that a plain object has too', () => {
    const names = ['__proto__', 'constructor', 'toString'];
    for (const name of names) {
      const found = findingsOf([
        clusterRole(name, ['get core secrets']),
        clusterBinding(name, name, [`User ${name}`]),
      ]);
      expect(told(found)).toEqual(['R030 CRITICAL']);
    }
  });
});

describe('which object has to change', () => {
  const bound = clusterBinding('b', 'reader', ['User alice']);
  const reader = clusterRole('reader', ['get core secrets']);

  test('the role, where it is ours', () => {
    expect(of('R030', [reader, bound])[0]?.object.kind).toBe('ClusterRole');
  });

  test('the binding, where the role only exists besides', () => {
    expect(of('R030', [bound], { context: [{ object: reader }] })[0]?.object.kind).toBe('ClusterRoleBinding');
  });

  test('the role, where a binding exists besides', () => {
    expect(of('R030', [reader], { context: [{ object: bound }] })[0]).toMatchObject({
      severity: 'CRITICAL',
      object: { kind: 'ClusterRole' },
    });
  });

  test('nothing of what only exists besides', () => {
    expect(findingsOf([], { context: [{ object: reader }, { object: bound }] })).toEqual([]);
  });

  test('the same object in two files is judged in both', () => {
    const objects = [
      { object: reader, origin: { file: 'a.yaml', line: 1 } },
      { object: clusterRole('reader', ['create core pods']), origin: { file: 'b.yaml', line: 1 } },
      { object: bound },
    ];
    const input = { bootstrap: DEFAULTS, nowMs: NOW };
    const { findings } = audit({ ...input, objects });
    expect(findings.map(({ check, object }) => [check, object.origin?.file])).toEqual([
      ['R030', 'a.yaml'],
      ['R050', 'b.yaml'],
    ]);
    expect(audit({ ...input, objects: objects.toReversed() }).findings).toEqual(findings);
  });
});

test('two objects of one name with one problem are one finding, with the ways of both', () => {
  const [finding, ...others] = of('R019', [
    clusterBinding('b', 'missing', ['User alice']),
    clusterBinding('b', 'gone', ['User alice']),
  ]);
  expect(others).toEqual([]);
  expect(finding?.paths.map((each) => each.role.name)).toEqual(['gone', 'missing']);
});

describe('a role that nobody is bound to', () => {
  const lonely = role('shop', 'r', ['get core secrets', 'update core secrets']);

  test('is judged one severity lower', () => {
    expect(told(findingsOf([lonely]))).toEqual(['R030 LOW', 'R031 LOW']);
    expect(told(findingsOf([clusterRole('r', ['* * *'])]))).toEqual(['R001 HIGH']);
    expect(findingsOf([lonely])[0]).toMatchObject({
      message: 'whoever is bound to Role shop/r may get secrets in namespace shop',
      paths: [],
    });
  });

  test('is left alone where only what is granted counts', () => {
    expect(findingsOf([lonely], { judgeUnboundRoles: false })).toEqual([]);
  });

  test('is not judged so once somebody is bound', () => {
    expect(told(findingsOf([lonely, binding('shop/b', 'Role r', ['User alice'])]))).toEqual([
      'R030 MEDIUM',
      'R031 MEDIUM',
    ]);
  });
});

describe('combinations are of one subject, over all its bindings', () => {
  const binder = clusterRole('binder', [`bind ${RBAC} clusterroles`]);
  const writer = clusterRole('writer', [`create ${RBAC} rolebindings,clusterrolebindings`]);

  test('two roles make one finding', () => {
    const [finding] = of('R042', [
      binder,
      writer,
      clusterBinding('a', 'binder', ['shop/ci']),
      clusterBinding('b', 'writer', ['User system:serviceaccount:shop:ci']),
    ]);
    expect(finding?.paths.map((each) => each.role.name)).toEqual(['binder', 'writer', 'writer']);
    expect(finding?.message).toBe(
      `ServiceAccount shop/ci binds itself to any role: it may bind clusterroles.${RBAC}; create clusterrolebindings.${RBAC}; create rolebindings.${RBAC} in the whole cluster`,
    );
  });

  test('of two subjects they make none', () => {
    const objects = [
      binder,
      writer,
      clusterBinding('a', 'binder', ['User alice']),
      clusterBinding('b', 'writer', ['User bob']),
    ];
    expect(of('R042', objects)).toEqual([]);
    expect(of('R043', objects).map(({ subject }) => subject?.name)).toEqual(['bob']);
  });

  test('what a group of all accounts holds counts', () => {
    const objects = [
      binder,
      writer,
      clusterBinding('a', 'binder', ['Group system:serviceaccounts:shop']),
      clusterBinding('b', 'writer', ['shop/ci', 'store/ci']),
    ];
    expect(of('R042', objects).map(({ subject }) => subject?.namespace)).toEqual(['shop']);
    expect(of('R043', objects).map(({ subject }) => subject?.namespace)).toEqual(['store']);
  });

  test('what holds in two namespaces does not add up', () => {
    const objects = [
      role('shop', 'a', [`bind ${RBAC} roles`]),
      role('store', 'a', [`create ${RBAC} rolebindings`]),
      binding('shop/b', 'Role a', ['User alice']),
      binding('store/b', 'Role a', ['User alice']),
    ];
    expect(of('R042', objects)).toEqual([]);
  });

  test('what holds in the cluster and in a namespace adds up there', () => {
    const objects = [
      binder,
      role('shop', 'w', [`create ${RBAC} rolebindings`]),
      clusterBinding('a', 'binder', ['User alice']),
      binding('shop/b', 'Role w', ['User alice']),
    ];
    expect(of('R042', objects).map(({ namespace }) => namespace)).toEqual(['shop']);
  });

  test('bind in a namespace does not make ClusterRoleBindings', () => {
    const objects = [
      role('shop', 'w', [`bind ${RBAC} roles,clusterroles`]),
      clusterRole('c', [`create ${RBAC} clusterrolebindings`]),
      binding('shop/b', 'Role w', ['User alice']),
      clusterBinding('c', 'c', ['User alice']),
    ];
    expect(of('R042', objects)).toEqual([]);
    expect(told(of('R043', objects))).toEqual(['R043 HIGH']);
  });

  test('binding harmless roles only is no way to rights', () => {
    const objects = [
      clusterRole('harmless', ['get core pods']),
      clusterRole('w', [`bind ${RBAC} clusterroles harmless`, `create ${RBAC} clusterrolebindings`]),
      clusterBinding('b', 'w', ['User alice']),
    ];
    expect(told(findingsOf(objects).filter(({ check }) => check.startsWith('R04')))).toEqual([
      'R043 HIGH',
      'R041 MEDIUM',
    ]);
    const harmful = [clusterRole('harmless', ['get core secrets']), ...objects.slice(1)];
    expect(told(findingsOf(harmful).filter(({ check }) => check.startsWith('R04')))).toEqual([
      'R041 CRITICAL',
      'R042 CRITICAL',
    ]);
  });
});

describe('aggregated roles', () => {
  const labels = { 'example.com/aggregate': 'yes' };
  const monitor: ClusterRole = {
    ...clusterRole('monitor', []),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: labels }] },
  };
  const objects = [
    monitor,
    clusterRole('part', ['get core secrets'], { labels }),
    clusterBinding('b', 'monitor', ['User alice']),
  ];

  test('grant what their parts do', () => {
    expect(of('R030', objects).find(({ subject }) => subject !== undefined)).toMatchObject({
      severity: 'CRITICAL',
      object: { name: 'monitor' },
    });
  });

  test('edit and admin are known, whose rules are nowhere in the input', () => {
    const [finding] = of('R030', [binding('shop/b', 'ClusterRole edit', ['User alice'])]);
    expect(finding).toMatchObject({ severity: 'MEDIUM', object: { kind: 'RoleBinding', name: 'b' } });
    expect(of('R030', [binding('shop/b', 'ClusterRole view', ['User alice'])])).toEqual([]);
  });
});

describe("Kubernetes' own roles and bindings", () => {
  const own = [...shippedObjects(), ...DEFAULTS];
  const changed = (
    name: string,
    kind: string,
    change: (object: RbacObject) => RbacObject,
  ): readonly RbacObject[] =>
    own.map((object) => (object.metadata.name === name && object.kind === kind ? change(object) : object));
  const withRule = (object: RbacObject): RbacObject =>
    'rules' in object
      ? { ...object, rules: [...object.rules, ...clusterRole('x', ['get core secrets']).rules] }
      : object;
  const withSubject = (object: RbacObject): RbacObject =>
    'subjects' in object
      ? { ...object, subjects: [...object.subjects, { kind: 'User', name: 'eve' }] }
      : object;

  test('have no findings as they are', () => {
    const unique = [
      ...new Map(
        own.map((each) => [`${each.kind} ${each.metadata.namespace ?? ''} ${each.metadata.name}`, each]),
      ).values(),
    ];
    expect(unique.length).toBeGreaterThan(120);
    expect(findingsOf(unique)).toEqual([]);
  });

  test('a controller that reads secrets all of a sudden is told, and so is what it may do', () => {
    const found = findingsOf(changed('system:controller:job-controller', 'ClusterRole', withRule));
    expect(told(found)).toEqual(['R030 CRITICAL', 'R050 HIGH', 'R051 HIGH', 'R092 HIGH', 'R077 MEDIUM']);
    expect(found[3]?.message).toBe(
      'ClusterRole system:controller:job-controller is not as Kubernetes makes it: it grants what R030 looks for, grants part of what R031 looks for',
    );
  });

  test('a default whose rules are known is told by what it grants besides', () => {
    const found = of('R092', changed('system:basic-user', 'ClusterRole', withRule));
    expect(found[0]?.message).toContain('it grants get secrets');
  });

  test('a subject more in the binding of cluster-admin is told', () => {
    const found = findingsOf(changed('cluster-admin', 'ClusterRoleBinding', withSubject));
    expect(told(found)).toEqual([
      'R001 CRITICAL',
      'R001 CRITICAL',
      'R009 CRITICAL',
      'R009 CRITICAL',
      'R010 CRITICAL',
      'R092 HIGH',
    ]);
  });

  test('a label alone excuses nothing', () => {
    const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
    const objects = [
      clusterRole('system:mine', ['* * *'], { labels }),
      clusterBinding('system:mine', 'system:mine', ['User eve'], { labels }),
    ];
    expect(told(findingsOf(objects))).toEqual(['R001 CRITICAL']);
  });

  test('a name alone excuses nothing', () => {
    const objects = [clusterBinding('system:kube-dns', 'cluster-admin', ['User eve'])];
    expect(told(findingsOf(objects))).toEqual(['R001 CRITICAL', 'R009 CRITICAL', 'R092 HIGH']);
  });

  test('a role of more permissions than any is not taken apart', () => {
    const huge = Array.from({ length: 300 }, (_, i) => `x${i}`).join(',');
    const found = of('R092', [clusterRole('system:discovery', [`${huge} core ${huge}`])]);
    expect(found[0]?.message).toContain('grants more than 20000 permissions');
  });
});

test('what grants everything is told once, and not once more for each part of it', () => {
  const objects = [
    clusterRole('all', ['* * *', '* url *', 'get core secrets']),
    clusterBinding('b', 'all', ['User alice']),
  ];
  expect(told(findingsOf(objects))).toEqual(['R001 CRITICAL']);
});

test('a RoleBinding without a namespace grants nothing, and says nothing', () => {
  const { metadata, ...rest } = binding('shop/b', 'ClusterRole cluster-admin', ['User alice']);
  expect(findingsOf([{ ...rest, metadata: { name: metadata.name } }])).toEqual([]);
});

test('privileged namespaces are those of the policy', () => {
  const objects = [role('infra', 'r', ['get core secrets']), binding('infra/b', 'Role r', ['User alice'])];
  const { policy } = { policy: { ...DEFAULT_VIOLATION_POLICY, privilegedNamespaces: ['inf*'] } };
  expect(told(findingsOf(objects))).toEqual(['R030 MEDIUM']);
  expect(told(findingsOf(objects, { policy }))).toEqual(['R030 CRITICAL']);
});

test('all that one subject does not use of one role is one finding, for as long as the least of it', () => {
  const never = (verb: string, resource: string, unusedDays: number) => ({
    subject: { kind: 'User', name: 'system:serviceaccount:shop:ci' } as const,
    verb,
    apiGroup: '',
    resource,
    namespace: '',
    unusedDays,
    observedDays: 200,
  });
  const objects = [clusterRole('r', ['get,list core secrets,pods']), clusterBinding('b', 'r', ['shop/ci'])];
  const unused = [never('list', 'secrets', 120), never('get', 'pods', 100), never('list', 'pods', 99)];
  const found = of('R094', objects, { unused });
  expect(found.map(({ severity, message, paths }) => [severity, message, paths.length])).toEqual([
    [
      'CRITICAL',
      'ServiceAccount shop/ci did not use for 99 days what it may do in the whole cluster: get, list pods; list secrets',
      3,
    ],
  ]);
});

test('what was looked at is counted', () => {
  expect(auditOf([clusterRole('r', []), clusterBinding('b', 'r', [])]).scanned).toEqual({
    bindings: 1,
    roles: 1,
  });
});

test('the catalogue has each row of the reference once, in order', () => {
  const ids = catalogue().map(({ id }) => id);
  const rows = [
    [1, 21],
    [30, 34],
    [40, 46],
    [50, 63],
    [70, 79],
    [90, 97],
  ].flatMap(([from = 0, to = 0]) =>
    Array.from({ length: to - from + 1 }, (_, i) => `R${String(from + i).padStart(3, '0')}`),
  );
  expect(ids).toEqual(rows);
});
