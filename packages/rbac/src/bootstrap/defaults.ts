import { impliedGroups, type Permission, type Subject } from '@leastwise/audit-event';

import type { Authorizer } from '../authorizer/index.ts';
import type { KubernetesVersion } from '../options.ts';
import type { ClusterRole, ClusterRoleBinding, PolicyRule, RbacObject } from '../types.ts';

const API_VERSION = 'rbac.authorization.k8s.io/v1';
const RBAC_GROUP = 'rbac.authorization.k8s.io';

/** A value with the first minor version of Kubernetes 1 that surely has it. */
type Since = readonly [value: string, minor: number];

interface DefaultRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly Since[];
  readonly nonResourceURLs?: readonly Since[];
}

interface DefaultRole {
  readonly name: string;
  readonly since: number;
  readonly groups: readonly string[];
  readonly rules: readonly DefaultRule[];
}

/*
 * The roles that a Kubernetes API server binds to groups by itself, as far as no feature gate that is off by
 * default has to be on. Where the version in which something came is not certain, the later one is
 * given: a default that is not known is granted once more, which does no harm, while one that is not
 * there would be missed.
 *
 * Sources: kubernetes plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go in several versions;
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings;
 * KEP-789 (1.14: discovery no longer for the unauthenticated, system:public-info-viewer);
 * kubernetes pull request 93311 (system:monitoring); KEP-2907 and issue 117455 (issuer discovery, and its
 * URLs with a slash at the end); KEP-3325 (SelfSubjectReview).
 */
const DEFAULT_ROLES: readonly DefaultRole[] = [
  {
    name: 'cluster-admin',
    since: 6,
    groups: ['system:masters'],
    rules: [
      { verbs: ['*'], apiGroups: ['*'], resources: [['*', 6]] },
      { verbs: ['*'], nonResourceURLs: [['*', 6]] },
    ],
  },
  {
    name: 'system:basic-user',
    since: 6,
    groups: ['system:authenticated'],
    rules: [
      {
        verbs: ['create'],
        apiGroups: ['authorization.k8s.io'],
        resources: [
          ['selfsubjectaccessreviews', 6],
          ['selfsubjectrulesreviews', 10],
        ],
      },
      { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: [['selfsubjectreviews', 28]] },
    ],
  },
  {
    name: 'system:discovery',
    since: 6,
    groups: ['system:authenticated'],
    rules: [
      {
        verbs: ['get'],
        nonResourceURLs: [
          ['/api', 6],
          ['/api/*', 6],
          ['/apis', 6],
          ['/apis/*', 6],
          ['/healthz', 6],
          ['/livez', 18],
          ['/openapi', 10],
          ['/openapi/*', 10],
          ['/readyz', 18],
          ['/version', 6],
          ['/version/', 10],
        ],
      },
    ],
  },
  {
    name: 'system:monitoring',
    since: 20,
    groups: ['system:monitoring'],
    rules: [
      {
        verbs: ['get'],
        nonResourceURLs: [
          ['/healthz', 20],
          ['/healthz/*', 20],
          ['/livez', 20],
          ['/livez/*', 20],
          ['/metrics', 20],
          ['/metrics/slis', 27],
          ['/readyz', 20],
          ['/readyz/*', 20],
        ],
      },
      { verbs: ['get'], apiGroups: [''], resources: [['nodes/metrics', 34]] },
    ],
  },
  {
    name: 'system:public-info-viewer',
    since: 14,
    groups: ['system:authenticated', 'system:unauthenticated'],
    rules: [
      {
        verbs: ['get'],
        nonResourceURLs: [
          ['/healthz', 14],
          ['/livez', 18],
          ['/readyz', 18],
          ['/version', 14],
          ['/version/', 14],
        ],
      },
    ],
  },
  {
    name: 'system:service-account-issuer-discovery',
    since: 20,
    groups: ['system:serviceaccounts'],
    rules: [
      {
        verbs: ['get'],
        nonResourceURLs: [
          ['/.well-known/openid-configuration', 20],
          ['/.well-known/openid-configuration/', 28],
          ['/openid/v1/jwks', 20],
          ['/openid/v1/jwks/', 28],
        ],
      },
    ],
  },
];

const METADATA = {
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
} as const;

function known(values: readonly Since[], minor: number): readonly string[] {
  return values.filter(([, since]) => since <= minor).map(([value]) => value);
}

function ruleAt({ verbs, apiGroups, resources, nonResourceURLs }: DefaultRule, minor: number): PolicyRule[] {
  if (nonResourceURLs) return [{ verbs, nonResourceURLs: known(nonResourceURLs, minor) }];
  const names = known(resources ?? [], minor);
  return names.length === 0 ? [] : [{ verbs, apiGroups: apiGroups ?? [], resources: names }];
}

function objectsOf(role: DefaultRole, minor: number): [ClusterRole, ClusterRoleBinding] {
  const metadata = { name: role.name, ...METADATA };
  const rules = role.rules.flatMap((rule) => ruleAt(rule, minor));
  const subjects = role.groups.map((name) => ({ apiGroup: RBAC_GROUP, kind: 'Group', name }) as const);
  const roleRef = { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name: role.name } as const;
  return [
    { apiVersion: API_VERSION, kind: 'ClusterRole', metadata, rules },
    { apiVersion: API_VERSION, kind: 'ClusterRoleBinding', metadata, roleRef, subjects },
  ];
}

/**
 * The ClusterRoles that an API server of this version binds to groups by itself, with their bindings:
 * discovery, self-reviews, public information, issuer discovery, monitoring and cluster-admin. A
 * cluster may have changed its copies (`autoupdate: "false"`), so the live ones, where known, win.
 */
export function bootstrapDefaults(version: KubernetesVersion): readonly RbacObject[] {
  const minor = version.major > 1 ? Infinity : version.major < 1 ? 0 : version.minor;
  return DEFAULT_ROLES.filter(({ since }) => since <= minor).flatMap((role) => objectsOf(role, minor));
}

/**
 * Whether the defaults allow a permission to everybody like this subject: by its own name and by the
 * groups that it has always, never by groups that it happens to be in.
 * @param defaults - an authorizer over {@link bootstrapDefaults}, or over the live copies
 */
export function grantedByDefault(subject: Subject, permission: Permission, defaults: Authorizer): boolean {
  return defaults.authorize({ subject, groups: impliedGroups(subject), permission }).allowed;
}
