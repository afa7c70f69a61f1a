import type { ClusterRole, PolicyRule, RbacObject } from '@leastwise/rbac';

const GROUP = 'rbac.authorization.k8s.io';

/** Text that attackers and YAML would like: control characters, bidi, quotes, and what looks like other types. */
export const HOSTILE_TEXTS = [
  '',
  ' ',
  ' a ',
  'a\nrules: []',
  'a\r\n---\nkind: ClusterRoleBinding',
  'a\u0085b: c',
  'a\u2028- b\u2029c',
  'a\u001b[31mb\u0007',
  'a\u202eb\u2066c\u200bd\ufeff',
  'a\ufffe\uffff\ud800b',
  '\u{e0041}🔑',
  '"\'\\',
  '# a',
  'a # b',
  'a: b',
  'a:',
  ':a',
  '- a',
  '-',
  '---',
  '...',
  '? a',
  '*a',
  '*',
  '&a',
  '!a',
  '!!binary aGk=',
  '%YAML 1.1',
  '@a',
  '`a`',
  '{a}',
  '[a]',
  '| a',
  '> a',
  '|',
  'a, b',
  '<<',
  '=',
  '~',
  'null',
  'Null',
  'NULL',
  'y',
  'Y',
  'n',
  'yes',
  'No',
  'on',
  'OFF',
  'true',
  'False',
  '0',
  '-1',
  '+1',
  '1e3',
  'e3',
  'E-10',
  '1.5',
  '.5',
  '1_000',
  '0x1f',
  '0o7',
  '017',
  '0b1',
  '1:30',
  '190:20:30',
  '.inf',
  '-.INF',
  '.NaN',
  '2024-01-01',
  '2024-01-01T00:00:00Z',
  '__proto__',
  'constructor',
  'x'.repeat(2000),
  '/healthz',
  '/api/*',
  'system:serviceaccount:a:b',
  'deployments/scale',
] as const;

/** A ClusterRole with the given rules. */
export function clusterRole(name: string, rules: readonly PolicyRule[]): ClusterRole {
  return { apiVersion: `${GROUP}/v1`, kind: 'ClusterRole', metadata: { name }, rules };
}

/** A Role or RoleBinding of a namespace, or a cluster's object where the namespace is `undefined`. */
export function grant(
  name: string,
  namespace: string | undefined,
  rules: readonly PolicyRule[],
): RbacObject[] {
  const apiVersion = `${GROUP}/v1`;
  const labels = { 'app.kubernetes.io/managed-by': 'leastwise' };
  const subjects = [{ kind: 'ServiceAccount', name: 'app', namespace: 'shop' }] as const;
  if (namespace === undefined) {
    const roleRef = { apiGroup: GROUP, kind: 'ClusterRole', name: `${name}-role` } as const;
    return [
      { apiVersion, kind: 'ClusterRole', metadata: { name: `${name}-role`, labels }, rules },
      {
        apiVersion,
        kind: 'ClusterRoleBinding',
        metadata: { name: `${name}-binding`, labels },
        roleRef,
        subjects,
      },
    ];
  }
  const roleRef = { apiGroup: GROUP, kind: 'Role', name: `${name}-role` } as const;
  return [
    { apiVersion, kind: 'Role', metadata: { name: `${name}-role`, namespace, labels }, rules },
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata: { name: `${name}-binding`, namespace, labels },
      roleRef,
      subjects,
    },
  ];
}

/** A RoleBinding to a ClusterRole. */
export function bindingToClusterRole(name: string, namespace: string, role: string): RbacObject {
  return {
    apiVersion: `${GROUP}/v1`,
    kind: 'RoleBinding',
    metadata: { name, namespace },
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: GROUP, kind: 'User', name: 'alice@example.com' }],
  };
}

/** What an app reads and writes. */
export const RULES: readonly PolicyRule[] = [
  { apiGroups: [''], resources: ['configmaps'], resourceNames: ['settings'], verbs: ['get', 'update'] },
  { apiGroups: ['apps'], resources: ['deployments', 'deployments/scale'], verbs: ['get', 'list'] },
];
