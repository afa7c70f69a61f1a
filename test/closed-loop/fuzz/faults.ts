import type { AccessRequest, ClusterRole, PolicyRule, RbacObject } from '@leastwise/rbac';

type Change = (objects: readonly RbacObject[]) => RbacObject[];

/** Something that an evaluator could get wrong, put into what it is asked. */
export interface Fault {
  readonly what: string;
  readonly objects?: Change;
  readonly request?: (request: AccessRequest) => AccessRequest;
}

function rules(change: (rule: PolicyRule) => PolicyRule): Change {
  return (objects) =>
    objects.map((each) =>
      each.kind === 'Role' || each.kind === 'ClusterRole' ? { ...each, rules: each.rules.map(change) } : each,
    );
}

function each(change: (object: RbacObject) => RbacObject | undefined): Change {
  return (objects) => objects.flatMap((object) => change(object) ?? []);
}

function resources(change: (resource: string) => string | string[]): Change {
  return rules((rule) => (rule.resources ? { ...rule, resources: rule.resources.flatMap(change) } : rule));
}

function urls(change: (url: string) => string): Change {
  return rules((rule) =>
    rule.nonResourceURLs ? { ...rule, nonResourceURLs: rule.nonResourceURLs.map(change) } : rule,
  );
}

function aggregation(change: (role: ClusterRole) => ClusterRole): Change {
  return each((object) =>
    object.kind === 'ClusterRole' && object.aggregationRule ? change(object) : object,
  );
}

/** The mistakes that the fuzz has to see, each alone. */
export const FAULTS: readonly Fault[] = [
  {
    what: 'verbs: * is unknown',
    objects: rules((rule) => ({ ...rule, verbs: rule.verbs.filter((v) => v !== '*') })),
  },
  {
    what: 'apiGroups: * is unknown',
    objects: rules(({ apiGroups, ...rule }) => ({
      ...rule,
      apiGroups: apiGroups?.filter((g) => g !== '*') ?? [],
    })),
  },
  {
    what: 'resources: * is without subresources',
    objects: resources((r) => (r === '*' ? ['pods', 'deployments', 'nodes', 'log'] : r)),
  },
  { what: '*/sub is unknown', objects: resources((r) => (/^\*\/\w/u.test(r) ? [] : r)) },
  {
    what: 'pods/* is every subresource',
    objects: resources((r) => (r === 'pods/*' ? ['pods/log', 'pods/exec', r] : r)),
  },
  { what: 'po* is a prefix', objects: resources((r) => (r === 'po*' ? ['pods', r] : r)) },
  { what: '*/* is everything', objects: resources((r) => (r === '*/*' ? '*' : r)) },
  {
    what: 'resourceNames are unknown',
    objects: rules((rule) => ({ ...rule, resourceNames: [] })),
  },
  {
    what: 'resourceNames: * is every name',
    objects: rules(({ resourceNames: names, ...rule }) =>
      names && !names.includes('*') ? { ...rule, resourceNames: names } : rule,
    ),
  },
  {
    what: 'an unnamed request passes any resourceNames',
    objects: rules((rule) =>
      rule.resourceNames && rule.resourceNames.length > 0
        ? { ...rule, resourceNames: [...rule.resourceNames, ''] }
        : rule,
    ),
  },
  { what: 'URL prefixes are unknown', objects: urls((url) => (url.endsWith('*') ? `${url}-` : url)) },
  { what: 'a * within a URL ends it', objects: urls((url) => url.replace(/\*.*$/u, '*')) },
  { what: 'groups are unknown', request: (request) => ({ ...request, groups: [] }) },
  {
    what: 'a service account has no groups',
    request: ({ groups, ...request }) => ({
      ...request,
      groups: groups.filter((name) => !name.startsWith('system:serviceaccounts')),
    }),
  },
  {
    what: 'an account without a namespace is nobody',
    objects: each((object) =>
      'subjects' in object
        ? { ...object, subjects: object.subjects.filter((s) => s.kind !== 'ServiceAccount' || s.namespace) }
        : object,
    ),
  },
  {
    what: 'RoleBindings hold everywhere',
    objects: each((object) => {
      if (object.kind !== 'RoleBinding' || object.roleRef.kind === 'Role') return object;
      const name = `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
      return { ...object, kind: 'ClusterRoleBinding', metadata: { name } };
    }),
  },
  {
    what: 'RoleBindings to ClusterRoles hold nowhere',
    objects: each((object) =>
      object.kind === 'RoleBinding' && object.roleRef.kind === 'ClusterRole' ? undefined : object,
    ),
  },
  {
    what: 'a Role stands in for a ClusterRole that is gone',
    objects: each((object) =>
      object.kind === 'RoleBinding' && object.roleRef.name.endsWith(':gone')
        ? {
            ...object,
            roleRef: {
              ...object.roleRef,
              kind: 'ClusterRole',
              name: object.roleRef.name.replace(':gone', ':r1'),
            },
          }
        : object,
    ),
  },
  {
    what: 'aggregation is unknown',
    objects: aggregation(({ apiVersion, kind, metadata, rules: own }) => ({
      apiVersion,
      kind,
      metadata,
      rules: own,
    })),
  },
  {
    what: 'matchExpressions are unknown',
    objects: aggregation((role) => ({
      ...role,
      aggregationRule: {
        clusterRoleSelectors: (role.aggregationRule?.clusterRoleSelectors ?? []).map((selector) => ({
          matchLabels: { ...selector.matchLabels, world: role.metadata.labels?.['world'] ?? '' },
        })),
      },
    })),
  },
  {
    what: 'matchLabels are unknown',
    objects: aggregation((role) => ({
      ...role,
      aggregationRule: {
        clusterRoleSelectors: (role.aggregationRule?.clusterRoleSelectors ?? []).map((selector) => ({
          matchExpressions: [
            ...(selector.matchExpressions ?? []),
            { key: 'world', operator: 'In' as const, values: [role.metadata.labels?.['world'] ?? ''] },
          ],
        })),
      },
    })),
  },
  {
    what: 'an aggregated role is not aggregated again',
    objects: aggregation((role) => ({ ...role, metadata: { ...role.metadata, labels: {} } })),
  },
  {
    what: 'system:authenticated has no defaults',
    objects: each((object) => (object.metadata.name.startsWith('system:') ? undefined : object)),
  },
];
