import { type PolicyRule, RuleIndex } from '@leastwise/rbac';

import { byCodeUnits, clipped, listed, scopeText } from '../text.ts';
import type { Scope } from './scope.ts';

/** Permissions that a check looks for. */
export interface Target {
  readonly apiGroup: string;
  /**
   * `pods`, `pods/exec`; `userextras/` stands for each of its subresources; `any` for whatever the rule names in
   * the group but subresources.
   */
  readonly resources: readonly string[] | 'any';
  /** `any`: whatever the rule has. */
  readonly verbs: readonly string[] | 'any';
  /** Whether a RoleBinding can grant it. */
  readonly isNamespaced: boolean;
}

/** What one rule grants of a {@link Target}. */
export interface Grant {
  /** The rule's place in its role, from 0. */
  readonly ruleIndex: number;
  readonly rule: PolicyRule;
  readonly verbs: readonly string[];
  readonly apiGroup: string;
  /** `''` for URLs. */
  readonly resource: string;
  /** The URL, or the pattern of one; `''` for resources. */
  readonly path: string;
  /** The only names it holds for; none: any. */
  readonly names: readonly string[];
  readonly isNamespaced: boolean;
}

/** A rule with what is needed to ask it. */
export interface IndexedRule {
  readonly at: number;
  readonly rule: PolicyRule;
  readonly index: RuleIndex;
  readonly resources: ReadonlySet<string>;
}

/** Permissions on resources that live in namespaces; also in one namespace only. */
export function namespaced(apiGroup: string, resources: Target['resources'], verbs: Target['verbs']): Target {
  return { apiGroup, resources, verbs, isNamespaced: true };
}

/** Permissions on resources of the cluster, which no RoleBinding grants. */
export function clusterWide(
  apiGroup: string,
  resources: Target['resources'],
  verbs: Target['verbs'],
): Target {
  return { apiGroup, resources, verbs, isNamespaced: false };
}

/** Makes the rules of a role ready to be asked. */
export function indexRules(rules: readonly PolicyRule[]): readonly IndexedRule[] {
  return rules.map((rule, at) => ({
    at,
    rule,
    index: new RuleIndex([rule]),
    resources: new Set(rule.resources),
  }));
}

function hasGroup({ rule }: IndexedRule, apiGroup: string): boolean {
  const { apiGroups = [] } = rule;
  return apiGroups.includes(apiGroup) || apiGroups.includes('*');
}

/** Whether a rule may name any of a target's resources: most rules have nothing to do with most targets. */
function mayName(named: ReadonlySet<string>, resource: string): boolean {
  if (named.has(resource) || named.has('*')) return true;
  const slash = resource.indexOf('/');
  if (slash < 0) return false;
  return slash === resource.length - 1 || named.has(`*${resource.slice(slash)}`);
}

/** The resources of a target that a rule may name, spelled so that the authorizer can be asked about them. */
function candidates(indexed: IndexedRule, resources: Target['resources']): readonly string[] {
  const { resources: named } = indexed;
  if (resources === 'any') return [...named].filter((each) => !each.includes('/'));
  if (!resources.some((resource) => mayName(named, resource))) return [];
  return resources.flatMap((resource) => {
    if (resource.endsWith('/')) {
      const own = [...named].flatMap((each) => {
        if (each.startsWith(resource) && each.length > resource.length) return [each];
        return each.startsWith('*/') ? [resource + each.slice('*/'.length)] : [];
      });
      return named.has('*') ? [...own, `${resource}KEY`] : own;
    }
    return mayName(named, resource) ? [resource] : [];
  });
}

/** The name that the authorizer is told: none for the creation of an object and for the deletion of a collection. */
function askedName(verb: string, resource: string, names: readonly string[]): string {
  const isUnnamed = verb === 'deletecollection' || (verb === 'create' && !resource.includes('/'));
  return isUnnamed ? '' : (names[0] ?? '');
}

const NOTHING: readonly Grant[] = [];

/**
 * What one rule grants of a target, by the authorizer's own matching. Names count only where the authorizer
 * is told one: `create` on `secrets` with resourceNames grants nothing.
 */
export function grantsOf(indexed: IndexedRule, target: Target): readonly Grant[] {
  if (!hasGroup(indexed, target.apiGroup)) return NOTHING;
  const found = candidates(indexed, target.resources);
  if (found.length === 0) return NOTHING;
  const { at, rule, index } = indexed;
  const { apiGroup, isNamespaced } = target;
  const names = rule.resourceNames ?? [];
  const wanted = target.verbs === 'any' ? rule.verbs : target.verbs;
  return found.flatMap((resource) => {
    const verbs = wanted.filter((verb) =>
      index.allowsResource({
        verb,
        apiGroup,
        resource,
        namespace: '',
        name: askedName(verb, resource, names),
        path: '',
      }),
    );
    if (verbs.length === 0) return [];
    return [{ ruleIndex: at, rule, verbs, apiGroup, resource, path: '', names, isNamespaced }];
  });
}

/** What one rule grants of several targets, in their order. */
export function grantsOfAny(indexed: IndexedRule, targets: readonly Target[]): readonly Grant[] {
  let found: Grant[] | undefined;
  for (const target of targets) {
    const grants = grantsOf(indexed, target);
    if (grants.length > 0) (found ??= []).push(...grants);
  }
  return found ?? NOTHING;
}

function namesText(names: readonly string[]): string {
  return names.length === 0 ? '' : ` ${listed(names.map((name) => `"${clipped(name)}"`))}`;
}

/** The usual order of verbs; others follow by code units. */
const VERB_ORDER = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];

function verbRank(verb: string): number {
  const rank = VERB_ORDER.indexOf(verb);
  return rank < 0 ? VERB_ORDER.length : rank;
}

function verbsText(verbs: readonly string[]): string {
  if (verbs.includes('*')) return 'use any verb on';
  const sorted = verbs.toSorted((a, b) => verbRank(a) - verbRank(b) || byCodeUnits(a, b));
  return listed(sorted, { most: VERB_ORDER.length });
}

function resourceText(apiGroup: string, resource: string): string {
  const isAll = resource === '*';
  if (apiGroup === '') return isAll ? 'all resources of the core group' : clipped(resource);
  if (apiGroup === '*') return isAll ? 'all resources' : `${clipped(resource)} of all groups`;
  return isAll ? `all resources of ${clipped(apiGroup)}` : `${clipped(resource)}.${clipped(apiGroup)}`;
}

/** `get, list secrets`, `create deployments.apps`, `get URL /metrics`: without the place. */
export function grantText({ verbs, apiGroup, resource, path, names }: Grant): string {
  if (resource === '') return `${verbsText(verbs)} URL ${clipped(path)}`;
  return `${verbsText(verbs)} ${resourceText(apiGroup, resource)}${namesText(names)}`;
}

/** Texts of several grants, those on one thing together, in an order of their own. */
export function grantTexts(grants: Iterable<Grant>): readonly string[] {
  const together = new Map<string, Grant>();
  for (const grant of grants) {
    const { apiGroup, resource, path, names, verbs } = grant;
    const key = JSON.stringify([apiGroup, resource, path, names]);
    const known = together.get(key);
    together.set(
      key,
      known === undefined ? grant : { ...known, verbs: [...new Set([...known.verbs, ...verbs])] },
    );
  }
  return [...together.values()].map(grantText).sort(byCodeUnits);
}

/** A grant with its place: `get secrets in namespace shop`. */
export function grantTextIn(grant: Grant, scope: Scope): string {
  return grant.resource === '' ? grantText(grant) : `${grantText(grant)} ${scopeText(scope)}`;
}

/** A whole rule in words, as far as it can be shown. */
export function ruleText({
  verbs,
  apiGroups = [],
  resources = [],
  resourceNames = [],
  nonResourceURLs = [],
}: PolicyRule): string {
  const urls = nonResourceURLs.length > 0 ? [`URL ${listed(nonResourceURLs)}`] : [];
  const groups = listed(apiGroups.map((group) => (group === '' ? 'core' : group)));
  const named = resources.length > 0 ? [`${listed(resources)} of ${groups}${namesText(resourceNames)}`] : [];
  return `${verbsText(verbs)} ${[...named, ...urls].join('; ')}`;
}
