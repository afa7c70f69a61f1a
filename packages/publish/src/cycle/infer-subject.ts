import {
  type Cell,
  type ClusterState,
  createInference,
  createPolicyCheck,
  emptyEvidence,
  type Evidence,
  type Inference,
  mergeEvidence,
  type Mismatch,
  objectKey,
  type PolicyOptions,
  type RbacObject,
  type RuleSet,
  type SubjectPolicy,
  type SubjectState,
} from '@leastwise/rbac';

import { choicesFor, optionsFor, type ScopeChoices, type TeamChoices } from '../team/index.ts';
import { cellKey } from './cell-key.ts';

/** A subject's policy under the team's knobs. */
export interface SubjectInference {
  readonly policy: SubjectPolicy;
  /** Of the cluster's scope: they are the ones of a subject as a whole. */
  readonly choices: ScopeChoices;
  readonly options: PolicyOptions;
  /** What the policy would break; empty means: proven. */
  readonly mismatches: readonly Mismatch[];
}

interface Prepared {
  readonly options: PolicyOptions;
  readonly infer: Inference;
  readonly check: (state: SubjectState, policy: SubjectPolicy) => Mismatch[];
}

const MAX_DENIED = 50;

/**
 * Infers policies with the knobs that a team chose for each subject and namespace. Where a subject's namespaces have
 * different knobs, its rules are split by them: each part is inferred and proven by itself, and the policy is their
 * union. What the options hold is prepared once for all that share them.
 */
export class TeamInference {
  readonly #choices: TeamChoices;
  readonly #base: PolicyOptions;
  readonly #hasNamespaced: boolean;
  readonly #prepared = new Map<string, Prepared>();

  /** @param base - the knobs of the configuration */
  constructor(choices: TeamChoices, base: PolicyOptions) {
    this.#choices = choices;
    this.#base = { ...base, namespace: undefined };
    this.#hasNamespaced = choices.policies.some(({ namespaces }) => namespaces !== undefined);
  }

  /** Infers and proves the policy of one subject. */
  infer(state: SubjectState, cluster: ClusterState): SubjectInference {
    const choicesIn = (namespace: string): ScopeChoices =>
      choicesFor(this.#choices, { cluster: cluster.cluster, subject: state.subject, namespace });
    const choices = choicesIn('');
    const options = this.#prepare(choices).options;
    const found = this.#partsOf(state, choicesIn).map(({ state: part, choices: own }) => {
      const { infer, check } = this.#prepare(own);
      const policy = infer(part, cluster);
      return { policy, mismatches: check(part, policy) };
    });
    return {
      policy: united(found.map(({ policy }) => policy)),
      choices,
      options,
      mismatches: found.flatMap(({ mismatches }) => mismatches),
    };
  }

  #prepare(choices: ScopeChoices): Prepared {
    const key = keyOf(choices);
    const known = this.#prepared.get(key);
    if (known !== undefined) return known;
    const options = optionsFor(choices, this.#base);
    const fresh = { options, infer: createInference(options), check: createPolicyCheck(options) };
    this.#prepared.set(key, fresh);
    return fresh;
  }

  /** The rules of a subject by the knobs that apply to them, those of the cluster's scope first. */
  #partsOf(
    state: SubjectState,
    choicesIn: (namespace: string) => ScopeChoices,
  ): { readonly state: SubjectState; readonly choices: ScopeChoices }[] {
    const inCluster = choicesIn('');
    if (!this.#hasNamespaced) return [{ state, choices: inCluster }];
    const parts = new Map<string, { readonly choices: ScopeChoices; readonly namespaces: Set<string> }>();
    parts.set(keyOf(inCluster), { choices: inCluster, namespaces: new Set(['']) });
    const rules = [...state.allowed.rules.values(), ...state.denied.rules.values()];
    for (const namespace of [...new Set(rules.map((rule) => rule.namespace))].sort()) {
      const choices = choicesIn(namespace);
      const part = parts.get(keyOf(choices)) ?? { choices, namespaces: new Set() };
      parts.set(keyOf(choices), part);
      part.namespaces.add(namespace);
    }
    if (parts.size === 1) return [{ state, choices: inCluster }];
    return [...parts.values()].map(({ choices, namespaces }, i) => ({
      choices,
      state: {
        subject: state.subject,
        allowed: within(state.allowed, namespaces, i === 0),
        denied: within(state.denied, namespaces, i === 0),
      },
    }));
  }
}

function keyOf({ appliedPolicies, includesDenied }: ScopeChoices): string {
  return JSON.stringify([appliedPolicies, includesDenied]);
}

/** @param isFirst - what a cap left out, which is of no namespace, is kept once */
function within({ rules, overflow }: RuleSet, namespaces: ReadonlySet<string>, isFirst: boolean): RuleSet {
  return {
    rules: new Map([...rules].filter(([, rule]) => namespaces.has(rule.namespace))),
    overflow: isFirst ? overflow : undefined,
  };
}

const KINDS = ['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding'] as const;

function united(parts: readonly SubjectPolicy[]): SubjectPolicy {
  const [first, ...others] = parts;
  if (first === undefined) throw new RangeError('a policy of no parts');
  if (others.length === 0) return first;
  const denied = parts
    .flatMap((part) => part.denied)
    .sort((a, b) => b.evidence.count - a.evidence.count || compareCells(a.cell, b.cell));
  const beyond = denied.slice(MAX_DENIED).reduce((sum, { evidence }) => sum + evidence.count, 0);
  return {
    ...first,
    objects: unitedObjects(parts.flatMap((part) => part.objects)),
    ruleEvidence: parts.flatMap((part) => part.ruleEvidence),
    granted: unitedGrants(parts.flatMap((part) => part.granted)),
    exceptions: parts.flatMap((part) => part.exceptions).sort((a, b) => compareCells(a.cell, b.cell)),
    widenings: parts
      .flatMap((part) => part.widenings)
      .sort((a, b) => compare(`${a.kind}\0${a.what}`, `${b.kind}\0${b.what}`) || a.replaced - b.replaced),
    isIncomplete: parts.some((part) => part.isIncomplete),
    denied: denied.slice(0, MAX_DENIED),
    deniedOverflow: parts.reduce((sum, part) => sum + part.deniedOverflow, beyond),
  };
}

/** Objects of one name, such as the ClusterRoles of two parts, become one with the rules of both. */
function unitedObjects(objects: readonly RbacObject[]): RbacObject[] {
  const byKey = new Map<string, RbacObject>();
  for (const object of objects) {
    const key = objectKey(object);
    const known = byKey.get(key);
    byKey.set(key, known === undefined ? object : withRulesOf(known, object));
  }
  return [...byKey.values()].sort(
    (a, b) =>
      KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) ||
      compare(a.metadata.namespace ?? '', b.metadata.namespace ?? '') ||
      compare(a.metadata.name, b.metadata.name),
  );
}

function withRulesOf(object: RbacObject, other: RbacObject): RbacObject {
  if (!('rules' in object) || !('rules' in other)) return object;
  const rules = new Map([...object.rules, ...other.rules].map((rule) => [JSON.stringify(rule), rule]));
  return { ...object, rules: [...rules.values()] };
}

function unitedGrants(grants: SubjectPolicy['granted']): SubjectPolicy['granted'] {
  const byKey = new Map<string, { readonly cell: Cell; readonly evidence: Evidence }>();
  for (const { cell, evidence } of grants) {
    const key = cellKey(cell);
    const known = byKey.get(key);
    byKey.set(key, { cell, evidence: known === undefined ? evidence : sumOf([known.evidence, evidence]) });
  }
  return [...byKey.values()].sort((a, b) => compareCells(a.cell, b.cell));
}

/** Several evidences as one; none of them is changed. */
export function sumOf(evidences: Iterable<Evidence>): Evidence {
  const sum = emptyEvidence();
  for (const each of evidences) mergeEvidence(sum, each);
  return sum;
}

function compareCells(a: Cell, b: Cell): number {
  return compare(cellKey(a), cellKey(b));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
