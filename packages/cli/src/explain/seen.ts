import type { GrantingBinding } from '@leastwise/audit-event';
import {
  bindingKey,
  type BindingUsage,
  type BindingUsages,
  type Cell,
  clientsOf,
  type Evidence,
  type RuleSet,
} from '@leastwise/rbac';

import { formatTime } from '../summary.ts';

const DAY_MS = 86_400_000;

/** A binding and the role that it grants. */
export interface ToldBinding {
  readonly binding: {
    readonly kind: GrantingBinding['kind'];
    /** `''` of a ClusterRoleBinding. */
    readonly namespace: string;
    readonly name: string;
  };
  readonly role: { readonly kind: GrantingBinding['roleKind']; readonly name: string };
}

/** What is known of some requests. */
export interface Seen {
  readonly requests: number;
  /** On how many days (UTC). */
  readonly days: number;
  /** RFC 3339, to the second. */
  readonly firstSeen: string;
  readonly lastSeen: string;
  readonly firstAuditID: string;
  readonly lastAuditID: string;
  /** Kinds of client, by their own word. */
  readonly clients: readonly string[];
  /** Groups that the API server named as granted. */
  readonly groups: readonly string[];
  /** Bindings that the API server named within the retention. */
  readonly bindings: readonly ToldBinding[];
}

/** A permission and the requests that needed it. */
export interface SeenPermission {
  readonly permission: Cell;
  readonly seen: Seen;
}

/** Tells evidence, with the bindings that are known by their keys. */
export class SeenTeller {
  readonly #bindings: ReadonlyMap<string, ToldBinding>;

  constructor({ usages }: Pick<BindingUsages, 'usages'>) {
    this.#bindings = new Map(usages.map(({ binding }) => [bindingKey(binding), toldBinding(binding)]));
  }

  /** What is known of the requests of some evidence, for people and machines. */
  tell(evidence: Evidence): Seen {
    return {
      requests: evidence.count,
      days: evidence.days.length,
      firstSeen: formatTime(evidence.firstSeenUs),
      lastSeen: formatTime(evidence.lastSeenUs),
      firstAuditID: evidence.firstAuditID,
      lastAuditID: evidence.lastAuditID,
      clients: clientsOf(evidence),
      groups: evidence.grantingGroups,
      bindings: evidence.grantingBindings.flatMap(({ key }) => this.#bindings.get(key) ?? []),
    };
  }
}

/** A binding with its role apart. */
export function toldBinding({ kind, namespace, name, roleKind, roleName }: GrantingBinding): ToldBinding {
  return { binding: { kind, namespace, name }, role: { kind: roleKind, name: roleName } };
}

/** A binding that the API server named, or that binds the subject and was not named. */
export interface NamedUsage extends ToldBinding {
  /** For how many permissions it was named. */
  readonly permissions: number;
  /** `YYYY-MM-DD` (UTC); `null` where it never was. */
  readonly lastDay: string | null;
  /** Whether it binds the subject now; `null` where that is not known. */
  readonly exists: boolean | null;
}

/** Tells how a binding was named. */
export function namedUsage(
  { binding, cells, lastDay }: BindingUsage,
  exists: NamedUsage['exists'],
): NamedUsage {
  return {
    ...toldBinding(binding),
    permissions: cells,
    lastDay: lastDay === undefined ? null : dayText(lastDay),
    exists,
  };
}

function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** All evidence of some rules, what caps summed up included. */
export function* evidenceIn({ rules, overflow }: RuleSet): Generator<Evidence> {
  for (const rule of rules.values()) {
    yield* rule.names.values();
    if (rule.overflow) yield rule.overflow;
  }
  if (overflow) yield overflow;
}
