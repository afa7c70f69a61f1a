import type { AuditedServiceAccount } from '@leastwise/findings';
import type {
  BindingSubject,
  ClusterRole,
  LabelSelector,
  ObjectMeta,
  PolicyRule,
  RbacObject,
  RoleRef,
} from '@leastwise/rbac';

import { entriesOf, listAt, textAt, valueAt } from './json-value.ts';
import type { KubeObject } from './watch/kube-object.ts';

/** The kinds of RBAC, with where they are listed. */
export const RBAC_PATHS = {
  Role: '/apis/rbac.authorization.k8s.io/v1/roles',
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  RoleBinding: '/apis/rbac.authorization.k8s.io/v1/rolebindings',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
} as const satisfies Record<RbacObject['kind'], string>;

/** One of the four kinds of RBAC. */
export type RbacKind = keyof typeof RBAC_PATHS;

function texts(value: unknown, key: string): string[] {
  return listAt(value, key).filter((each) => typeof each === 'string');
}

function textMap(value: unknown): Record<string, string> {
  const entries = entriesOf(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  // Entries are defined, never assigned: a key may be `__proto__`.
  return Object.fromEntries(entries);
}

function metaOf(value: unknown): ObjectMeta {
  const metadata = valueAt(value, 'metadata');
  const namespace = textAt(metadata, 'namespace');
  return {
    name: textAt(metadata, 'name'),
    ...(namespace === '' ? {} : { namespace }),
    labels: textMap(valueAt(metadata, 'labels')),
    annotations: textMap(valueAt(metadata, 'annotations')),
  };
}

const RULE_LISTS = ['apiGroups', 'resources', 'resourceNames', 'nonResourceURLs'] as const;

function ruleOf(value: unknown): PolicyRule {
  const lists = RULE_LISTS.map((key) => [key, texts(value, key)] as const);
  const given = lists.filter(([, list]) => list.length > 0);
  return { ...Object.fromEntries(given), verbs: texts(value, 'verbs') };
}

function selectorOf(value: unknown): LabelSelector {
  const matchExpressions = listAt(value, 'matchExpressions').flatMap((each) => {
    const operator = OPERATORS.find((known) => known === textAt(each, 'operator'));
    return operator === undefined
      ? []
      : [{ key: textAt(each, 'key'), operator, values: texts(each, 'values') }];
  });
  const matchLabels = textMap(valueAt(value, 'matchLabels'));
  // Absent where it is empty, as the API server has it.
  return {
    ...(Object.keys(matchLabels).length > 0 ? { matchLabels } : {}),
    ...(matchExpressions.length > 0 ? { matchExpressions } : {}),
  };
}

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

function aggregationOf(value: unknown): Pick<ClusterRole, 'aggregationRule'> {
  const rule = valueAt(value, 'aggregationRule');
  if (rule === undefined || rule === null) return {};
  return { aggregationRule: { clusterRoleSelectors: listAt(rule, 'clusterRoleSelectors').map(selectorOf) } };
}

function roleRefOf(value: unknown): RoleRef {
  const kind = textAt(value, 'roleRef', 'kind') === 'Role' ? 'Role' : 'ClusterRole';
  return { apiGroup: 'rbac.authorization.k8s.io', kind, name: textAt(value, 'roleRef', 'name') };
}

const SUBJECT_KINDS = ['User', 'Group', 'ServiceAccount'] as const;

/** Subjects of other kinds match nobody: the API server takes none. */
function subjectsOf(value: unknown): BindingSubject[] {
  return listAt(value, 'subjects').flatMap((each) => {
    const kind = SUBJECT_KINDS.find((known) => known === textAt(each, 'kind'));
    if (kind === undefined) return [];
    const apiGroup = textAt(each, 'apiGroup');
    const namespace = textAt(each, 'namespace');
    return [
      {
        kind,
        name: textAt(each, 'name'),
        ...(apiGroup === '' ? {} : { apiGroup }),
        ...(namespace === '' ? {} : { namespace }),
      },
    ];
  });
}

/** An RBAC object as an API server gives it; in lists it says no kind. */
export function toRbacObject(kind: RbacKind, value: unknown): RbacObject {
  const head = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: metaOf(value) } as const;
  switch (kind) {
    case 'Role':
      return { ...head, kind, rules: listAt(value, 'rules').map(ruleOf) };
    case 'ClusterRole':
      return { ...head, kind, rules: listAt(value, 'rules').map(ruleOf), ...aggregationOf(value) };
    case 'RoleBinding':
    case 'ClusterRoleBinding':
      return { ...head, kind, roleRef: roleRefOf(value), subjects: subjectsOf(value) };
  }
}

/** A service account as far as audits look at it. */
export function toServiceAccount({ namespace, name, uid, value }: KubeObject): AuditedServiceAccount {
  const automountServiceAccountToken = valueAt(value, 'automountServiceAccountToken');
  return {
    ...{ namespace, name, uid, annotations: textMap(valueAt(value, 'metadata', 'annotations')) },
    ...(typeof automountServiceAccountToken === 'boolean' ? { automountServiceAccountToken } : {}),
  };
}
