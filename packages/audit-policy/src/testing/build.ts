import type { AuditPolicy, AuditRule, RequestAttributes, SourcedPolicy } from '../types.ts';

/** A rule with the fields given, and no other conditions. */
export function rule(fields: Partial<AuditRule>): AuditRule {
  return {
    level: 'Metadata',
    users: [],
    userGroups: [],
    verbs: [],
    resources: [],
    namespaces: [],
    nonResourceURLs: [],
    omitStages: [],
    omitManagedFields: undefined,
    ...fields,
  };
}

/** Resources of a group in a rule; core by default. */
export function of(resources: readonly string[], group = '', resourceNames: readonly string[] = []) {
  return { group, resources, resourceNames };
}

/** A policy of rules. */
export function policy(
  rules: readonly Partial<AuditRule>[],
  fields: Partial<Omit<AuditPolicy, 'rules'>> = {},
): AuditPolicy {
  return { omitStages: [], omitManagedFields: undefined, ...fields, rules: rules.map(rule) };
}

/** A policy as if each of its rules stood on a line of its own: rule 0 on line 10, rule 1 on line 20. */
export function sourced(value: AuditPolicy, apiVersion = 'audit.k8s.io/v1'): SourcedPolicy {
  return {
    policy: value,
    apiVersion,
    file: 'policy.yaml',
    within: '',
    lineOf: ([field, index]) => (field === 'rules' && typeof index === 'number' ? 10 * (index + 1) : 1),
  };
}

/** A get of a pod in namespace default by alice, but for the fields given. */
export function request(fields: Partial<RequestAttributes> = {}): RequestAttributes {
  return {
    user: { username: 'alice', groups: ['system:authenticated'] },
    verb: 'get',
    isResourceRequest: true,
    apiGroup: '',
    resource: 'pods',
    subresource: '',
    namespace: 'default',
    name: 'web',
    path: '',
    ...fields,
  };
}

/** A get of a path by alice, but for the fields given. */
export function urlRequest(path: string, fields: Partial<RequestAttributes> = {}): RequestAttributes {
  const none = { resource: '', namespace: '', name: '' };
  return request({ isResourceRequest: false, ...none, path, ...fields });
}
