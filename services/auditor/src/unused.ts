import type { PolicyObservability } from '@leastwise/audit-policy';
import type { UnusedPermission } from '@leastwise/findings';
import { observabilityOf } from '@leastwise/publish';
import {
  type Authorizer,
  bootstrapDefaults,
  type ClusterState,
  createAuthorizer,
  dayOf,
  NEWEST_KUBERNETES,
  objectKey,
  permissionUses,
  type RbacObject,
  type SubjectState,
} from '@leastwise/rbac';

const DAY_MS = 86_400_000;
const DEFAULTS: ReadonlySet<string> = new Set(bootstrapDefaults(NEWEST_KUBERNETES).map(objectKey));

/** What is known of one cluster. */
export interface UnusedInput {
  readonly cluster: ClusterState;
  /** Events that were lost before they were read. */
  readonly lost: number;
  /** What its audit policy lets one see. */
  readonly policy: Pick<PolicyObservability, 'sightOf'>;
  /** The RBAC that exists. */
  readonly objects: readonly RbacObject[];
  /** For how many days at least something was not used, and a use of it would have been seen. */
  readonly days: number;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/** What is not used. */
export interface Unused {
  /** Why nothing can be told of anybody; `undefined` where it can. */
  readonly blindness: string | undefined;
  readonly permissions: readonly UnusedPermission[];
  /** How many permissions were not looked into, for one subject holds too many. */
  readonly more: number;
}

type UnusedBySubject = Omit<Unused, 'blindness'>;

const NOTHING: UnusedBySubject = { permissions: [], more: 0 };

/**
 * What subjects hold by their own names and did not use, where a use would have been seen: the subject was watched all
 * the time, was active, no event was lost, the cluster's events still come, and the audit policy logs every request
 * that may use it. What a group holds is left out: whether others in it use it, nobody knows.
 * @remarks Pure; the order of the input makes no difference to what is found.
 */
export function unusedIn(input: UnusedInput): Unused {
  const { cluster, objects } = input;
  const blindness = blindnessOf(input);
  if (blindness !== undefined) return { ...NOTHING, blindness };
  const authorizer = createAuthorizer(objects);
  const found = [...cluster.subjects.values()].map((state) => unusedBy(state, authorizer, input));
  return {
    blindness,
    permissions: found.flatMap(({ permissions }) => permissions),
    more: found.reduce((sum, { more }) => sum + more, 0),
  };
}

function blindnessOf({ cluster, lost, nowMs }: UnusedInput): string | undefined {
  if (lost > 0) return 'events were lost before they were read';
  // Soon after midnight a quiet cluster may have no event of the day yet.
  const isSilent = dayOf(cluster.lastSeenUs) < Math.floor(nowMs / DAY_MS) - 1;
  return isSilent ? 'no events of the cluster come any more' : undefined;
}

function unusedBy(state: SubjectState, authorizer: Authorizer, input: UnusedInput): UnusedBySubject {
  const { subject } = state;
  const { cluster, lost, days, policy } = input;
  if (subject.kind === 'Group') return NOTHING;
  const asOfDay = dayOf(cluster.lastSeenUs);
  const { mayRemove, observableDays } = observabilityOf({
    ...{ cluster, subject, asOfDay, minimumObservationDays: days },
    policy: { isIncomplete: state.allowed.overflow !== undefined },
    gaps: { lost, days: [] },
  });
  if (!mayRemove) return NOTHING;
  const granted = authorizer.rulesFor(subject, []).filter(({ binding }) => !DEFAULTS.has(objectKey(binding)));
  const sightOf = policy.sightOf(subject);
  const { permissions, more } = permissionUses(state, granted);
  const unused = permissions.flatMap(({ lastDay, ...permission }): UnusedPermission[] => {
    const unusedDays = Math.min(observableDays, lastDay === undefined ? Infinity : asOfDay - lastDay);
    if (unusedDays < days || sightOf({ ...permission, name: '', path: '' }) !== 'logged') return [];
    const who = { kind: subject.kind, name: subject.name };
    const holder = subject.kind === 'ServiceAccount' ? { ...who, namespace: subject.namespace } : who;
    return [{ subject: holder, ...permission, unusedDays, observedDays: observableDays }];
  });
  return { permissions: unused, more };
}
