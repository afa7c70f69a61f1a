import type { Path } from './problem.ts';
import type { Fields, Shape } from './shape.ts';
import type { BindingSubject, LabelSelector, ObjectMeta, PolicyRule, RbacObject, RoleRef } from '../types.ts';

const API_VERSION = 'rbac.authorization.k8s.io/v1';
/** The group of the API of RBAC. */
export const RBAC_GROUP = 'rbac.authorization.k8s.io';

/** The kinds of RBAC objects. */
export const RBAC_KINDS = ['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding'] as const;

type Kind = (typeof RBAC_KINDS)[number];

const RULE_LISTS = ['apiGroups', 'resources', 'resourceNames', 'nonResourceURLs'] as const;
const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

function readMeta(shape: Shape, object: Fields, path: Path, namespace: string | undefined): ObjectMeta {
  const at = [...path, 'metadata'];
  const fields = shape.fields(shape.get(object, 'metadata'), at);
  const own = shape.text(shape.get(fields, 'namespace'), [...at, 'namespace']);
  const labels = shape.textMap(shape.get(fields, 'labels'), [...at, 'labels']);
  const annotations = shape.textMap(shape.get(fields, 'annotations'), [...at, 'annotations']);
  return {
    name: shape.required(shape.get(fields, 'name'), [...at, 'name']),
    ...(namespace === undefined ? {} : { namespace: own === '' ? namespace : own }),
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
}

function readRule(shape: Shape, value: unknown, path: Path): PolicyRule {
  const fields = shape.fields(value, path);
  const verbs = shape.texts(shape.get(fields, 'verbs'), [...path, 'verbs']);
  if (verbs.length === 0) shape.note([...path, 'verbs'], 'missing-field', 'is missing or empty');
  const lists = RULE_LISTS.flatMap((key) => {
    const list = shape.texts(shape.get(fields, key), [...path, key]);
    return list.length > 0 ? [[key, list] as const] : [];
  });
  return { ...Object.fromEntries(lists), verbs };
}

function readRules(shape: Shape, object: Fields, path: Path): readonly PolicyRule[] {
  const at = [...path, 'rules'];
  return shape.list(shape.get(object, 'rules'), at).map((rule, i) => readRule(shape, rule, [...at, i]));
}

function readSelector(shape: Shape, value: unknown, path: Path): LabelSelector {
  const fields = shape.fields(value, path);
  const matchLabels = shape.textMap(shape.get(fields, 'matchLabels'), [...path, 'matchLabels']);
  const at = [...path, 'matchExpressions'];
  const matchExpressions = shape.list(shape.get(fields, 'matchExpressions'), at).map((each, i) => {
    const expression = shape.fields(each, [...at, i]);
    const values = shape.texts(shape.get(expression, 'values'), [...at, i, 'values']);
    return {
      key: shape.required(shape.get(expression, 'key'), [...at, i, 'key']),
      operator: shape.oneOf(shape.get(expression, 'operator'), OPERATORS, [...at, i, 'operator']) ?? 'Exists',
      ...(values.length > 0 ? { values } : {}),
    };
  });
  return {
    ...(Object.keys(matchLabels).length > 0 ? { matchLabels } : {}),
    ...(matchExpressions.length > 0 ? { matchExpressions } : {}),
  };
}

function readSelectors(shape: Shape, object: Fields, path: Path): readonly LabelSelector[] {
  const at = [...path, 'aggregationRule', 'clusterRoleSelectors'];
  const rule = shape.fields(shape.get(object, 'aggregationRule'), at.slice(0, -1));
  return shape
    .list(shape.get(rule, 'clusterRoleSelectors'), at)
    .map((selector, i) => readSelector(shape, selector, [...at, i]));
}

function readRoleRef(shape: Shape, object: Fields, path: Path, kind: Kind): RoleRef {
  const at = [...path, 'roleRef'];
  const fields = shape.fields(shape.get(object, 'roleRef'), at);
  const kinds = kind === 'RoleBinding' ? (['Role', 'ClusterRole'] as const) : (['ClusterRole'] as const);
  return {
    apiGroup: RBAC_GROUP,
    kind: shape.oneOf(shape.get(fields, 'kind'), kinds, [...at, 'kind']) ?? 'ClusterRole',
    name: shape.required(shape.get(fields, 'name'), [...at, 'name']),
  };
}

function readSubject(shape: Shape, value: unknown, path: Path, inCluster: boolean): BindingSubject {
  const fields = shape.fields(value, path);
  const kinds = ['User', 'Group', 'ServiceAccount'] as const;
  const kind = shape.oneOf(shape.get(fields, 'kind'), kinds, [...path, 'kind']) ?? 'User';
  const name = shape.required(shape.get(fields, 'name'), [...path, 'name']);
  if (kind !== 'ServiceAccount') return { apiGroup: RBAC_GROUP, kind, name };
  const namespace = shape.text(shape.get(fields, 'namespace'), [...path, 'namespace']);
  if (namespace === '' && inCluster) {
    const what = 'is missing: a ClusterRoleBinding binds no service account without it';
    shape.note([...path, 'namespace'], 'no-namespace', what);
  }
  return { kind, name, ...(namespace === '' ? {} : { namespace }) };
}

function readSubjects(shape: Shape, object: Fields, path: Path, kind: Kind): readonly BindingSubject[] {
  const at = [...path, 'subjects'];
  return shape
    .list(shape.get(object, 'subjects'), at)
    .map((subject, i) => readSubject(shape, subject, [...at, i], kind === 'ClusterRoleBinding'));
}

/**
 * Reads one RBAC object; what is wrong with it is noted in `shape`. Fields that are not known are passed over.
 * @param defaultNamespace - of a Role or RoleBinding that has none
 */
export function readObject(
  shape: Shape,
  kind: Kind,
  object: Fields,
  { path, defaultNamespace }: { readonly path: Path; readonly defaultNamespace: string },
): RbacObject {
  const isNamespaced = kind === 'Role' || kind === 'RoleBinding';
  const metadata = readMeta(shape, object, path, isNamespaced ? defaultNamespace : undefined);
  switch (kind) {
    case 'Role':
      return { apiVersion: API_VERSION, kind, metadata, rules: readRules(shape, object, path) };
    case 'ClusterRole': {
      const clusterRoleSelectors = readSelectors(shape, object, path);
      const aggregation =
        clusterRoleSelectors.length > 0 ? { aggregationRule: { clusterRoleSelectors } } : {};
      return {
        apiVersion: API_VERSION,
        kind,
        metadata,
        rules: readRules(shape, object, path),
        ...aggregation,
      };
    }
    case 'RoleBinding':
    case 'ClusterRoleBinding': {
      const roleRef = readRoleRef(shape, object, path, kind);
      return {
        apiVersion: API_VERSION,
        kind,
        metadata,
        roleRef,
        subjects: readSubjects(shape, object, path, kind),
      };
    }
  }
}
