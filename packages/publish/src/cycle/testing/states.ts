import type { CountedRequest, GrantingBinding, Permission, Subject } from '@leastwise/audit-event';
import { type ClusterState, DAY_US, emptyCluster, observe, type Observations } from '@leastwise/rbac';

import type { ObservedState } from '../types.ts';

/** The day of the first request, in microseconds since the epoch. */
export const T0 = Math.floor(1_760_000_000_000_000 / DAY_US) * DAY_US;

export const ALICE: Subject = { kind: 'User', namespace: '', name: 'alice' };
export const CART: Subject = { kind: 'ServiceAccount', namespace: 'shop', name: 'cart' };
export const PAY: Subject = { kind: 'ServiceAccount', namespace: 'pay', name: 'api' };

/** `get pods shop web`, `list apps:deployments shop`, `get nodes`, `get /metrics`. */
export function permission(text: string): Permission {
  const [verb = '', what = '', namespace = '', name = ''] = text.split(' ');
  if (what.startsWith('/')) return { verb, apiGroup: '', resource: '', namespace: '', name: '', path: what };
  const [apiGroup, resource] = what.includes(':') ? what.split(':', 2) : ['', what];
  return { verb, apiGroup: apiGroup ?? '', resource: resource ?? '', namespace, name, path: '' };
}

/** One request, or the same one on several days. */
export interface Asked {
  readonly subject: Subject;
  readonly what: string;
  /** Days after the first one. */
  readonly days: readonly number[];
  readonly cluster?: string;
  readonly isDenied?: boolean;
  readonly viaRbac?: boolean;
  readonly times?: number;
  /** The one that the API server named. */
  readonly binding?: GrantingBinding;
}

/** Allowed requests of a subject, all of them on some days. */
export function asked(subject: Subject, whats: readonly string[], days: readonly number[] = [0]): Asked[] {
  return whats.map((what) => ({ subject, what, days }));
}

/** As {@link asked}, and refused. */
export function refused(subject: Subject, whats: readonly string[], days: readonly number[] = [0]): Asked[] {
  return asked(subject, whats, days).map((each) => ({ ...each, isDenied: true }));
}

/** Every day from one to another, both included. */
export function days(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function requestsOf({
  subject,
  what,
  days: on,
  cluster,
  isDenied,
  viaRbac,
  times,
  binding,
}: Asked): CountedRequest[] {
  return on.flatMap((day) =>
    Array.from({ length: times ?? 1 }, (_, i): CountedRequest => ({
      cluster: cluster ?? 'prod',
      identity: { hi: 0, lo: 0 },
      auditID: `${what} ${day} ${i}`,
      receivedAtUs: T0 + day * DAY_US + i,
      outcome: isDenied === true ? 'denied' : 'allowed',
      client: 'kubectl',
      need: {
        subject,
        groups: ['system:authenticated'],
        permissions: [permission(what)],
        viaRbac: viaRbac ?? true,
        grantingGroup: '',
        grantingBinding: binding,
      },
      impersonation: undefined,
      namespaceLife: undefined,
    })),
  );
}

/** The clusters after some requests. */
export function clustersOf(all: readonly Asked[]): ClusterState[] {
  const into: Observations = new Map();
  for (const request of all.flatMap(requestsOf)) observe(into, request, true);
  return into.size === 0 ? [emptyCluster('prod')] : [...into.values()];
}

/** The state after some requests, without a loss. */
export function stateOf(all: readonly Asked[]): ObservedState {
  return { clusters: clustersOf(all), late: 0, lost: 0 };
}
