import { admit, CAPS } from './capped.ts';
import { cloneEvidence, emptyEvidence, mergeEvidence } from './evidence.ts';
import type { ClusterState, Evidence, NamespaceState, RuleSet, RuleState, SubjectState } from './types.ts';

/** The key of a rule within a subject. */
export function ruleKey(rule: Pick<RuleState, 'verb' | 'apiGroup' | 'resource' | 'namespace'>): string {
  return `${rule.verb}\0${rule.apiGroup}\0${rule.resource}\0${rule.namespace}`;
}

function addOverflow(holder: { overflow: Evidence | undefined }, evidence: Evidence): void {
  holder.overflow ??= emptyEvidence();
  mergeEvidence(holder.overflow, evidence);
}

/** Everything that a rule saw, its overflow included. */
export function totalOfRule(rule: RuleState): Evidence {
  const total = emptyEvidence();
  for (const evidence of rule.names.values()) mergeEvidence(total, evidence);
  if (rule.overflow) mergeEvidence(total, rule.overflow);
  return total;
}

/** Everything that a rule set saw, its overflow included. */
export function totalOfRules(set: RuleSet): Evidence {
  const total = emptyEvidence();
  for (const rule of set.rules.values()) mergeEvidence(total, totalOfRule(rule));
  if (set.overflow) mergeEvidence(total, set.overflow);
  return total;
}

/** Whether rule sets of an outcome are capped as allowed or as denied ones. */
export type OutcomeCaps = { readonly rules: number; readonly names: number };
/** Caps of allowed rules. */
export const ALLOWED_CAPS: OutcomeCaps = { rules: CAPS.rules, names: CAPS.names };
/** Caps of denied rules. */
export const DENIED_CAPS: OutcomeCaps = { rules: CAPS.deniedRules, names: CAPS.deniedNames };

/** Hears what happens to the rules of one subject and outcome, as far as a merge changes them. */
export interface RulesListener {
  /** A name's evidence is new, or has changed. */
  cell(rule: RuleState, name: string, evidence: Evidence): void;
  /** A rule's overflow may have changed. */
  overflow(rule: RuleState, overflow: Evidence): void;
  /** The caps pushed out a name, or a rule with all of its names. */
  goneCell(rule: RuleState, name: string): void;
  goneRule(rule: RuleState): void;
}

/**
 * Hears what a merge changes, after it has changed: whoever keeps the same state elsewhere need not look for it. What is
 * told as gone later on is gone, even if it was told as changed before.
 */
export interface MergeListener {
  rules(subject: SubjectState, outcome: 'allowed' | 'denied'): RulesListener;
  /** All that the merge had for a subject is in. */
  subject(subject: SubjectState, isNew: boolean): void;
  goneSubject(subject: SubjectState): void;
  namespace(name: string, state: NamespaceState): void;
  goneNamespace(name: string): void;
}

/**
 * The evidence kept for a name of a rule, made if need be. Where the cap refuses the name, the rule's
 * overflow is what counts for it.
 */
export function evidenceFor(rule: RuleState, name: string, cap: number, listener?: RulesListener): Evidence {
  const known = rule.names.get(name);
  if (known) return known;
  const evict = (evidence: Evidence, evicted: string): void => {
    addOverflow(rule, evidence);
    listener?.goneCell(rule, evicted);
  };
  if (!admit(rule.names, name, cap, evict)) {
    rule.overflow ??= emptyEvidence();
    return rule.overflow;
  }
  const fresh = emptyEvidence();
  rule.names.set(name, fresh);
  return fresh;
}

/** The same text, held by itself: a part that was cut out of a URI keeps the whole URI alive. */
function detached(text: string): string {
  const copy = Buffer.from(text, 'utf8').toString('utf8');
  // A lone surrogate does not survive UTF-8.
  return copy === text ? copy : text;
}

/** A rule's state, made if need be; `undefined` where the cap refuses it: then the set's overflow is what counts. */
export function ruleFor(
  set: RuleSet & { overflow: Evidence | undefined },
  rule: Pick<RuleState, 'verb' | 'apiGroup' | 'resource' | 'namespace'>,
  cap: number,
  listener?: RulesListener,
): RuleState | undefined {
  const key = ruleKey(rule);
  const known = set.rules.get(key);
  if (known) return known;
  const evict = (state: RuleState): void => {
    addOverflow(set, totalOfRule(state));
    listener?.goneRule(state);
  };
  if (!admit(set.rules, key, cap, evict)) return undefined;
  const fresh: RuleState = {
    verb: rule.verb,
    apiGroup: rule.apiGroup,
    resource: rule.resource,
    namespace: rule.namespace,
    names: new Map(),
    overflow: undefined,
  };
  set.rules.set(key, fresh);
  return fresh;
}

interface RulesMerge extends OutcomeCaps {
  readonly ownership: Ownership;
  readonly listener: RulesListener | undefined;
}

function mergeNames(into: RuleState, from: RuleState, how: RulesMerge): void {
  const { listener, ownership, names: cap } = how;
  for (const [name, evidence] of from.names) {
    let kept = into.names.get(name);
    if (kept) {
      mergeEvidence(kept, evidence);
    } else if (into.names.size >= cap) {
      kept = evidenceFor(into, name, cap, listener);
      mergeEvidence(kept, evidence);
      if (kept === into.overflow) continue;
    } else if (ownership === 'take') {
      kept = evidence;
      into.names.set(name, kept);
    } else {
      kept = cloneEvidence(evidence);
      into.names.set(detached(name), kept);
    }
    listener?.cell(into, name, kept);
  }
}

function mergeRules(into: RuleSet, from: RuleSet, how: RulesMerge): void {
  for (const [key, rule] of from.rules) {
    const target = into.rules.get(key) ?? ruleFor(into, rule, how.rules, how.listener);
    if (!target) {
      addOverflow(into, totalOfRule(rule));
      continue;
    }
    mergeNames(target, rule, how);
    if (rule.overflow) addOverflow(target, rule.overflow);
    if (target.overflow) how.listener?.overflow(target, target.overflow);
  }
  if (from.overflow) addOverflow(into, from.overflow);
}

/** A subject of which nothing is known yet. */
export function emptySubject(subject: SubjectState['subject']): SubjectState {
  return {
    subject,
    allowed: { rules: new Map(), overflow: undefined },
    denied: { rules: new Map(), overflow: undefined },
  };
}

/** A subject's state, made if need be; `undefined` where the cap refuses it. */
export function subjectFor(
  cluster: ClusterState,
  key: string,
  subject: SubjectState['subject'],
  listener?: MergeListener,
): SubjectState | undefined {
  const known = cluster.subjects.get(key);
  if (known) return known;
  const evict = (state: SubjectState): void => {
    cluster.subjectsOverflow ??= emptyEvidence();
    mergeEvidence(cluster.subjectsOverflow, totalOfRules(state.allowed));
    mergeEvidence(cluster.subjectsOverflow, totalOfRules(state.denied));
    listener?.goneSubject(state);
  };
  if (!admit(cluster.subjects, key, CAPS.subjects, evict)) return undefined;
  const fresh = emptySubject(subject);
  cluster.subjects.set(key, fresh);
  return fresh;
}

/** A namespace's state, made if need be; `undefined` where the cap refuses it. */
export function namespaceFor(
  cluster: ClusterState,
  namespace: string,
  listener?: MergeListener,
): NamespaceState | undefined {
  const known = cluster.namespaces.get(namespace);
  if (known) return known;
  const evict = (_: NamespaceState, evicted: string): void => {
    cluster.namespacesOverflow = true;
    listener?.goneNamespace(evicted);
  };
  if (!admit(cluster.namespaces, namespace, CAPS.namespaces, evict)) {
    cluster.namespacesOverflow = true;
    return undefined;
  }
  const fresh = { lastSeenUs: 0, lastLiveUs: 0, lastDeletedUs: 0 };
  cluster.namespaces.set(namespace, fresh);
  return fresh;
}

/** A cluster of which nothing is known yet: the neutral element of {@link mergeCluster}. */
export function emptyCluster(cluster: string): ClusterState {
  return {
    cluster,
    subjects: new Map(),
    subjectsOverflow: undefined,
    namespaces: new Map(),
    namespacesOverflow: false,
    firstSeenUs: 0,
    lastSeenUs: 0,
  };
}

function mergeNamespaces(into: ClusterState, from: ClusterState, listener: MergeListener | undefined): void {
  for (const [namespace, state] of from.namespaces) {
    const target = namespaceFor(into, namespace, listener);
    if (!target) continue;
    target.lastSeenUs = Math.max(target.lastSeenUs, state.lastSeenUs);
    target.lastLiveUs = Math.max(target.lastLiveUs, state.lastLiveUs);
    target.lastDeletedUs = Math.max(target.lastDeletedUs, state.lastDeletedUs);
    listener?.namespace(namespace, target);
  }
  into.namespacesOverflow ||= from.namespacesOverflow;
}

/** Widens a cluster's time span by one moment or by another span; 0 stands for nothing seen. */
export function widenSpan(cluster: ClusterState, firstUs: number, lastUs: number): void {
  if (lastUs === 0) return;
  if (cluster.firstSeenUs === 0 || firstUs < cluster.firstSeenUs) cluster.firstSeenUs = firstUs;
  if (lastUs > cluster.lastSeenUs) cluster.lastSeenUs = lastUs;
}

/**
 * What becomes of the evidence that is merged: `copy` leaves the source as it is, `take` hands it over,
 * so that the source is not to be used any more.
 */
export type Ownership = 'copy' | 'take';

/**
 * Adds everything of `from` to `into`, which is changed; `from` is not, and shares nothing with `into`
 * afterwards, unless it is given away (`take`). Commutative and associative, so that no partitioning of
 * the events changes the sum.
 * @param how - without an ownership the source stays as it is; without a listener nobody hears
 */
export function mergeCluster(
  into: ClusterState,
  from: ClusterState,
  { ownership = 'copy', listener }: { ownership?: Ownership; listener?: MergeListener } = {},
): void {
  for (const [key, state] of from.subjects) {
    const known = into.subjects.get(key);
    const target = known ?? subjectFor(into, key, state.subject, listener);
    if (target) {
      const rules = (outcome: 'allowed' | 'denied'): RulesListener | undefined =>
        listener?.rules(target, outcome);
      mergeRules(target.allowed, state.allowed, { ...ALLOWED_CAPS, ownership, listener: rules('allowed') });
      mergeRules(target.denied, state.denied, { ...DENIED_CAPS, ownership, listener: rules('denied') });
      listener?.subject(target, !known);
      continue;
    }
    into.subjectsOverflow ??= emptyEvidence();
    mergeEvidence(into.subjectsOverflow, totalOfRules(state.allowed));
    mergeEvidence(into.subjectsOverflow, totalOfRules(state.denied));
  }
  if (from.subjectsOverflow) {
    into.subjectsOverflow ??= emptyEvidence();
    mergeEvidence(into.subjectsOverflow, from.subjectsOverflow);
  }
  mergeNamespaces(into, from, listener);
  widenSpan(into, from.firstSeenUs, from.lastSeenUs);
}

/** A copy that shares nothing that changes. */
export function cloneCluster(from: ClusterState): ClusterState {
  const copy = emptyCluster(from.cluster);
  mergeCluster(copy, from);
  return copy;
}
