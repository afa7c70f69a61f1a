import type { Subject } from '@leastwise/audit-event';
import {
  bootstrapDefaults,
  DEFAULT_OPTIONS,
  matchesGlob,
  type PolicyOptions,
  type PolicyRule,
  type RbacObject,
} from '@leastwise/rbac';

import type { Knobs, TeamChoices } from './choices.ts';
import { matchesSubject } from './subject-glob.ts';

/** What a choice is asked for: a subject's policies in one namespace, or those that are cluster-scoped. */
export interface ChoiceScope {
  readonly cluster: string;
  readonly subject: Subject;
  /** `''` for what is cluster-scoped. */
  readonly namespace: string;
}

/** What a team chose for one scope. */
export interface ScopeChoices {
  /** Nothing is proposed for the subject. Wins over `isIncluded`. */
  readonly isIgnored: boolean;
  /** The subject is published though it would be left out by default. */
  readonly isIncluded: boolean;
  /** What was refused is proposed as well. */
  readonly includesDenied: boolean;
  readonly knobs: Knobs;
  /** Indices of the entries of `policies` that `knobs` come from: scopes with equal ones have equal knobs. */
  readonly appliedPolicies: readonly number[];
  /** Of all entries that match, in the order of the file. */
  readonly pinned: readonly PolicyRule[];
}

/** Whether one of the globs takes the text. Linear in their length. */
export function matchesAny(globs: readonly string[], text: string): boolean {
  return globs.some((glob) => matchesGlob(glob, text));
}

/**
 * What applies to a scope. Knobs add up: all entries that match count, and where two set the same knob, the later one
 * in the file, however broad it is. Lists of subjects and pinned rules add up too; `ignoredSubjects` win over all.
 * @remarks Pure; linear in the length of the choices.
 */
export function choicesFor(choices: TeamChoices, { cluster, subject, namespace }: ChoiceScope): ScopeChoices {
  const isHere = (globs: readonly string[]): boolean => namespace !== '' && matchesAny(globs, namespace);
  const isTheirs = (entry: { readonly clusters: readonly string[]; readonly subjects: readonly string[] }) =>
    matchesAny(entry.clusters, cluster) && matchesSubject(entry.subjects, subject);
  const appliedPolicies = [...choices.policies.entries()]
    .filter(([, entry]) => isTheirs(entry) && (entry.namespaces === undefined || isHere(entry.namespaces)))
    .map(([i]) => i);
  return {
    isIgnored: matchesSubject(choices.ignoredSubjects, subject),
    isIncluded: matchesSubject(choices.includedSubjects, subject),
    includesDenied: matchesSubject(choices.includeDenied, subject),
    knobs: appliedPolicies.reduce<Knobs>(
      (knobs, i) => mergedKnobs(knobs, choices.policies[i]?.knobs ?? {}),
      {},
    ),
    appliedPolicies,
    pinned: choices.pinned
      .filter((pin) => isTheirs(pin) && (namespace === '' ? pin.isClusterWide : isHere(pin.namespaces)))
      .flatMap(({ rules }) => rules),
  };
}

function mergedKnobs(knobs: Knobs, later: Knobs): Knobs {
  const naming = { ...knobs.naming, ...later.naming };
  return { ...knobs, ...later, ...(Object.keys(naming).length === 0 ? {} : { naming }) };
}

/**
 * The options to infer a scope's policies with: the team's knobs over `base`, and the bootstrap defaults of the version
 * that they name. Where entries for namespaces apply, each namespace is inferred by itself (`namespace`).
 * @param existing - RBAC that exists besides the bootstrap defaults and is not to be granted again
 */
export function optionsFor(
  { knobs, includesDenied }: Pick<ScopeChoices, 'knobs' | 'includesDenied'>,
  base: PolicyOptions = DEFAULT_OPTIONS,
  existing: readonly RbacObject[] = [],
): PolicyOptions {
  const { naming, ...turned } = knobs;
  const options: PolicyOptions = {
    ...base,
    ...turned,
    includeDenied: includesDenied,
    naming: { ...base.naming, ...naming },
  };
  return { ...options, existing: [...bootstrapDefaults(options.kubernetesVersion), ...existing] };
}
