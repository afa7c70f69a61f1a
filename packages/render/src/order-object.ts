import type { LabelSelector, ObjectMeta, PolicyRule, RbacObject } from '@leastwise/rbac';

/** A value of a manifest: RBAC objects hold nothing but text, other files flags as well. */
export type ManifestValue = string | boolean | readonly ManifestValue[] | ManifestMap;

/** The fields of a manifest, in the order in which they are shown. */
export interface ManifestMap {
  readonly [key: string]: ManifestValue;
}

/**
 * Gives an object's fields in the order in which kubectl shows them, and its labels and annotations sorted. Lists
 * stay in their order, which is the caller's; fields that are absent stay absent.
 */
export function orderObject(object: RbacObject): ManifestMap {
  const { apiVersion, kind } = object;
  const metadata = orderMetadata(object.metadata);
  switch (object.kind) {
    case 'Role':
      return { apiVersion, kind, metadata, rules: object.rules.map(orderRule) };
    case 'ClusterRole': {
      const selectors = object.aggregationRule?.clusterRoleSelectors?.map(orderSelector);
      const aggregated = object.aggregationRule && {
        aggregationRule: present({ clusterRoleSelectors: selectors }),
      };
      return { apiVersion, kind, metadata, ...aggregated, rules: object.rules.map(orderRule) };
    }
    case 'RoleBinding':
    case 'ClusterRoleBinding': {
      const { apiGroup, kind: roleKind, name } = object.roleRef;
      const subjects = object.subjects.map((subject) =>
        present({
          apiGroup: subject.apiGroup,
          kind: subject.kind,
          name: subject.name,
          namespace: subject.namespace,
        }),
      );
      return { apiVersion, kind, metadata, roleRef: { apiGroup, kind: roleKind, name }, subjects };
    }
  }
}

function orderMetadata(metadata: ObjectMeta): ManifestMap {
  return present({
    name: metadata.name,
    namespace: metadata.namespace,
    labels: metadata.labels && sortKeys(metadata.labels),
    annotations: metadata.annotations && sortKeys(metadata.annotations),
  });
}

function orderRule(rule: PolicyRule): ManifestMap {
  const { apiGroups, resources, resourceNames, nonResourceURLs, verbs } = rule;
  return present({ apiGroups, resources, resourceNames, nonResourceURLs, verbs });
}

function orderSelector({ matchLabels, matchExpressions }: LabelSelector): ManifestMap {
  return present({
    matchLabels: matchLabels && sortKeys(matchLabels),
    matchExpressions: matchExpressions?.map(({ key, operator, values }) =>
      present({ key, operator, values }),
    ),
  });
}

function sortKeys(text: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(text).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function present(fields: Readonly<Record<string, ManifestValue | undefined>>): ManifestMap {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
