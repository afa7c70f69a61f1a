import { type Subject, subjectKey } from '@leastwise/audit-event';
import {
  type ClusterState,
  dayOf,
  emptyCluster,
  emptyEvidence,
  type Evidence,
  mergeCluster,
  type RuleSet,
} from '@leastwise/rbac';

import type { Claim, Deltas, SeenIdentity, Tally } from '../types.ts';

/** A request as far as stores can tell it from others; what is left out has a plain value. */
export interface SampleRequest {
  readonly identity: SeenIdentity;
  readonly us?: number;
  readonly cluster?: string;
  readonly subject?: Subject;
  readonly verb?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly auditID?: string;
  readonly group?: string;
  /** The key of the binding that allowed it. */
  readonly binding?: string | undefined;
  readonly isDenied?: boolean;
  /** The identity without the impersonated user, of a request under impersonation. */
  readonly base?: SeenIdentity;
}

/** An identity with all its bits in use, different for every number below 2^32. */
export function identityOf(n: number, hour = 0, cluster = 'default'): SeenIdentity {
  return { hi: Math.imul(n + 1, 0x9e3779b1) >>> 0, lo: n >>> 0, cluster, hour };
}

const SUBJECT: Subject = { kind: 'ServiceAccount', namespace: 'shop', name: 'api' };

function evidenceOf(request: SampleRequest, count: number): Evidence {
  const { us = 1_700_000_000_000_000, auditID = `audit-${request.identity.lo}`, group, binding } = request;
  return {
    ...emptyEvidence(),
    count,
    firstSeenUs: us,
    lastSeenUs: us,
    firstAuditID: auditID,
    lastAuditID: auditID,
    days: [dayOf(us)],
    grantingGroups: group === undefined ? [] : [group],
    grantingBindings: binding === undefined ? [] : [{ key: binding, lastDay: dayOf(us) }],
    clients: 1 << (request.identity.lo % 8),
    viaRbac: request.identity.lo % 2 === 0,
  };
}

function clusterOf(request: SampleRequest, count: number): ClusterState {
  const { cluster = 'default', subject = SUBJECT, verb = 'get', name = '', namespace = 'shop' } = request;
  const evidence = evidenceOf(request, count);
  const rule = { verb, apiGroup: '', resource: 'pods', namespace };
  const rules: RuleSet = {
    rules: new Map([['rule', { ...rule, names: new Map([[name, evidence]]), overflow: undefined }]]),
    overflow: undefined,
  };
  const none: RuleSet = { rules: new Map(), overflow: undefined };
  const isDenied = request.isDenied === true;
  const state = { subject, allowed: isDenied ? none : rules, denied: isDenied ? rules : none };
  const us = evidence.firstSeenUs;
  return {
    ...emptyCluster(cluster),
    subjects: new Map([[subjectKey(subject), state]]),
    namespaces: new Map([[namespace, { lastSeenUs: us, lastLiveUs: us, lastDeletedUs: 0 }]]),
    firstSeenUs: us,
    lastSeenUs: us,
  };
}

const NO_TALLY: Tally = { late: 0, lost: 0 };

/** What adds nothing. */
export const NOTHING: Deltas = {
  clusters: new Map(),
  activity: new Map(),
  counted: [],
  resolved: [],
  received: [],
  watermarks: new Map(),
  tally: NO_TALLY,
};

/** What a claim on a new state answers. */
export const NOTHING_COUNTED: Pick<Claim, 'isCounted'> = { isCounted: () => false };

/**
 * What a worker makes of a batch of requests.
 * @param claim - knows what earlier batches counted; requests that repeat within the batch are found here.
 * @param received - identities that were seen at RequestReceived.
 */
export function deltasOf(
  requests: readonly SampleRequest[],
  claim: Pick<Claim, 'isCounted'>,
  received: readonly SeenIdentity[] = [],
): Deltas {
  const clusters = new Map<string, ClusterState>();
  const counted = new Map<string, SeenIdentity>();
  const resolved: SeenIdentity[] = [];
  for (const request of requests) {
    const { identity, base } = request;
    const key = `${identity.hi} ${identity.lo}`;
    const isNew = !claim.isCounted(identity) && !counted.has(key);
    const delta = clusterOf(request, isNew ? 1 : 0);
    const cluster = clusters.get(delta.cluster) ?? emptyCluster(delta.cluster);
    mergeCluster(cluster, delta);
    clusters.set(delta.cluster, cluster);
    if (!isNew) continue;
    counted.set(key, identity);
    if (base) resolved.push(base);
  }
  return { ...NOTHING, clusters, counted: [...counted.values()], resolved, received };
}

/** What a store must answer to `read` after one clean run over these requests. */
export function stateOf(requests: readonly SampleRequest[]): ClusterState[] {
  const { clusters } = deltasOf(requests, NOTHING_COUNTED);
  return [...clusters.values()].sort((a, b) => (a.cluster < b.cluster ? -1 : 1));
}
