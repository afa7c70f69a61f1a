import {
  type ClusterState,
  type Evidence,
  mergeCluster,
  type MergeListener,
  type NamespaceState,
  type RulesListener,
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

/** Tells of the fields of one subject's rules. */
class RuleFields implements RulesListener {
  readonly #outcome: OutcomeCode;
  readonly #subject: string;
  readonly #changed: Changed;

  constructor(outcome: OutcomeCode, subject: string, changed: Changed) {
    this.#outcome = outcome;
    this.#subject = subject;
    this.#changed = changed;
  }

  cell(rule: RuleState, name: string, evidence: Evidence): void {
    this.#changed(cellField(this.#outcome, rulePart(this.#subject, rule), name), evidenceText(evidence));
  }

  overflow(rule: RuleState, overflow: Evidence): void {
    this.#changed(overflowField(this.#outcome, rulePart(this.#subject, rule)), evidenceText(overflow));
  }

  goneCell(rule: RuleState, name: string): void {
    this.#changed(cellField(this.#outcome, rulePart(this.#subject, rule), name), GONE);
  }

  goneRule(rule: RuleState): void {
    for (const name of rule.names.keys()) this.goneCell(rule, name);
    if (rule.overflow) this.#changed(overflowField(this.#outcome, rulePart(this.#subject, rule)), GONE);
  }
}

/** Tells of the fields of one cluster. */
class ClusterFields implements MergeListener {
  readonly #cluster: string;
  readonly #changed: Changed;

  constructor(cluster: string, changed: Changed) {
    this.#cluster = cluster;
    this.#changed = changed;
  }

  rules(subject: SubjectState, outcome: 'allowed' | 'denied'): RuleFields {
    const part = subjectPart(this.#cluster, subject);
    return new RuleFields(outcome === 'allowed' ? 'a' : 'd', part, this.#changed);
  }

  subject(subject: SubjectState, isNew: boolean): void {
    const overflows = [subject.allowed.overflow, subject.denied.overflow];
    if (!isNew && overflows.every((overflow) => overflow === undefined)) return;
    const field = subjectField(subjectPart(this.#cluster, subject));
    this.#changed(field, JSON.stringify(overflows.map(encodeEvidence)));
  }

  goneSubject(subject: SubjectState): void {
    this.#changed(subjectField(subjectPart(this.#cluster, subject)), GONE);
    for (const outcome of ['allowed', 'denied'] as const) {
      const fields = this.rules(subject, outcome);
      for (const rule of subject[outcome].rules.values()) fields.goneRule(rule);
    }
  }

  namespace(name: string, { lastSeenUs, lastLiveUs, lastDeletedUs }: NamespaceState): void {
    this.#changed(
      namespaceField(this.#cluster, name),
      JSON.stringify([lastSeenUs, lastLiveUs, lastDeletedUs]),
    );
  }

  goneNamespace(name: string): void {
    this.#changed(namespaceField(this.#cluster, name), GONE);
  }
}

/**
 * Adds everything of `delta` to `into`, as `mergeCluster` does, and tells which fields that changes: as few as the
 * delta touched, and what the caps pushed out.
 */
export function mergeWithChanges(into: ClusterState, delta: ClusterState, changed: Changed): void {
  mergeCluster(into, delta, { listener: new ClusterFields(into.cluster, changed) });
  const { cluster, firstSeenUs, lastSeenUs, namespacesOverflow, subjectsOverflow } = into;
  changed(
    clusterField(cluster),
    JSON.stringify([firstSeenUs, lastSeenUs, namespacesOverflow ? 1 : 0, encodeEvidence(subjectsOverflow)]),
  );
}
