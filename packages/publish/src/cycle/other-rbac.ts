import { impliedGroups, type Subject, subjectKey } from '@leastwise/audit-event';
import type { AuditedObject } from '@leastwise/findings';
import { boundSubject, effectiveRules, objectKey, type RbacObject } from '@leastwise/rbac';

/**
 * The RBAC of a cluster, ready to be asked for what concerns a few subjects: so that what they hold besides is seen
 * with what is proposed for them, without going through all of the cluster for each proposal.
 */
export class OtherRbac {
  /** By `subjectKey`. */
  readonly #bindings = new Map<string, RbacObject[]>();
  readonly #roles = new Map<string, RbacObject[]>();

  constructor(existing: readonly RbacObject[]) {
    for (const object of withRules(existing)) {
      if (!('roleRef' in object)) {
        push(this.#roles, object.metadata.name, object);
        continue;
      }
      const bound = object.subjects.flatMap((listed) => boundSubject(listed, object) ?? []);
      for (const key of new Set(bound.map(subjectKey))) push(this.#bindings, key, object);
    }
  }

  /**
   * The bindings of these subjects and of the groups that they are always in, the roles that those bind, and the roles
   * that rules of their own objects name: what it means to bind a role depends on the role.
   * @param own - objects that are judged themselves, or that the files to be merged take away
   */
  beside(subjects: readonly Subject[], own: readonly RbacObject[]): AuditedObject[] {
    const holders = new Set(subjects.flatMap(holdersOf));
    const bindings = [...holders].flatMap((key) => this.#bindings.get(key) ?? []);
    const bound = bindings.flatMap((binding) => ('roleRef' in binding ? [binding.roleRef.name] : []));
    const named = own.flatMap((object) =>
      'rules' in object ? object.rules.flatMap(({ resourceNames }) => resourceNames ?? []) : [],
    );
    const roles = [...new Set([...bound, ...named])].flatMap((name) => this.#roles.get(name) ?? []);
    const owned = new Set(own.map(objectKey));
    return [...new Set([...bindings, ...roles])]
      .filter((object) => !owned.has(objectKey(object)))
      .map((object) => ({ object }));
  }
}

function holdersOf(subject: Subject): string[] {
  const groups = impliedGroups(subject).map((name): Subject => ({ kind: 'Group', namespace: '', name }));
  return [subject, ...groups].map(subjectKey);
}

/** Aggregated roles with the rules that they come to have: of their sources only some will be at hand. */
function withRules(existing: readonly RbacObject[]): RbacObject[] {
  const rules = effectiveRules(existing.filter((object) => object.kind === 'ClusterRole'));
  return existing.map((object) => {
    if (object.kind !== 'ClusterRole' || object.aggregationRule === undefined) return object;
    const { apiVersion, kind, metadata } = object;
    return { apiVersion, kind, metadata, rules: rules.get(metadata.name) ?? [] };
  });
}

function push<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
