import type { Subject } from '@leastwise/audit-event';
import type { RuleState, SubjectState } from '@leastwise/rbac';

/*
 * A partition is one hash. Besides `v` schema version, `t` token of the claim, `e` how many claims there were,
 * `k` identity key, `h` hours that identities are remembered for, `o` position, `w` watermarks, `n` numbers and
 * `j` journal, `r` how many commits there were, `g` up to which of them segments are folded in, its fields are lists in
 * JSON:
 *
 *   ["c", cluster]                                          the cluster's own numbers
 *   ["n", cluster, namespace]                               a namespace
 *   ["s", cluster, kind, namespace, name]                   a subject, with the overflows of its rule sets
 *   ["oa" or "od", …subject, verb, group, resource, ns]     a rule's overflow, where it has one
 *   ["a" or "d", …subject, verb, group, resource, ns, name] the evidence of a cell, allowed or denied
 *   ["W", cluster, kind, window]                            all cells of a window
 *   ["w", cluster, kind, window, cell]                      one cell of a window, as versions before 4 kept it
 *   ["D", cluster, day]                                     what a day of people's requests says of nobody in particular
 *   ["A", cluster, day, actor]                              what is counted of an actor on a day
 *   ["T", cluster, day, actor, hour]                        an actor's requests of an hour of a day
 *   ["M", cluster, day, subject]                            what detections found of a subject on a day
 *   ["K", cluster, day, subject]                            the keys of that, which are kept for longer
 *   ["f", set, cluster, hour, number]                       identities, 8 bytes each
 *   ["b", revision]                                         a segment: what one commit adds to the fields of
 *                                                           clusters and windows, which do not have it yet
 *
 * An empty value says that the field is not there.
 */

/**
 * Version of this layout. Since 3 an open hour has no cells of its own; since 4 there are segments, and every window is
 * one field; since 5 evidence names bindings; since 6 there are days of people's requests, and since 7 what detections
 * found. What a newer version wrote is refused.
 */
export const LAYOUT_VERSION = 7;

/** Fields that are not lists. */
export const META = {
  version: 'v',
  token: 't',
  epoch: 'e',
  identityKey: 'k',
  dedupeHours: 'h',
  position: 'o',
  watermarks: 'w',
  numbers: 'n',
  journal: 'j',
  revision: 'r',
  folded: 'g',
} as const;

/** Which outcome a rule set is of. */
export type OutcomeCode = 'a' | 'd';

/** As JSON, without the brackets around. */
function inner(texts: readonly string[]): string {
  return JSON.stringify(texts).slice(1, -1);
}

const subjectParts = new WeakMap<SubjectState, string>();
const ruleParts = new WeakMap<RuleState, string>();

function subjectTexts(cluster: string, { kind, namespace, name }: Subject): string {
  return inner([cluster, kind, namespace, name]);
}

/** The part of a subject's fields that names it. Made once for each state. */
export function subjectPart(cluster: string, state: SubjectState): string {
  const known = subjectParts.get(state);
  if (known !== undefined) return known;
  const part = subjectTexts(cluster, state.subject);
  subjectParts.set(state, part);
  return part;
}

/** The part of a rule's fields that names it and its subject. Made once for each state. */
export function rulePart(subject: string, rule: RuleState): string {
  const known = ruleParts.get(rule);
  if (known !== undefined) return known;
  const part = `${subject},${inner([rule.verb, rule.apiGroup, rule.resource, rule.namespace])}`;
  ruleParts.set(rule, part);
  return part;
}

/** The field of a cluster's own numbers. */
export function clusterField(cluster: string): string {
  return JSON.stringify(['c', cluster]);
}

/** The field of a namespace. */
export function namespaceField(cluster: string, namespace: string): string {
  return JSON.stringify(['n', cluster, namespace]);
}

/** The field of a subject. */
export function subjectField(subject: string): string {
  return `["s",${subject}]`;
}

/** The field of a rule's overflow. */
export function overflowField(outcome: OutcomeCode, rule: string): string {
  return `["o${outcome}",${rule}]`;
}

/** The field of a cell's evidence. */
export function cellField(outcome: OutcomeCode, rule: string, name: string): string {
  return `["${outcome}",${rule},${JSON.stringify(name)}]`;
}

/** The field of a piece of remembered identities. */
export function identitiesField(
  set: string,
  bucket: { readonly cluster: string; readonly hour: number },
  piece: number,
): string {
  return JSON.stringify(['f', set, bucket.cluster, bucket.hour, piece]);
}

/** The part of a window's fields that names it. */
export function windowPart(place: {
  readonly cluster: string;
  readonly kind: string;
  readonly number: number;
}): string {
  return `${JSON.stringify(place.cluster)},"${place.kind}",${place.number}`;
}

/** The field of a whole window. */
export function windowField(part: string): string {
  return `["W",${part}]`;
}

/** The field of one cell of a window, as versions before 4 kept it. */
export function windowCellField(part: string, cell: string): string {
  return `["w",${part},${JSON.stringify(cell)}]`;
}

/** The field of what the commit to a revision adds. */
export function segmentField(revision: number): string {
  return `["b",${revision}]`;
}

/** The field of a day of people's requests. */
export function dayField(cluster: string, day: number): string {
  return JSON.stringify(['D', cluster, day]);
}

/** The field of what is counted of an actor on a day. */
export function actorField(cluster: string, day: number, actor: string): string {
  return JSON.stringify(['A', cluster, day, actor]);
}

/** The field of an actor's requests of an hour. */
export function tracesField(
  cluster: string,
  day: number,
  of: { readonly actor: string; readonly hour: number },
): string {
  return JSON.stringify(['T', cluster, day, of.actor, of.hour]);
}

/** The field of what detections found of a subject on a day. */
export function matchesField(cluster: string, day: number, subject: string): string {
  return JSON.stringify(['M', cluster, day, subject]);
}

/** The field of the keys of what detections found of a subject on a day. */
export function matchKeysField(cluster: string, day: number, subject: string): string {
  return JSON.stringify(['K', cluster, day, subject]);
}
