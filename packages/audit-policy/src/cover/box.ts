import { matchesPath } from '../match/match-policy.ts';
import type { AuditRule, GroupResources } from '../types.ts';

/** The requests of one kind that meet one condition in each dimension; `undefined` is any value. */
export interface Box {
  /** The index of the rule that it is part of; -1 for a question that is no rule. */
  readonly rule: number;
  readonly kind: 'resource' | 'url' | undefined;
  readonly users: readonly string[] | undefined;
  readonly groups: readonly string[] | undefined;
  readonly verb: readonly string[] | undefined;
  readonly apiGroup: readonly string[] | undefined;
  readonly resource: readonly string[] | undefined;
  /** `['']`: only requests without one. */
  readonly subresource: readonly string[] | undefined;
  readonly namespace: readonly string[] | undefined;
  readonly name: readonly string[] | undefined;
  /** Paths, or prefixes of them with a trailing `*`. */
  readonly path: readonly string[] | undefined;
}

/** All requests. */
export const EVERYTHING: Box = {
  rule: -1,
  kind: undefined,
  users: undefined,
  groups: undefined,
  verb: undefined,
  apiGroup: undefined,
  resource: undefined,
  subresource: undefined,
  namespace: undefined,
  name: undefined,
  path: undefined,
};

/**
 * The boxes that a rule is the union of: by the semantics of the matcher, but for requests that name something `*`,
 * which nothing that exists may be called. None where no request can match.
 */
export function boxesOf(rule: AuditRule, index: number): Box[] {
  const who: Box = {
    ...EVERYTHING,
    rule: index,
    users: condition(rule.users),
    groups: condition(rule.userGroups),
    verb: condition(rule.verbs),
  };
  if (rule.namespaces.length > 0 || rule.resources.length > 0) {
    const where: Box = { ...who, kind: 'resource', namespace: condition(rule.namespaces) };
    return rule.resources.length === 0 ? [where] : rule.resources.flatMap((each) => groupBoxes(where, each));
  }
  if (rule.nonResourceURLs.length === 0) return [who];
  const isAny = rule.nonResourceURLs.includes('*');
  return [{ ...who, kind: 'url', path: isAny ? undefined : rule.nonResourceURLs }];
}

function condition(values: readonly string[]): readonly string[] | undefined {
  return values.length === 0 ? undefined : values.filter((value) => value !== '*');
}

function groupBoxes(where: Box, { group, resources, resourceNames }: GroupResources): Box[] {
  const ofGroup = { ...where, apiGroup: group === '*' ? undefined : [group] };
  if (resources.length === 0) return [ofGroup];
  const named = { ...ofGroup, name: condition(resourceNames) };
  return resources.flatMap((spec) => {
    const part = resourceCondition(spec);
    return part === undefined ? [] : [{ ...named, ...part }];
  });
}

/** What an entry of `resources` asks of resource and subresource; `undefined` where nothing can meet it. */
export function resourceCondition(spec: string): Pick<Box, 'resource' | 'subresource'> | undefined {
  if (spec === '*') return { resource: undefined, subresource: undefined };
  const slash = spec.indexOf('/');
  if (slash < 0) return { resource: [spec], subresource: [''] };
  const [resource, subresource] = [spec.slice(0, slash), spec.slice(slash + 1)];
  if (subresource === '' || subresource.includes('/')) return undefined;
  if (resource === '*')
    return subresource === '*' ? undefined : { resource: undefined, subresource: [subresource] };
  return { resource: [resource], subresource: subresource === '*' ? undefined : [subresource] };
}

const LISTS = [
  'users',
  'groups',
  'verb',
  'apiGroup',
  'resource',
  'subresource',
  'namespace',
  'name',
] as const;

/**
 * The requests that are in both boxes; `undefined` where there are none. Groups are intersected as if everybody were
 * in one.
 */
export function intersect(a: Box, b: Box): Box | undefined {
  if (a.kind !== undefined && b.kind !== undefined && a.kind !== b.kind) return undefined;
  const lists = LISTS.map((key) => [key, both(a[key], b[key])] as const);
  const path = bothPaths(a.path, b.path);
  if (path?.length === 0 || lists.some(([, values]) => values?.length === 0)) return undefined;
  return { ...a, kind: a.kind ?? b.kind, path, ...Object.fromEntries(lists) };
}

/** Of a path or prefix in each of them the narrower one, where it is in the other. */
function bothPaths(a: readonly string[] | undefined, b: readonly string[] | undefined) {
  if (a === undefined || b === undefined) return a ?? b;
  const within = (own: readonly string[], others: readonly string[]): string[] =>
    own.filter((spec) => others.some((other) => coversPath(other, spec)));
  return [...new Set([...within(a, b), ...within(b, a)])];
}

/** Whether a path or prefix holds all that another one does. */
function coversPath(wide: string, spec: string): boolean {
  if (!spec.endsWith('*')) return matchesPath(wide, spec);
  return wide.endsWith('*') && spec.replace(/\*+$/, '').startsWith(wide.replace(/\*+$/, ''));
}

function both(a: readonly string[] | undefined, b: readonly string[] | undefined) {
  if (a === undefined || b === undefined) return a ?? b;
  return a.filter((value) => b.includes(value));
}
