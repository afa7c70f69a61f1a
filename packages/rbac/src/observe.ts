import {
  boundedSubject,
  boundedText,
  CLIENT_KINDS,
  type ClientKind,
  type CountedRequest,
  MAX_TEXT,
  type Need,
  type Permission,
  subjectKey,
} from '@leastwise/audit-event';

import {
  ALLOWED_CAPS,
  DENIED_CAPS,
  emptyCluster,
  evidenceFor,
  namespaceFor,
  type OutcomeCaps,
  ruleFor,
  subjectFor,
  widenSpan,
} from './cluster-state.ts';
import { CAPS } from './capped.ts';
import { addGroup, dayOf, emptyEvidence, noteTime, withDay } from './evidence.ts';
import { bindingKey, withBinding } from './granting-bindings.ts';
import type { ClusterState, Evidence, NamespaceState, RuleSet, RuleState } from './types.ts';

/** The client kinds of evidence, in the order of {@link CLIENT_KINDS}. */
export function clientsOf(evidence: Evidence): ClientKind[] {
  return CLIENT_KINDS.filter((_, bit) => (evidence.clients & (1 << bit)) !== 0);
}

/** Longest sample auditID: the API server's own are 36 characters, clients may send anything. */
const MAX_AUDIT_ID = 64;
function boundedID(auditID: string): string {
  if (auditID.length <= MAX_AUDIT_ID) return auditID;
  // Through bytes, so that the sample does not keep the whole text alive.
  return Buffer.from(auditID.slice(0, MAX_AUDIT_ID - 1), 'utf8').toString('utf8') + '…';
}

/** How requests become state. */
export interface ObserveOptions {
  /**
   * `allowed` takes refused requests for granted ones (`--include-denied` of a single run, where
   * nothing outlives the rendering); `denied` keeps them apart, with little room.
   */
  readonly deniedAs: 'denied' | 'allowed';
}

/** Everything that one batch of requests adds to the state, by cluster. */
export type Observations = Map<string, ClusterState>;

interface Sighting {
  readonly us: number;
  readonly day: number;
  readonly auditID: string;
  readonly clientBit: number;
  /** How many requests it stands for. */
  readonly count: number;
}

function note(evidence: Evidence, need: Need, sighting: Sighting): void {
  evidence.count += sighting.count;
  noteTime(evidence, sighting.us, sighting.auditID);
  evidence.days = withDay(evidence.days, sighting.day);
  if (need.grantingGroup !== '') addGroup(evidence, boundedText(need.grantingGroup));
  evidence.clients |= sighting.clientBit;
  evidence.viaRbac ||= need.viaRbac;
}

/** Notes the binding that is named for what was asked, and for nothing that was asked without a word in the log. */
function noteBinding(evidence: Evidence | undefined, { grantingBinding }: Need, { day }: Sighting): void {
  if (!evidence || !grantingBinding) return;
  evidence.grantingBindings = withBinding(evidence.grantingBindings, bindingKey(grantingBinding), day);
}

/** Where the evidence of one permission is kept, in which rule of which set. */
interface Slot {
  readonly evidence: Evidence;
  readonly set: RuleSet;
  /** `undefined` where a cap refused it: then nothing is remembered. */
  readonly rule: RuleState | undefined;
}

function noteNeed(cluster: ClusterState, need: Need, sighting: Sighting, allowed: boolean): readonly Slot[] {
  const subject = boundedSubject(need.subject);
  const state = subjectFor(cluster, subjectKey(subject), subject);
  if (!state) {
    cluster.subjectsOverflow ??= emptyEvidence();
    note(cluster.subjectsOverflow, need, sighting);
    noteBinding(cluster.subjectsOverflow, need, sighting);
    return [];
  }
  const set: RuleSet = allowed ? state.allowed : state.denied;
  const caps = allowed ? ALLOWED_CAPS : DENIED_CAPS;
  return need.permissions.map((permission, index) => {
    const slot = slotFor(set, permission, caps);
    note(slot.evidence, need, sighting);
    // At once: what follows may push the cell out.
    if (index === 0) noteBinding(slot.evidence, need, sighting);
    return slot;
  });
}

function slotFor(set: RuleSet, permission: Permission, caps: OutcomeCaps): Slot {
  const rule = ruleFor(
    set,
    {
      verb: boundedText(permission.verb),
      apiGroup: boundedText(permission.apiGroup),
      resource: boundedText(permission.resource),
      namespace: boundedText(permission.namespace),
    },
    caps.rules,
  );
  if (rule) {
    const name = permission.resource === '' ? permission.path : permission.name;
    return { set, rule, evidence: evidenceFor(rule, boundedText(name), caps.names) };
  }
  set.overflow ??= emptyEvidence();
  return { set, rule, evidence: set.overflow };
}

/** Where the requests of one shape are noted. */
interface Places {
  readonly slots: readonly Slot[];
  readonly namespaces: readonly NamespaceState[];
  /** Where they say whether a namespace lives. */
  readonly life: NamespaceState | undefined;
  readonly caps: OutcomeCaps;
}

/**
 * By shape: most requests are like one that came just before them. Kept with the observations that the places are in,
 * which live for one batch; whatever else held them would keep all batches alive.
 */
const placesOfShapes = new WeakMap<ClusterState, Map<object, Places>>();

/** Whether all places are still what they were: nothing has had to leave a map that has never been full. */
function isRoomy(cluster: ClusterState, { slots, caps }: Places): boolean {
  if (cluster.subjects.size >= CAPS.subjects || cluster.namespaces.size >= CAPS.namespaces) return false;
  for (const { set, rule } of slots) {
    if (!rule || rule.names.size >= caps.names || set.rules.size >= caps.rules) return false;
  }
  return true;
}

/** Where requests of a shape are noted, if something is known of it, or of its pattern. */
function placesOf(
  cluster: ClusterState,
  { need, pattern }: CountedRequest,
  shape: object,
): Places | undefined {
  const known = placesOfShapes.get(cluster);
  if (!pattern) return known?.get(shape);
  const places = known?.get(pattern);
  if (!places) return undefined;
  const { slots, namespaces, life, caps } = places;
  const named = slots.map(({ set, rule, evidence }, i): Slot => {
    const name = boundedText(need.permissions[i]?.name ?? '');
    return { set, rule, evidence: rule ? evidenceFor(rule, name, caps.names) : evidence };
  });
  return { slots: named, namespaces, life, caps };
}

function noteAgain(
  cluster: ClusterState,
  { slots, namespaces, life }: Places,
  { need, namespaceLife }: CountedRequest,
  sighting: Sighting,
): void {
  for (const { evidence } of slots) note(evidence, need, sighting);
  noteBinding(slots[0]?.evidence, need, sighting);
  if (life && namespaceLife) noteLife(life, namespaceLife, sighting.us);
  for (const state of namespaces) if (sighting.us > state.lastSeenUs) state.lastSeenUs = sighting.us;
  widenSpan(cluster, sighting.us, sighting.us);
}

/** The states of the namespaces in which something was allowed. */
function namespacesOf(cluster: ClusterState, need: Need): NamespaceState[] {
  return need.permissions.flatMap(({ namespace }) => cluster.namespaces.get(namespace) ?? []);
}

/** Notes what an allowed request says about the life of namespaces. */
export function noteNamespaces(cluster: ClusterState, request: CountedRequest): void {
  for (const permission of request.need.permissions) {
    if (permission.namespace === '' || permission.namespace.length > MAX_TEXT) continue;
    const state = namespaceFor(cluster, permission.namespace);
    if (state && request.receivedAtUs > state.lastSeenUs) state.lastSeenUs = request.receivedAtUs;
  }
  const life = request.namespaceLife;
  if (!life || life.namespace.length > MAX_TEXT) return;
  const state = namespaceFor(cluster, life.namespace);
  if (state) noteLife(state, life, request.receivedAtUs);
}

function noteLife(
  state: NamespaceState,
  { change }: NonNullable<CountedRequest['namespaceLife']>,
  us: number,
): void {
  if (change === 'deleted') state.lastDeletedUs = Math.max(state.lastDeletedUs, us);
  else state.lastLiveUs = Math.max(state.lastLiveUs, us);
  state.lastSeenUs = Math.max(state.lastSeenUs, us);
}

/**
 * Adds one request to a batch's observations.
 * @param isNew - false for a further stage or copy of a request: it marks presence and changes no count.
 */
export function observe(
  into: Observations,
  request: CountedRequest,
  isNew: boolean,
  options: ObserveOptions = { deniedAs: 'denied' },
): void {
  add(into, request, isNew ? 1 : 0, options);
}

/** The first or the last one of several requests: when the API server received it, and its auditID. */
export interface Sample {
  readonly us: number;
  readonly auditID: string;
}

/** Requests of one day that differ in nothing but auditID and time: the first, the last, and how many there are. */
export interface Run {
  readonly first: Sample;
  readonly last: Sample;
  readonly count: number;
}

/** Adds a run of new requests, each like `request`: the same as {@link observe} of them all. */
export function observeRun(
  into: Observations,
  request: CountedRequest,
  { first, last, count }: Run,
  options: ObserveOptions = { deniedAs: 'denied' },
): void {
  add(into, { ...request, receivedAtUs: first.us, auditID: first.auditID }, count, options);
  if (last.us === first.us && last.auditID === first.auditID) return;
  add(into, { ...request, receivedAtUs: last.us, auditID: last.auditID }, 0, options);
}

function add(into: Observations, request: CountedRequest, count: number, options: ObserveOptions): void {
  let cluster = into.get(request.cluster);
  if (!cluster) {
    cluster = emptyCluster(request.cluster);
    into.set(request.cluster, cluster);
  }
  const sighting: Sighting = {
    us: request.receivedAtUs,
    day: dayOf(request.receivedAtUs),
    auditID: boundedID(request.auditID),
    clientBit: 1 << CLIENT_KINDS.indexOf(request.client),
    count,
  };
  const places = request.shape && placesOf(cluster, request, request.shape);
  if (places && isRoomy(cluster, places)) noteAgain(cluster, places, request, sighting);
  else noteFirst(cluster, request, sighting, options);
}

function noteFirst(
  cluster: ClusterState,
  request: CountedRequest,
  sighting: Sighting,
  { deniedAs }: ObserveOptions,
): void {
  const { shape, pattern, need, impersonation } = request;
  const isAllowed = request.outcome === 'allowed';
  const isGranted = isAllowed || deniedAs === 'allowed';
  const slots = noteNeed(cluster, need, sighting, isGranted);
  if (impersonation) noteNeed(cluster, impersonation, sighting, true);
  if (isAllowed) noteNamespaces(cluster, request);
  widenSpan(cluster, request.receivedAtUs, request.receivedAtUs);
  // Who acts as somebody else is rare, and has to say it each time.
  if (!shape || impersonation || slots.length === 0) return;
  const namespaces = isAllowed ? namespacesOf(cluster, need) : [];
  const life = isAllowed ? cluster.namespaces.get(request.namespaceLife?.namespace ?? '') : undefined;
  const places = { slots, namespaces, life, caps: isGranted ? ALLOWED_CAPS : DENIED_CAPS };
  const known = placesOfShapes.get(cluster) ?? new Map<object, Places>();
  placesOfShapes.set(cluster, known.set(pattern ?? shape, places));
}
