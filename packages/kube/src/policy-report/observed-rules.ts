import { capHash } from '@leastwise/audit-event';
import type { Evidence, RuleSet, RuleState } from '@leastwise/rbac';

import { storedBytes, wellFormed } from '../json-value.ts';
import type { ObservedRule } from './types.ts';

/** How much a report lists. An object of etcd ends at 1.5 MiB, and lists are for people. */
export const REPORT_LIMITS = {
  rules: 500,
  rulesBytes: 400 * 1024,
  names: 32,
  namesBytes: 8 * 1024,
  manifests: 500,
  manifestsBytes: 512 * 1024,
} as const;

/** What is listed of a subject's evidence, and how much is not. */
export interface ObservedRules {
  readonly rules: readonly ObservedRule[];
  /** Of all rules, listed or not. */
  readonly total: number;
  /** Listed rules of which not all names are. */
  readonly withMoreNames: number;
}

/** The requests of one verb on one resource: those with a name, those without, or URLs. */
interface Candidate {
  readonly key: string;
  readonly hash: number;
  readonly state: RuleState;
  readonly isNamed: boolean;
}

const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59);

/** Microseconds since the epoch as RFC 3339 in UTC, to the second; within the years that it can write. */
export function timestamp(us: number): string {
  const ms = Math.min(Math.max(Math.floor(us / 1000), 0), LAST_MS);
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function candidatesOf(state: RuleState): Candidate[] {
  const hasUnnamed = state.resource !== '' && state.names.has('');
  const hasNamed = state.names.size > Number(hasUnnamed) || state.overflow !== undefined;
  const of = (isNamed: boolean): Candidate => {
    const key = JSON.stringify([state.namespace, state.apiGroup, state.resource, state.verb, isNamed]);
    return { key, hash: capHash(key), state, isNamed };
  };
  return [...(hasUnnamed ? [of(false)] : []), ...(hasNamed ? [of(true)] : [])];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** The names with the smallest hashes, as many as there is room for, sorted. */
function listedNames(names: readonly string[]): string[] {
  const inOrder = names
    .map((name) => ({ name: wellFormed(name), hash: capHash(name) }))
    .sort((a, b) => a.hash - b.hash || compare(a.name, b.name));
  const listed = new Set<string>();
  let bytes = 0;
  for (const { name } of inOrder.slice(0, REPORT_LIMITS.names)) {
    bytes += storedBytes(name);
    if (bytes > REPORT_LIMITS.namesBytes) break;
    listed.add(name);
  }
  return [...listed].sort();
}

function targetOf(
  { resource, apiGroup, namespace }: RuleState,
  names: readonly string[],
): Partial<ObservedRule> {
  if (resource === '') return { nonResourceURLs: names };
  return {
    apiGroups: [wellFormed(apiGroup)],
    resources: [wellFormed(resource)],
    ...(names.length > 0 ? { resourceNames: names } : {}),
    ...(namespace === '' ? {} : { namespace: wellFormed(namespace) }),
  };
}

function ruleOf({ state, isNamed }: Candidate): ObservedRule {
  const isOfIt = (name: string): boolean => state.resource === '' || (name !== '') === isNamed;
  const entries = [...state.names].filter(([name]) => isOfIt(name));
  const overflow = isNamed && state.overflow !== undefined ? [state.overflow] : [];
  const evidence: Evidence[] = [...entries.map(([, each]) => each), ...overflow];
  const names = isNamed ? listedNames(entries.map(([name]) => name)) : [];
  const hasMoreNames = isNamed && (names.length < entries.length || overflow.length > 0);
  let [count, first, last] = [0, Infinity, 0];
  for (const each of evidence) {
    count += each.count;
    first = Math.min(first, each.firstSeenUs);
    last = Math.max(last, each.lastSeenUs);
  }
  return {
    ...targetOf(state, names),
    verbs: [wellFormed(state.verb)],
    count: Math.min(count, Number.MAX_SAFE_INTEGER),
    firstSeen: timestamp(first),
    lastSeen: timestamp(last),
    ...(hasMoreNames ? { hasMoreNames } : {}),
  };
}

/**
 * What a subject was seen to do and allowed to: one rule for each verb, resource and namespace, those with names apart
 * from those without. Of more than there is room for, the ones with the smallest hashes, so that neither order nor a
 * flood chooses; sorted by namespace, group, resource and verb.
 * @remarks Pure; linear in the evidence, but for sorting.
 */
export function observedRules(allowed: RuleSet): ObservedRules {
  const candidates = [...allowed.rules.values()].flatMap(candidatesOf);
  candidates.sort((a, b) => a.hash - b.hash || compare(a.key, b.key));
  const listed: { readonly key: string; readonly rule: ObservedRule }[] = [];
  let bytes = 0;
  for (const candidate of candidates.slice(0, REPORT_LIMITS.rules)) {
    const rule = ruleOf(candidate);
    bytes += storedBytes(rule);
    if (bytes > REPORT_LIMITS.rulesBytes) break;
    listed.push({ key: candidate.key, rule });
  }
  const rules = listed.sort((a, b) => compare(a.key, b.key)).map(({ rule }) => rule);
  return {
    rules,
    total: candidates.length,
    withMoreNames: rules.filter(({ hasMoreNames }) => hasMoreNames).length,
  };
}
