import {
  CAPS,
  type ClusterState,
  mergeCluster,
  type RuleSet,
  type RuleState,
  type SubjectState,
} from '@leastwise/rbac';
import { encodeEvidence, evidenceText } from '@leastwise/state';

import {
  cellField,
  clusterField,
  namespaceField,
  type OutcomeCode,
  overflowField,
  rulePart,
  subjectField,
  subjectPart,
} from './field-names.ts';

/** Takes a field that changed, with its new value; an empty one where it is gone. */
export type Changed = (field: string, value: string) => void;

const GONE = '';
const OUTCOMES = [
  ['a', 'allowed', CAPS.rules, CAPS.names],
  ['d', 'denied', CAPS.deniedRules, CAPS.deniedNames],
] as const;

/** What a full map held before a merge, where the merge may push something out of it. */
function heldBefore<V>(
  into: ReadonlyMap<string, V> | undefined,
  from: ReadonlyMap<string, unknown>,
  cap: number,
): ReadonlyMap<string, V> | undefined {
  if (!into || into.size + from.size <= cap) return undefined;
  for (const key of from.keys()) if (!into.has(key)) return new Map(into);
  return undefined;
}

/** What a merge has to know of the state before it: whom it did not know, and the maps whose keys the caps may push out. */
interface Before {
  /** Keys of the subjects of which nothing was known. */
  readonly unknown: Set<string>;
  subjects: ReadonlyMap<string, SubjectState> | undefined;
  namespaces: ReadonlyMap<string, unknown> | undefined;
  /** By the rule sets and rules themselves. */
  readonly rules: Map<RuleSet, ReadonlyMap<string, RuleState>>;
  readonly names: Map<RuleState, ReadonlyMap<string, unknown>>;
}

function stateBefore(into: ClusterState, delta: ClusterState): Before {
  const before: Before = {
    unknown: new Set(),
    subjects: heldBefore(into.subjects, delta.subjects, CAPS.subjects),
    namespaces: heldBefore(into.namespaces, delta.namespaces, CAPS.namespaces),
    rules: new Map(),
    names: new Map(),
  };
  for (const [key, subject] of delta.subjects) {
    const target = into.subjects.get(key);
    if (!target) {
      before.unknown.add(key);
      continue;
    }
    for (const [, outcome, maxRules, maxNames] of OUTCOMES) {
      const rules = heldBefore(target[outcome].rules, subject[outcome].rules, maxRules);
      if (rules) before.rules.set(target[outcome], rules);
      for (const [ruleKey, rule] of subject[outcome].rules) {
        const known = target[outcome].rules.get(ruleKey);
        const names = known && heldBefore(known.names, rule.names, maxNames);
        if (names) before.names.set(known, names);
      }
    }
  }
  return before;
}

/** Tells of one cluster's changes by a merge. */
class Changes {
  readonly #cluster: ClusterState;
  readonly #before: Before;
  readonly #changed: Changed;

  constructor(cluster: ClusterState, before: Before, changed: Changed) {
    this.#cluster = cluster;
    this.#before = before;
    this.#changed = changed;
  }

  ofCluster(delta: ClusterState): void {
    const { cluster, firstSeenUs, lastSeenUs, namespacesOverflow, subjectsOverflow } = this.#cluster;
    this.#changed(
      clusterField(cluster),
      JSON.stringify([firstSeenUs, lastSeenUs, namespacesOverflow ? 1 : 0, encodeEvidence(subjectsOverflow)]),
    );
    for (const namespace of delta.namespaces.keys()) this.#namespace(namespace);
    for (const namespace of this.#before.namespaces?.keys() ?? []) {
      if (!this.#cluster.namespaces.has(namespace)) this.#changed(namespaceField(cluster, namespace), GONE);
    }
    for (const [key, subject] of delta.subjects) {
      const target = this.#cluster.subjects.get(key);
      if (target) this.#subject(key, target, subject);
    }
    for (const [key, subject] of this.#before.subjects ?? []) {
      if (this.#cluster.subjects.get(key) !== subject) this.#goneSubject(subject);
    }
  }

  #namespace(namespace: string): void {
    const state = this.#cluster.namespaces.get(namespace);
    if (!state) return;
    const { lastSeenUs, lastLiveUs, lastDeletedUs } = state;
    this.#changed(
      namespaceField(this.#cluster.cluster, namespace),
      JSON.stringify([lastSeenUs, lastLiveUs, lastDeletedUs]),
    );
  }

  #subject(key: string, target: SubjectState, delta: SubjectState): void {
    const part = subjectPart(this.#cluster.cluster, target);
    const overflows = [target.allowed.overflow, target.denied.overflow];
    if (this.#before.unknown.has(key) || overflows.some((overflow) => overflow !== undefined)) {
      this.#changed(subjectField(part), JSON.stringify(overflows.map(encodeEvidence)));
    }
    for (const [code, outcome] of OUTCOMES) {
      const set = target[outcome];
      for (const [key, rule] of this.#before.rules.get(set) ?? []) {
        if (set.rules.get(key) !== rule) this.#goneRule(code, part, rule);
      }
      for (const [key, rule] of delta[outcome].rules) {
        const kept = set.rules.get(key);
        if (kept) this.#rule(code, rulePart(part, kept), kept, rule);
      }
    }
  }

  #rule(code: OutcomeCode, part: string, target: RuleState, delta: RuleState): void {
    for (const name of this.#before.names.get(target)?.keys() ?? []) {
      if (!target.names.has(name)) this.#changed(cellField(code, part, name), GONE);
    }
    for (const name of delta.names.keys()) {
      const evidence = target.names.get(name);
      if (evidence) this.#changed(cellField(code, part, name), evidenceText(evidence));
    }
    if (target.overflow) {
      this.#changed(overflowField(code, part), evidenceText(target.overflow));
    }
  }

  #goneRule(code: OutcomeCode, subject: string, rule: RuleState): void {
    const part = rulePart(subject, rule);
    const names = this.#before.names.get(rule) ?? rule.names;
    for (const name of names.keys()) this.#changed(cellField(code, part, name), GONE);
    if (rule.overflow) this.#changed(overflowField(code, part), GONE);
  }

  #goneSubject(subject: SubjectState): void {
    const part = subjectPart(this.#cluster.cluster, subject);
    this.#changed(subjectField(part), GONE);
    for (const [code, outcome] of OUTCOMES) {
      const rules = this.#before.rules.get(subject[outcome]) ?? subject[outcome].rules;
      for (const rule of rules.values()) this.#goneRule(code, part, rule);
    }
  }
}

/**
 * Adds everything of `delta` to `into`, as `mergeCluster` does, and tells which fields that changes: as few as the
 * delta touched, and what the caps pushed out.
 */
export function mergeWithChanges(into: ClusterState, delta: ClusterState, changed: Changed): void {
  const before = stateBefore(into, delta);
  mergeCluster(into, delta);
  new Changes(into, before, changed).ofCluster(delta);
}
