import type { Permission, Subject } from '@leastwise/audit-event';
import fc from 'fast-check';

import { PERMISSIONS, rbacObjects } from '../../authorizer/testing/arbitrary.ts';
import { createInference } from '../../infer.ts';
import { AUDICIA_PRESET, DEFAULT_OPTIONS, EXACT_PRESET, type PolicyOptions } from '../../options.ts';
import type { SubjectPolicy } from '../../policy.ts';
import { request, stateOf } from '../../testing/requests.ts';
import type { PolicyRule, RbacObject } from '../../types.ts';
import type { PinnedRules } from '../index.ts';

/** Whose files they are. */
export const ME: Subject = { kind: 'ServiceAccount', namespace: 'a', name: 's1' };
const API_VERSION = 'rbac.authorization.k8s.io/v1' as const;
const RBAC_GROUP = 'rbac.authorization.k8s.io';
const GROUPS = ['system:authenticated', 'system:serviceaccounts', 'system:serviceaccounts:a'];
/** The groups that {@link ME} is always in. */
export const MY_GROUPS: readonly string[] = GROUPS;

const some = <T>(values: readonly T[]): fc.Arbitrary<T[]> =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 });

export const rule: fc.Arbitrary<PolicyRule> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      verbs: some(['get', 'list', '*']),
      apiGroups: some(['', 'apps', '*']),
      resources: some(['pods', 'pods/log', 'nodes', '*/log', '*']),
      resourceNames: fc.oneof(fc.constant([]), some(['n1', 'n2'])),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      verbs: some(['get', '*']),
      nonResourceURLs: some(['/a', '/a/b', '/a/*', '/a*', '*']),
    }),
  },
);

const mine = { kind: 'ServiceAccount', name: 's1', namespace: 'a' } as const;
const NAMES = ['suggested-sa-a.s1', 'custom'];

/** A role of one namespace or of the cluster, bound to {@link ME}; sometimes a ClusterRole in a namespace. */
const grantedToMe: fc.Arbitrary<RbacObject[]> = fc
  .record({
    namespace: fc.constantFrom('', 'a', 'b'),
    base: fc.constantFrom(...NAMES),
    isShared: fc.boolean(),
    labels: fc.constantFrom({}, { team: 'x' }),
    rules: fc.array(rule, { minLength: 1, maxLength: 3 }),
  })
  .map(({ namespace, base, isShared, labels, rules }): RbacObject[] => {
    const kind = namespace === '' || isShared ? 'ClusterRole' : 'Role';
    const scope = namespace === '' ? {} : { namespace };
    const name = `${base}-${kind.toLowerCase()}`;
    const bound = { name: `${name}-binding`, ...scope };
    const roleRef = { apiGroup: RBAC_GROUP, kind, name } as const;
    const metadata = { name, labels };
    return [
      kind === 'Role'
        ? { apiVersion: API_VERSION, kind, metadata: { ...metadata, ...scope }, rules }
        : { apiVersion: API_VERSION, kind, metadata, rules },
      namespace === ''
        ? { apiVersion: API_VERSION, kind: 'ClusterRoleBinding', metadata: bound, roleRef, subjects: [mine] }
        : { apiVersion: API_VERSION, kind: 'RoleBinding', metadata: bound, roleRef, subjects: [mine] },
    ];
  });

/** Files of {@link ME} that bind nobody else. */
export const ownObjects: fc.Arbitrary<RbacObject[]> = fc
  .array(grantedToMe, { maxLength: 4 })
  .map((parts) => parts.flat());

const stranger = { apiGroup: RBAC_GROUP, kind: 'User', name: 'bob' } as const;

/** Own objects, some of which somebody shared, among all sorts of others. */
export const sharedObjects: fc.Arbitrary<RbacObject[]> = fc
  .tuple(ownObjects, rbacObjects, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }))
  .map(([own, others, shared]) => [
    ...own.map((object, i): RbacObject =>
      'subjects' in object && shared[i] === true
        ? { ...object, subjects: [...object.subjects, stranger] }
        : object,
    ),
    ...others,
  ]);

const KNOWN: readonly Permission[] = PERMISSIONS.filter(
  ({ resource, apiGroup, verb, namespace, name, path }) =>
    verb !== 'other' &&
    apiGroup !== 'other' &&
    namespace !== 'other' &&
    name !== 'other' &&
    (resource === '' ? !path.includes('*') : ['pods', 'pods/log', 'nodes'].includes(resource)),
);

/** Knobs under which the inference widens in different ways and shares roles. */
export const policyOptions: fc.Arbitrary<PolicyOptions> = fc
  .record({
    preset: fc.constantFrom({}, EXACT_PRESET, AUDICIA_PRESET),
    scopeMode: fc.constantFrom(
      'NamespaceStrict' as const,
      'NamespaceStrict' as const,
      'ClusterScopeAllowed' as const,
    ),
    shareRoles: fc.boolean(),
    namespaceGroups: fc.constantFrom([], ['*']),
    naming: fc.constantFrom(DEFAULT_OPTIONS.naming, {
      template: 'team:${subject}',
      labels: {},
      annotations: {},
    }),
  })
  .map(({ preset, ...knobs }) => ({ ...DEFAULT_OPTIONS, ...preset, ...knobs }));

const permissions = fc.array(fc.constantFrom(...KNOWN), { maxLength: 12 });

/** What the inference makes of some allowed requests of {@link ME}. */
export function wantedOf(asked: readonly Permission[], options: PolicyOptions): SubjectPolicy {
  const cluster = stateOf(asked.map((each) => request({ subject: ME, permissions: [each] })));
  const [state] = cluster.subjects.values();
  if (state) return createInference(options)(state, cluster);
  const empty = {
    cluster: 'default',
    subject: ME,
    objects: [],
    ruleEvidence: [],
    granted: [],
    exceptions: [],
  };
  return { ...empty, widenings: [], isIncomplete: false, denied: [], deniedOverflow: 0 };
}

/** A policy of {@link ME}, what it was made of, and the knobs. */
export const wantedPolicy = fc
  .tuple(permissions, policyOptions)
  .map(([asked, options]) => ({ asked, options, wanted: wantedOf(asked, options) }));

/** Pinned rules that are not to be granted by themselves. */
export const pinnedRules: fc.Arbitrary<PinnedRules[]> = fc.array(
  fc.record({
    namespace: fc.constantFrom('', 'a', 'b'),
    rules: fc.array(rule, { minLength: 1, maxLength: 2 }),
  }),
  { maxLength: 2 },
);

/** {@link pinnedRules} bound to {@link ME}, as objects that an authorizer takes. */
export function asObjects(pinned: readonly PinnedRules[]): RbacObject[] {
  return pinned.flatMap(({ namespace, rules }, i): RbacObject[] => {
    const name = `pinned-${i}`;
    const roleRef = { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name } as const;
    const role: RbacObject = { apiVersion: API_VERSION, kind: 'ClusterRole', metadata: { name }, rules };
    const base = { apiVersion: API_VERSION, roleRef, subjects: [mine] };
    return namespace === ''
      ? [role, { ...base, kind: 'ClusterRoleBinding', metadata: { name } }]
      : [role, { ...base, kind: 'RoleBinding', metadata: { name, namespace } }];
  });
}
