import { impliedGroups, type Permission, type Subject } from '@leastwise/audit-event';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { BindingSubject, ClusterRole, PolicyRule, RbacObject } from '../types.ts';
import { createAuthorizer } from './index.ts';
import { PERMISSIONS, rbacObjects, SUBJECTS } from './testing/arbitrary.ts';

/*
 * A second evaluator, written from https://kubernetes.io/docs/reference/access-authn-authz/rbac/ and
 * the API reference of PolicyRule, Subject and AggregationRule, sentence by sentence and as slow as it is
 * plain. It shares nothing with the authorizer but the types.
 */

/** "'*' represents all verbs", "all groups". */
function lists(values: readonly string[] | undefined, value: string): boolean {
  return (values ?? []).some((each) => each === '*' || each === value);
}

/** "Resources is a list of resources this rule applies to. '*' represents all resources"; a slash delimits the subresource. */
function listsResource(values: readonly string[], resource: string): boolean {
  const [, ...subresource] = resource.split('/');
  return (
    lists(values, resource) || (subresource.length > 0 && values.includes(['*', ...subresource].join('/')))
  );
}

/** "*s are allowed, but only as the full, final step in the path" (a prefix in fact). */
function listsUrl(values: readonly string[], path: string): boolean {
  return values.some(
    (each) => each === path || (/\*$/.test(each) && path.indexOf(each.replace(/\*+$/, '')) === 0),
  );
}

function ruleAllows(rule: PolicyRule, asked: Permission): boolean {
  if (!lists(rule.verbs, asked.verb)) return false;
  if (asked.path !== '') return listsUrl(rule.nonResourceURLs ?? [], asked.path);
  const names = rule.resourceNames ?? [];
  return (
    lists(rule.apiGroups, asked.apiGroup) &&
    listsResource(rule.resources ?? [], asked.resource) &&
    (names.length === 0 || names.includes(asked.name))
  );
}

/** "the control plane overwrites any values that you manually specify in the rules field of an aggregate ClusterRole." */
function rulesOf(
  role: ClusterRole,
  all: readonly RbacObject[],
  path: readonly ClusterRole[] = [],
): PolicyRule[] {
  if (!role.aggregationRule) return [...role.rules];
  return all.flatMap((other) =>
    other.kind === 'ClusterRole' &&
    other.metadata.labels?.['agg'] === 'yes' &&
    other !== role &&
    !path.includes(other)
      ? rulesOf(other, all, [...path, role])
      : [],
  );
}

function isBound(subject: Subject, listed: BindingSubject, namespace: string): boolean {
  const username =
    subject.kind === 'ServiceAccount'
      ? `system:serviceaccount:${subject.namespace}:${subject.name}`
      : subject.name;
  if (listed.kind === 'Group') return impliedGroups(subject).includes(listed.name);
  if (subject.kind === 'Group') return false;
  if (listed.kind === 'User') return username === listed.name;
  return username === `system:serviceaccount:${listed.namespace ?? namespace}:${listed.name}`;
}

function allows(objects: readonly RbacObject[], subject: Subject, asked: Permission): boolean {
  return objects.some((binding) => {
    if (binding.kind !== 'ClusterRoleBinding' && binding.kind !== 'RoleBinding') return false;
    const namespace = binding.metadata.namespace ?? '';
    if (binding.kind === 'RoleBinding' && (namespace !== asked.namespace || asked.path !== '')) return false;
    if (!binding.subjects.some((listed) => isBound(subject, listed, namespace))) return false;
    return objects.some((role) => {
      if (role.kind !== binding.roleRef.kind || role.metadata.name !== binding.roleRef.name) return false;
      if (role.kind === 'ClusterRole') return rulesOf(role, objects).some((rule) => ruleAllows(rule, asked));
      const isHere = binding.kind === 'RoleBinding' && role.metadata.namespace === namespace;
      return isHere && role.rules.some((rule) => ruleAllows(rule, asked));
    });
  });
}

/** As in a cluster, where there is one object of a name. */
function withoutTwins(objects: readonly RbacObject[]): RbacObject[] {
  return [
    ...new Map(
      objects.map((each) => [`${each.kind} ${each.metadata.namespace} ${each.metadata.name}`, each]),
    ).values(),
  ];
}

test('answers as an evaluator written from the documentation does, for every request over small sets', () => {
  let allowed = 0;
  fc.assert(
    fc.property(rbacObjects, (generated) => {
      const objects = withoutTwins(generated);
      const authorizer = createAuthorizer(generated);
      for (const subject of SUBJECTS) {
        const groups = impliedGroups(subject);
        for (const permission of PERMISSIONS) {
          const answer = authorizer.authorize({ subject, groups, permission });
          if (answer.allowed) allowed += 1;
          if (answer.allowed !== allows(objects, subject, permission)) {
            expect({ subject, permission, ...answer }).toBe('as the documentation says');
          }
        }
      }
    }),
    { numRuns: 150 },
  );
  // Else the universe would be one in which little is ever allowed.
  expect(allowed).toBeGreaterThan(1_000);
});

test('names a binding that alone allows the request', () => {
  fc.assert(
    fc.property(
      rbacObjects,
      fc.constantFrom(...SUBJECTS),
      fc.constantFrom(...PERMISSIONS),
      (objects, subject, permission) => {
        const request = { subject, groups: impliedGroups(subject), permission };
        const { by } = createAuthorizer(objects).authorize(request);
        fc.pre(by !== undefined);
        const roles = objects.filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole');
        expect(createAuthorizer([...roles, by.binding]).authorize(request).allowed).toBe(true);
        expect(objects).toContain(by.role);
      },
    ),
  );
});
