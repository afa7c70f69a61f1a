import type { Permission, Subject } from '@leastwise/audit-event';

import type { ObservedPermission } from '../../policy-report.ts';
import type { PullRequestReport, RemovedPermission, RiskFinding, SubjectChange } from '../report.ts';

const DAY_US = 86_400_000_000;
/** The first event of all reports here. */
export const START_US = Date.UTC(2026, 0, 1, 8, 30, 15) * 1000;
/** The newest one. */
export const END_US = START_US + 74 * DAY_US;

/** A permission to get something, but for what is given. */
export function permission(fields: Partial<Permission>): Permission {
  return { verb: 'get', apiGroup: '', resource: '', namespace: '', name: '', path: '', ...fields };
}

/** A permission that was used until today. */
export function observed(
  fields: Partial<Permission>,
  evidence: Partial<ObservedPermission> = {},
): ObservedPermission {
  return {
    permission: permission(fields),
    count: 1840,
    days: 62,
    firstSeenUs: START_US + 2 * DAY_US,
    lastSeenUs: END_US,
    sampleAuditID: '0f3c1a52-9f0e-4f43-8a53-2f6c1f1d7a11',
    clients: ['controller'],
    ...evidence,
  };
}

/** A permission of which no use is known. */
export function removed(
  fields: Partial<Permission>,
  safety: Partial<RemovedPermission> = {},
): RemovedPermission {
  return {
    permission: permission(fields),
    lastUsedUs: undefined,
    unusedDays: 74,
    observableDays: 74,
    ...safety,
  };
}

/** A finding about the grants of one subject. */
export function finding(
  id: string,
  severity: RiskFinding['severity'],
  fields: Partial<RiskFinding> = {},
): RiskFinding {
  const what = `ServiceAccount shop/app may do what ${id} finds in namespace shop`;
  return { key: id, id, severity, what, remedy: 'Name the resources: `pods/exec`.', ...fields };
}

/** A ServiceAccount. */
export function serviceAccount(namespace: string, name: string): Subject {
  return { kind: 'ServiceAccount', namespace, name };
}

/** A subject of which nothing changes. */
export function unchanged(subject: Subject): SubjectChange {
  return {
    subject,
    namespaces: [subject.namespace],
    hasClusterFolder: false,
    granted: 0,
    used: 0,
    proposed: 0,
    added: [],
    removed: [],
    broken: [],
    unproven: [],
    withheld: [],
    refused: [],
    rules: [],
  };
}

const CONTROLS: PullRequestReport['controls'] = {
  stopLabel: 'leastwise/stop',
  teamFile: 'leastwise.yaml',
  pin: {
    pinned: [
      {
        subjects: ['serviceaccount:shop:app'],
        namespaces: ['shop'],
        rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['delete'] }],
      },
    ],
  },
  ignore: { ignoredSubjects: ['serviceaccount:shop:app'] },
};

const FRAME = {
  cluster: 'prod-eu',
  group: 'team-shop',
  window: {
    firstEventUs: START_US,
    lastEventUs: END_US,
    daysWithEvents: 74,
    lateEvents: 12,
    lostEvents: 0,
  },
  version: '0.1.0',
  controls: CONTROLS,
  evidencePath: 'reports/prod-eu/policies.md',
  links: {
    base: 'https://forge.example/platform/rbac/src/branch/main/',
    branch: 'https://forge.example/platform/rbac/src/branch/leastwise/prod-eu/team-shop/additions/',
  },
} as const;

/** Additions for three subjects. */
export const ADDITIONS: PullRequestReport = {
  ...FRAME,
  kind: 'additions',
  overflowPath: 'reports/prod-eu/pull-requests/team-shop-additions.md',
  subjects: [
    {
      ...unchanged(serviceAccount('shop', 'app')),
      namespaces: ['shop', 'web'],
      granted: 12,
      used: 12,
      proposed: 14,
      added: [
        observed({ resource: 'configmaps', namespace: 'shop', name: 'settings' }),
        observed(
          { verb: 'patch', apiGroup: 'apps', resource: 'deployments/scale', namespace: 'web' },
          { count: 3, days: 2, lastSeenUs: START_US + 40 * DAY_US, clients: ['kubectl', 'controller'] },
        ),
      ],
      withheld: [permission({ verb: 'impersonate', resource: 'users', name: 'alice' })],
      refused: [
        {
          namespace: 'shop',
          requests: 31,
          rule: { apiGroups: [''], resources: ['secrets'], resourceNames: ['db'], verbs: ['get'] },
        },
      ],
      risk: {
        before: [
          finding('R014', 'MEDIUM', { key: 'a', what: 'RoleBinding shop/app binds the default account' }),
          finding('R014', 'MEDIUM', { key: 'b', what: 'RoleBinding web/app binds the default account' }),
          finding('R074', 'MEDIUM', {
            what: 'ServiceAccount shop/app may patch ingresses in namespace shop',
          }),
          finding('R030', 'LOW', {
            what: 'ServiceAccount shop/app may get secrets named db in namespace shop',
          }),
        ],
        after: [
          finding('R014', 'MEDIUM', { key: 'a', what: 'RoleBinding shop/app binds the default account' }),
          finding('R014', 'MEDIUM', { key: 'b', what: 'RoleBinding web/app binds the default account' }),
          finding('R074', 'MEDIUM', {
            what: 'ServiceAccount shop/app may patch ingresses; update services in namespace shop',
          }),
          finding('R030', 'MEDIUM', {
            what: 'ServiceAccount shop/app may get secrets in namespace shop',
            remedy: 'Name the secrets that are needed, and grant get only.',
          }),
          finding('R053', 'HIGH', {
            what: 'ServiceAccount shop/app may patch pods/ephemeralcontainers in namespace shop',
            remedy: 'Grant it to people for a time, in one namespace.',
          }),
        ],
      },
      rules: [
        {
          namespace: 'shop',
          before: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }],
          after: [
            { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
            { apiGroups: [''], resources: ['configmaps'], resourceNames: ['settings'], verbs: ['get'] },
          ],
        },
        {
          namespace: 'web',
          before: [{ apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['get'] }],
          after: [{ apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['get', 'patch'] }],
        },
      ],
    },
    {
      ...unchanged(serviceAccount('shop', 'mailer')),
      used: 1,
      proposed: 1,
      added: [
        observed({ resource: 'secrets', namespace: 'shop', name: 'smtp' }, { count: 74, clients: ['other'] }),
      ],
      rules: [
        {
          namespace: 'shop',
          before: [],
          after: [{ apiGroups: [''], resources: ['secrets'], resourceNames: ['smtp'], verbs: ['get'] }],
        },
      ],
    },
    {
      ...unchanged({ kind: 'User', namespace: '', name: 'ci@example.com' }),
      namespaces: [],
      hasClusterFolder: true,
      granted: 1,
      used: 2,
      proposed: 2,
      added: [observed({ path: '/metrics' }, { count: 1, days: 1, clients: [] })],
      rules: [
        {
          namespace: '',
          before: [{ nonResourceURLs: ['/healthz'], verbs: ['get'] }],
          after: [
            { nonResourceURLs: ['/healthz'], verbs: ['get'] },
            { nonResourceURLs: ['/metrics'], verbs: ['get'] },
          ],
        },
      ],
    },
  ],
  heldBack: [{ subject: serviceAccount('shop', 'debug'), remark: 'open detection D003: exec into 4 pods' }],
  blindSpots: ['The audit policy logs nothing of leases.coordination.k8s.io.'],
};

/** Removals of one subject, with what shows that they are safe. */
export const REMOVALS: PullRequestReport = {
  ...FRAME,
  kind: 'removals',
  overflowPath: 'reports/prod-eu/pull-requests/team-shop-removals.md',
  subjects: [
    {
      ...unchanged(serviceAccount('shop', 'app')),
      granted: 14,
      used: 6,
      proposed: 7,
      removed: [
        ...['create', 'delete', 'patch', 'update'].map((verb) =>
          removed({ verb, resource: 'secrets', namespace: 'shop' }),
        ),
        ...['list', 'watch'].map((verb) =>
          removed(
            { verb, apiGroup: 'batch', resource: 'jobs', namespace: 'shop' },
            { lastUsedUs: START_US + 20 * DAY_US, unusedDays: 54 },
          ),
        ),
        removed({ verb: 'delete', resource: 'configmaps', namespace: 'shop', name: 'settings' }),
      ],
      unproven: [
        {
          permission: permission({
            verb: 'create',
            apiGroup: 'policy',
            resource: 'poddisruptionbudgets',
            namespace: 'shop',
          }),
          remark: 'pinned in leastwise.yaml',
        },
      ],
      risk: {
        before: [
          finding('R050', 'HIGH', { what: 'ServiceAccount shop/app may create pods in namespace shop' }),
          finding('R001', 'CRITICAL', {
            what: 'ServiceAccount shop/app may do everything in the whole cluster',
          }),
        ],
        after: [],
      },
      rules: [
        {
          namespace: 'shop',
          before: [
            {
              apiGroups: [''],
              resources: ['secrets'],
              verbs: ['get', 'create', 'delete', 'patch', 'update'],
            },
          ],
          after: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }],
        },
      ],
    },
  ],
  heldBack: [{ subject: serviceAccount('shop', 'nightly'), remark: 'observed for 12 days of 30' }],
  blindSpots: [],
};

/** More than a small forge takes. */
export const LARGE: PullRequestReport = {
  ...ADDITIONS,
  subjects: Array.from({ length: 40 }, (_, at) => {
    const name = `worker-${String(at).padStart(2, '0')}`;
    const resources = ['configmaps', 'endpoints', 'pods', 'secrets', 'services'];
    return {
      ...unchanged(serviceAccount('shop', name)),
      used: resources.length,
      proposed: resources.length,
      added: resources.map((resource) => observed({ resource, namespace: 'shop' })),
      rules: [{ namespace: 'shop', before: [], after: [{ apiGroups: [''], resources, verbs: ['get'] }] }],
    };
  }),
};
