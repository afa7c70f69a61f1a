import { type Permission, type Subject, usernameOf } from '@leastwise/audit-event';

import { effectiveRules } from './aggregation.ts';
import { RuleIndex } from './rule-index.ts';
import { boundSubject } from './subjects.ts';
import type {
  AccessRequest,
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  RbacObject,
  Role,
  RoleBinding,
} from '../types.ts';

/** Through what a request is allowed. */
export interface GrantPath {
  readonly binding: RoleBinding | ClusterRoleBinding;
  readonly role: Role | ClusterRole;
}

/** The answer to one request. `by` is there iff it is allowed. */
export interface Authorization {
  readonly allowed: boolean;
  readonly by?: GrantPath;
}

/** A rule that a subject holds, and through what. */
export interface GrantedRule extends GrantPath {
  /** `*` for the whole cluster, else the one namespace it holds in. */
  readonly scope: string;
  readonly rule: PolicyRule;
}

/** Answers as the RBAC authorizer of the API server would with the same objects. */
export interface Authorizer {
  /**
   * Whether some rule of some binding allows the request. Where several do, ClusterRoleBindings are
   * named before RoleBindings, as the API server does; which of them is unspecified there.
   */
  authorize(request: AccessRequest): Authorization;
  /**
   * Every rule that the subject holds by its own name and by `groups`, each binding's once, sorted by
   * binding. Rules on URLs that a RoleBinding grants are listed, although they allow nothing.
   */
  rulesFor(subject: Subject, groups: readonly string[]): GrantedRule[];
}

interface Source {
  /** `*` or the RoleBinding's namespace. */
  readonly scope: string;
  readonly rank: number;
  readonly path: GrantPath;
  readonly rules: readonly PolicyRule[];
  readonly index: RuleIndex;
  readonly verdict: Authorization;
}

interface Bound {
  readonly inCluster: Source[];
  readonly byNamespace: Map<string, Source[]>;
}

const REFUSED: Authorization = { allowed: false };

function isBinding(object: RbacObject): object is RoleBinding | ClusterRoleBinding {
  return object.kind === 'RoleBinding' || object.kind === 'ClusterRoleBinding';
}

function objectKey({ kind, metadata }: RbacObject): string {
  const isNamespaced = kind === 'Role' || kind === 'RoleBinding';
  return `${kind}\0${isNamespaced ? (metadata.namespace ?? '') : ''}\0${metadata.name}`;
}

interface ResolvedRole {
  readonly role: Role | ClusterRole;
  readonly rules: readonly PolicyRule[];
  readonly index: RuleIndex;
}

class Roles {
  readonly #roles = new Map<string, ResolvedRole>();

  constructor(objects: Iterable<RbacObject>) {
    const clusterRoles: ClusterRole[] = [];
    for (const object of objects) {
      if (object.kind === 'ClusterRole') clusterRoles.push(object);
      else if (object.kind === 'Role') this.#add(object, object.rules);
    }
    const rules = effectiveRules(clusterRoles);
    for (const role of clusterRoles) this.#add(role, rules.get(role.metadata.name) ?? []);
  }

  #add(role: Role | ClusterRole, rules: readonly PolicyRule[]): void {
    this.#roles.set(objectKey(role), { role, rules, index: new RuleIndex(rules) });
  }

  /** The role that a binding refers to; a ClusterRoleBinding cannot refer to a Role. */
  of({ kind, metadata, roleRef }: RoleBinding | ClusterRoleBinding): ResolvedRole | undefined {
    if (roleRef.kind === 'ClusterRole') return this.#roles.get(`ClusterRole\0\0${roleRef.name}`);
    if (kind === 'ClusterRoleBinding') return undefined;
    return this.#roles.get(`Role\0${metadata.namespace ?? ''}\0${roleRef.name}`);
  }
}

/** The bindings, by whom they bind. */
class Bindings {
  readonly #users = new Map<string, Bound>();
  readonly groups = new Map<string, Bound>();

  add(source: Source): void {
    const { binding } = source.path;
    const seen = new Set<Bound>();
    for (const listed of binding.subjects) {
      const subject = boundSubject(listed, binding);
      if (!subject) continue;
      const bound = this.#boundTo(subject);
      if (!seen.has(bound)) bind(bound, source);
      seen.add(bound);
    }
  }

  /** A group and a user of one name are two: they are kept in two maps. */
  #boundTo(subject: Subject): Bound {
    const holders = subject.kind === 'Group' ? this.groups : this.#users;
    const key = subject.kind === 'Group' ? subject.name : usernameOf(subject);
    const known = holders.get(key);
    if (known) return known;
    const bound = { inCluster: [], byNamespace: new Map<string, Source[]>() };
    holders.set(key, bound);
    return bound;
  }

  own(subject: Subject): Bound | undefined {
    return subject.kind === 'Group' ? this.groups.get(subject.name) : this.#users.get(usernameOf(subject));
  }
}

function bind(bound: Bound, source: Source): void {
  if (source.path.binding.kind === 'ClusterRoleBinding') {
    bound.inCluster.push(source);
    return;
  }
  const inNamespace = bound.byNamespace.get(source.scope);
  if (inNamespace) inNamespace.push(source);
  else bound.byNamespace.set(source.scope, [source]);
}

function indexBindings(objects: readonly RbacObject[]): Bindings {
  const latest = new Map(objects.map((object) => [objectKey(object), object]));
  const roles = new Roles(latest.values());
  const bindings = new Bindings();
  // In the order of their keys, so that which binding is named does not depend on the order of the objects.
  const sorted = [...latest].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [rank, [, binding]] of sorted.entries()) {
    if (!isBinding(binding)) continue;
    const scope = binding.kind === 'ClusterRoleBinding' ? '*' : (binding.metadata.namespace ?? '');
    const resolved = roles.of(binding);
    if (!resolved || scope === '') continue;
    const { role, rules, index } = resolved;
    const path = { binding, role };
    bindings.add({ scope, rank, path, rules, index, verdict: { allowed: true, by: path } });
  }
  return bindings;
}

function find(sources: readonly Source[] | undefined, permission: Permission): Authorization | undefined {
  if (!sources) return undefined;
  const isUrl = permission.resource === '';
  for (const { index, verdict } of sources) {
    if (isUrl ? index.allowsUrl(permission) : index.allowsResource(permission)) return verdict;
  }
  return undefined;
}

function sourcesIn(bound: Bound | undefined, scope: string): readonly Source[] | undefined {
  return scope === '*' ? bound?.inCluster : bound?.byNamespace.get(scope);
}

function authorize(bindings: Bindings, { subject, groups, permission }: AccessRequest): Authorization {
  const own = bindings.own(subject);
  const findIn = (scope: string): Authorization | undefined => {
    const found = find(sourcesIn(own, scope), permission);
    if (found) return found;
    for (const group of groups) {
      const through = find(sourcesIn(bindings.groups.get(group), scope), permission);
      if (through) return through;
    }
    return undefined;
  };
  const inCluster = findIn('*');
  const { namespace, resource } = permission;
  if (inCluster || namespace === '' || resource === '') return inCluster ?? REFUSED;
  return findIn(namespace) ?? REFUSED;
}

function rulesFor(bindings: Bindings, subject: Subject, groups: readonly string[]): GrantedRule[] {
  const sources = new Set<Source>();
  for (const bound of [bindings.own(subject), ...groups.map((group) => bindings.groups.get(group))]) {
    for (const source of bound?.inCluster ?? []) sources.add(source);
    for (const inNamespace of bound?.byNamespace.values() ?? []) {
      for (const source of inNamespace) sources.add(source);
    }
  }
  return [...sources]
    .sort((a, b) => a.rank - b.rank)
    .flatMap(({ scope, path, rules }) => rules.map((rule) => ({ scope, ...path, rule })));
}

/**
 * An authorizer over a set of RBAC objects, which mirrors the API server's own matching and knows nothing
 * of how rules are inferred, so that it can judge them. Of two objects with one kind, namespace and name
 * the later counts; a binding to a role that is not there grants nothing, and neither does a RoleBinding
 * without a namespace.
 * @remarks Building is linear in the objects' size (ClusterRoles times aggregated ones); a request costs the
 * bindings of its subject and groups, not all bindings. The objects must not change afterwards.
 * @see kubernetes plugin/pkg/auth/authorizer/rbac/rbac.go and pkg/registry/rbac/validation/rule.go
 */
export function createAuthorizer(objects: readonly RbacObject[]): Authorizer {
  const bindings = indexBindings(objects);
  return {
    authorize: (request) => authorize(bindings, request),
    rulesFor: (subject, groups) => rulesFor(bindings, subject, groups),
  };
}
