import {
  type ClusterState,
  DAY_US,
  dayOf,
  type Evidence,
  type NamespaceState,
  type RuleSet,
  type RuleState,
  type SubjectState,
} from '@leastwise/rbac';

import {
  cellField,
  namespaceField,
  type OutcomeCode,
  overflowField,
  rulePart,
  subjectField,
  subjectPart,
} from './field-names.ts';

/**
 * Before which time a cluster's evidence is not kept: whole days before the one of its watermark. A function of what
 * is stored, so that every worker and every replay drops the same.
 */
export function horizonUs(watermarkUs: number | undefined, keepDays: number): number {
  return watermarkUs === undefined ? -Infinity : (dayOf(watermarkUs) - keepDays) * DAY_US;
}

/** A map without what is not kept of it: another one where that is anything, since caps remember what is in a map. */
function kept<V>(map: Map<string, V>, keep: (value: V, key: string) => V | undefined): Map<string, V> {
  const left = new Map<string, V>();
  let isSame = true;
  for (const [key, value] of map) {
    const still = keep(value, key);
    if (still !== value) isSame = false;
    if (still !== undefined) left.set(key, still);
  }
  return isSame ? map : left;
}

class Expiry {
  readonly #beforeUs: number;
  readonly #gone: (field: string) => void;

  constructor(beforeUs: number, gone: (field: string) => void) {
    this.#beforeUs = beforeUs;
    this.#gone = gone;
  }

  #isOld(evidence: Evidence): boolean {
    return evidence.lastSeenUs < this.#beforeUs;
  }

  #overflow(overflow: Evidence | undefined): Evidence | undefined {
    return overflow && this.#isOld(overflow) ? undefined : overflow;
  }

  #rule(code: OutcomeCode, part: string, rule: RuleState): RuleState | undefined {
    const overflow = this.#overflow(rule.overflow);
    if (rule.overflow && !overflow) this.#gone(overflowField(code, part));
    const names = kept(rule.names, (evidence, name) => {
      if (!this.#isOld(evidence)) return evidence;
      this.#gone(cellField(code, part, name));
      return undefined;
    });
    if (names.size === 0 && !overflow) return undefined;
    return names === rule.names && overflow === rule.overflow ? rule : { ...rule, names, overflow };
  }

  #rules(code: OutcomeCode, subject: string, set: RuleSet): RuleSet {
    const overflow = this.#overflow(set.overflow);
    const rules = kept(set.rules, (rule) => this.#rule(code, rulePart(subject, rule), rule));
    return rules === set.rules && overflow === set.overflow ? set : { rules, overflow };
  }

  #subject(cluster: string, state: SubjectState): SubjectState | undefined {
    const part = subjectPart(cluster, state);
    const allowed = this.#rules('a', part, state.allowed);
    const denied = this.#rules('d', part, state.denied);
    if ([allowed, denied].every(({ rules, overflow }) => rules.size === 0 && !overflow)) {
      this.#gone(subjectField(part));
      return undefined;
    }
    return allowed === state.allowed && denied === state.denied ? state : { ...state, allowed, denied };
  }

  cluster(state: ClusterState): ClusterState {
    const { cluster } = state;
    const isOldNamespace = ({ lastSeenUs, lastLiveUs, lastDeletedUs }: NamespaceState): boolean =>
      Math.max(lastSeenUs, lastLiveUs, lastDeletedUs) < this.#beforeUs;
    return {
      ...state,
      subjects: kept(state.subjects, (subject) => this.#subject(cluster, subject)),
      subjectsOverflow: this.#overflow(state.subjectsOverflow),
      namespaces: kept(state.namespaces, (namespace, name) => {
        if (!isOldNamespace(namespace)) return namespace;
        this.#gone(namespaceField(cluster, name));
        return undefined;
      }),
    };
  }
}

/**
 * A cluster without the evidence and the namespaces that were last seen before a time, and without what is empty then.
 * What it shares with `state` is left as it is.
 * @param gone - takes the fields that mean nothing any more
 */
export function withoutOld(
  state: ClusterState,
  beforeUs: number,
  gone: (field: string) => void,
): ClusterState {
  return beforeUs === -Infinity ? state : new Expiry(beforeUs, gone).cluster(state);
}
