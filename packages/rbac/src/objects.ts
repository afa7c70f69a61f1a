import type { Subject } from '@leastwise/audit-event';

import { compactRules, type CompactRule } from './compact.ts';
import { type Grant, groupBy } from './grant.ts';
import { objectName, type ObjectRole, shortHash, templateLabel, templateName } from './names.ts';
import type { PolicyOptions } from './options.ts';
import type { RuleEvidence, Widening } from './policy.ts';
import { bindingSubject } from './subjects.ts';
import type {
  ClusterRole,
  ClusterRoleBinding,
  ObjectMeta,
  RbacObject,
  Role,
  RoleBinding,
  RoleRef,
} from './types.ts';

const API_VERSION = 'rbac.authorization.k8s.io/v1';
const RBAC_GROUP = 'rbac.authorization.k8s.io';
/** Stands for the version of this program in annotations: there is one, so that a template can name it. */
const VERSION = 'leastwise';

/** Rendered objects with what each rule rests on. */
export interface BuiltObjects {
  readonly objects: readonly RbacObject[];
  readonly ruleEvidence: readonly RuleEvidence[];
  readonly widenings: readonly Widening[];
}

interface Scope {
  /** Where the role is bound; `''` for the whole cluster. */
  readonly namespaces: readonly string[];
  readonly rules: readonly CompactRule[];
  /** Tells shared ClusterRoles of one subject apart; `undefined` for a Role of one namespace. */
  readonly shared: string | undefined;
}

/** Whether `*` globs match a text: linear in both. */
export function matchesGlob(glob: string, text: string): boolean {
  const parts = glob.split('*');
  const [head = ''] = parts;
  const tail = parts.at(-1) ?? '';
  if (parts.length === 1) return glob === text;
  if (!text.startsWith(head) || !text.endsWith(tail) || text.length < head.length + tail.length) return false;
  let at = head.length;
  const end = text.length - tail.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

function metadata(subject: Subject, options: PolicyOptions, name: string, namespace: string): ObjectMeta {
  const { labels, annotations } = options.naming;
  const filled = (values: Readonly<Record<string, string>>, fill: (value: string) => string) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, fill(value)]));
  const filledAnnotations = filled(annotations, (value) => value.replaceAll('${version}', VERSION));
  return {
    name,
    ...(namespace === '' ? {} : { namespace }),
    ...(Object.keys(labels).length > 0
      ? { labels: filled(labels, (value) => templateLabel(value, subject)) }
      : {}),
    ...(Object.keys(filledAnnotations).length > 0 ? { annotations: filledAnnotations } : {}),
  };
}

class Builder {
  readonly subject: Subject;
  readonly options: PolicyOptions;
  readonly roles: { object: Role | ClusterRole; rules: readonly CompactRule[] }[] = [];
  readonly bindings: (RoleBinding | ClusterRoleBinding)[] = [];

  constructor(subject: Subject, options: PolicyOptions) {
    this.subject = subject;
    this.options = options;
  }

  #meta(what: ObjectRole, namespace: string, extra: string): ObjectMeta {
    const { template } = this.options.naming;
    const suffix = extra === '' ? '' : `-${shortHash(extra)}`;
    const name =
      template === undefined
        ? objectName(this.subject, what, extra)
        : templateName(template, this.subject) + suffix;
    return metadata(this.subject, this.options, name, namespace);
  }

  role(namespace: string, rules: readonly CompactRule[], extra = ''): RoleRef {
    const kind = namespace === '' ? 'ClusterRole' : 'Role';
    const meta = this.#meta(kind === 'Role' ? 'role' : 'clusterrole', namespace, extra);
    const object = {
      apiVersion: API_VERSION,
      kind,
      metadata: meta,
      rules: rules.map(({ rule }) => rule),
    } as const;
    this.roles.push({ object, rules });
    return { apiGroup: RBAC_GROUP, kind, name: meta.name };
  }

  bind(roleRef: RoleRef, namespace: string, extra = ''): void {
    const what = roleRef.kind === 'Role' ? 'role-binding' : 'clusterrole-binding';
    const subjects = [bindingSubject(this.subject)];
    const meta = this.#meta(what, namespace, extra);
    const kind = namespace === '' ? 'ClusterRoleBinding' : 'RoleBinding';
    this.bindings.push({ apiVersion: API_VERSION, kind, metadata: meta, roleRef, subjects });
  }

  build(widenings: readonly Widening[]): BuiltObjects {
    const inOrder = (kind: string) => (each: { kind: string }) => each.kind === kind;
    const roles = ['Role', 'ClusterRole'].flatMap((kind) =>
      this.roles.filter(({ object }) => object.kind === kind),
    );
    const bindings = ['RoleBinding', 'ClusterRoleBinding'].flatMap((kind) =>
      this.bindings.filter(inOrder(kind)),
    );
    return {
      objects: [...roles.map(({ object }) => object), ...bindings],
      ruleEvidence: roles.flatMap(({ rules }) => rules),
      widenings,
    };
  }
}

interface Member {
  readonly namespace: string;
  readonly grants: readonly Grant[];
  /** Whether it is there to be bound in. */
  readonly isAlive: boolean;
}

function membersOf(grants: readonly Grant[], isAlive: boolean): Member[] {
  return [...groupBy(grants, (grant) => grant.namespace)]
    .filter(([namespace]) => namespace !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([namespace, each]) => ({ namespace, grants: each, isAlive }));
}

function groupedNamespaces(
  members: readonly Member[],
  options: PolicyOptions,
): { scopes: Scope[]; rest: Member[]; widenings: Widening[] } {
  const scopes: Scope[] = [];
  const widenings: Widening[] = [];
  let rest = [...members];
  for (const glob of options.namespaceGroups) {
    const group = rest.filter(({ namespace }) => matchesGlob(glob, namespace));
    if (group.length < 2) continue;
    rest = rest.filter(({ namespace }) => !matchesGlob(glob, namespace));
    const grants = group.flatMap((each) => each.grants.map((grant) => ({ ...grant, namespace: '' })));
    const namespaces = group.filter(({ isAlive }) => isAlive).map(({ namespace }) => namespace);
    scopes.push({ namespaces, rules: compactRules(grants), shared: glob });
    widenings.push({ kind: 'namespace-group', what: `namespaces ${glob}`, replaced: group.length });
  }
  return { scopes, rest: rest.filter(({ isAlive }) => isAlive), widenings };
}

function sharedScopes(scopes: readonly Scope[], options: PolicyOptions): Scope[] {
  if (!options.shareRoles) return [...scopes];
  const same = groupBy(scopes, (scope) => JSON.stringify(scope.rules.map(({ rule }) => rule)));
  return [...same].flatMap(([key, group]): Scope[] => {
    const [first] = group;
    if (!first || group.length === 1) return group;
    return [{ namespaces: group.flatMap((each) => each.namespaces), rules: first.rules, shared: key }];
  });
}

/**
 * Makes roles and bindings of grants: a Role for what was asked in a namespace, one ClusterRole for the
 * rest. What was asked of the whole cluster and URLs never get into a Role, where they would have no
 * effect. A cluster-scoped resource that was asked for in a namespace's path, which the API server
 * answers with 404 after it has asked the authorizer with that namespace, does: as asked, and no wider.
 * @param outlived - what was done in namespaces that are gone: it is in their group's role and bound nowhere
 */
export function buildObjects(
  subject: Subject,
  grants: readonly Grant[],
  outlived: readonly Grant[],
  options: PolicyOptions,
): BuiltObjects {
  const members = [...membersOf(grants, true), ...membersOf(outlived, false)];
  const { scopes, rest, widenings } = groupedNamespaces(members, options);
  const own = rest.map((member): Scope => ({
    namespaces: [member.namespace],
    rules: compactRules(member.grants),
    shared: undefined,
  }));
  const builder = new Builder(subject, options);
  for (const scope of [...scopes, ...sharedScopes(own, options)]) {
    const [only = ''] = scope.namespaces;
    if (scope.shared === undefined) {
      builder.bind(builder.role(only, scope.rules), only);
      continue;
    }
    const roleRef = builder.role('', scope.rules, scope.shared);
    for (const namespace of scope.namespaces) builder.bind(roleRef, namespace, scope.shared);
  }
  const inCluster = grants.filter(({ namespace }) => namespace === '');
  if (inCluster.length > 0) builder.bind(builder.role('', compactRules(inCluster)), '');
  return builder.build(widenings);
}
