import { derivedEvidence } from './evidence.ts';
import { describeCell, type Grant, GrantSet, groupBy, targetKey, unique, type Widened } from './grant.ts';
import { looksGenerated } from './names.ts';
import type { PolicyOptions } from './options.ts';
import type { Widening } from './policy.ts';
import { STANDARD_VERBS } from './validity.ts';

const MAX_GENERATED_NAMES = 2;

function unnamed(grant: Grant): Grant {
  return { ...grant, name: '' };
}

function inCluster(grant: Grant): Grant {
  return { ...grant, namespace: '' };
}

/** `ClusterScopeAllowed`: everything is granted everywhere. */
function widenScope(grants: readonly Grant[], options: PolicyOptions): Widened {
  if (options.scopeMode === 'NamespaceStrict') return { grants, widenings: [] };
  const widenings: Widening[] = [];
  for (const [, group] of groupBy(grants, targetKey)) {
    const namespaces = new Set(group.map((grant) => grant.namespace).filter((each) => each !== ''));
    const [first] = group;
    if (first && namespaces.size > 0) {
      const what = describeCell({ ...first, namespace: '', name: '' });
      widenings.push({ kind: 'cluster-scope', what, replaced: namespaces.size });
    }
  }
  return { grants: unique(grants.map(inCluster)), widenings };
}

/** Wide before narrow, and `list` before `get`, so that what brings more verbs is granted first. */
function expansionOrder(a: Grant, b: Grant): number {
  const rank = (grant: Grant): string =>
    [
      grant.resource === '' ? '0' : '1',
      grant.namespace === '' ? '0' : '1',
      grant.name === '' ? '0' : '1',
      grant.verb === 'list' ? '0' : '1',
      targetKey(grant),
      grant.namespace,
      grant.name,
      grant.path,
    ].join('\0');
  const left = rank(a);
  const right = rank(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

interface Spread {
  readonly names: ReadonlySet<string>;
  readonly namespaces: ReadonlySet<string>;
}

function spreadsOf(grants: readonly Grant[], keyOf: (grant: Grant) => string): Map<string, Spread> {
  const spreads = new Map<string, { names: Set<string>; namespaces: Set<string> }>();
  for (const grant of grants) {
    const key = keyOf(grant);
    const spread = spreads.get(key) ?? { names: new Set(), namespaces: new Set() };
    if (grant.name !== '') spread.names.add(grant.name);
    if (grant.namespace !== '') spread.namespaces.add(grant.namespace);
    spreads.set(key, spread);
  }
  return spreads;
}

/**
 * audit2rbac's way: an operation seen on several names or in several namespaces is granted on all, and
 * verbs bring their likes; what is granted by then brings nothing more.
 */
function expand(grants: readonly Grant[], options: PolicyOptions): Widened {
  const { expandMultiName, expandMultiNamespace, verbExpansions } = options;
  if (!expandMultiName && !expandMultiNamespace && Object.keys(verbExpansions).length === 0) {
    return { grants, widenings: [] };
  }
  const keyOf = (grant: Grant): string =>
    [targetKey(grant), expandMultiNamespace ? '' : grant.namespace, expandMultiName ? '' : grant.name].join(
      '\0',
    );
  const spreads = spreadsOf(grants, keyOf);
  const result = new GrantSet();
  const widenings: Widening[] = [];
  for (const grant of grants.toSorted(expansionOrder)) {
    const covering = result.covering(grant);
    if (covering) {
      result.add({ ...covering, evidence: grant.evidence });
      continue;
    }
    if (grant.resource === '') {
      result.add(grant);
      continue;
    }
    const spread = spreads.get(keyOf(grant));
    const names = expandMultiName && grant.name !== '' ? (spread?.names.size ?? 0) : 0;
    const namespaces = expandMultiNamespace && grant.namespace !== '' ? (spread?.namespaces.size ?? 0) : 0;
    const wide: Grant = {
      ...grant,
      name: names > 1 ? '' : grant.name,
      namespace: namespaces > 1 ? '' : grant.namespace,
    };
    if (names > 1) widenings.push({ kind: 'names-expanded', what: describeCell(wide), replaced: names });
    if (namespaces > 1)
      widenings.push({ kind: 'namespaces-expanded', what: describeCell(wide), replaced: namespaces });
    result.add(wide);
    for (const verb of verbExpansions[grant.verb] ?? []) {
      result.add({ ...wide, verb, evidence: derivedEvidence(grant.evidence) });
      widenings.push({ kind: 'verbs-expanded', what: describeCell({ ...wide, verb }), replaced: 0 });
    }
  }
  return { grants: result.values(), widenings };
}

function inPlaceKey(grant: Grant): string {
  return `${targetKey(grant)}\0${grant.namespace}`;
}

/** Names that are many, that look generated, or that are not wanted at all become unnamed. */
function widenNames(grants: readonly Grant[], options: PolicyOptions): Widened {
  if (options.resourceNames === 'Explicit') return { grants, widenings: [] };
  const limit = options.resourceNames === 'Omit' ? 0 : options.resourceNames;
  const result: Grant[] = [];
  const widenings: Widening[] = [];
  for (const [, group] of groupBy(grants, inPlaceKey)) {
    const named = group.filter((grant) => grant.name !== '');
    const generated = named.filter((grant) => looksGenerated(grant.name)).length;
    const [first] = named;
    if (!first || (named.length <= limit && generated <= MAX_GENERATED_NAMES)) {
      result.push(...group);
      continue;
    }
    const kind = options.resourceNames === 'Omit' ? 'names-omitted' : 'names-collapsed';
    widenings.push({ kind, what: describeCell(unnamed(first)), replaced: named.length });
    result.push(...group.map(unnamed));
  }
  return { grants: unique(result), widenings };
}

function isTopLevelUnnameable(grant: Grant): boolean {
  return grant.verb === 'deletecollection' || (grant.verb === 'create' && !grant.resource.includes('/'));
}

/** `Smart`: the verbs of one resource share their names; unnamed if any of them is. */
function mergeVerbs(grants: readonly Grant[], options: PolicyOptions): Widened {
  if (options.verbMerge === 'Exact') return { grants, widenings: [] };
  const result: Grant[] = [];
  const widenings: Widening[] = [];
  const byResource = groupBy(grants, (grant) =>
    grant.resource === '' || isTopLevelUnnameable(grant)
      ? ''
      : `${grant.apiGroup}\0${grant.resource}\0${grant.namespace}`,
  );
  for (const [key, group] of byResource) {
    const names = new Set(group.map((grant) => grant.name));
    const [first] = group;
    if (key === '' || !first || names.size === 1) {
      result.push(...group);
      continue;
    }
    const shared = names.has('') ? [''] : [...names].sort();
    const byVerb = groupBy(group, (grant) => grant.verb);
    for (const grantsOfVerb of byVerb.values()) {
      for (const grant of grantsOfVerb) {
        for (const name of shared) {
          const isOwn = name === '' || name === grant.name;
          result.push({ ...grant, name, evidence: isOwn ? grant.evidence : derivedEvidence(grant.evidence) });
        }
      }
    }
    const before = unique(group).length;
    if (byVerb.size * shared.length !== before || shared[0] === '') {
      const verbs = [...byVerb.keys()].sort().join(',');
      widenings.push({
        kind: 'names-merged',
        what: describeCell({ ...first, verb: verbs, name: '' }),
        replaced: names.has('') ? names.size - 1 : names.size,
      });
    }
  }
  return { grants: unique(result), widenings };
}

/** Drops what a wider grant allows anyway, so that each rule is needed; its evidence goes to the wider one. */
function absorb(grants: readonly Grant[]): Grant[] {
  const all = new GrantSet();
  for (const grant of grants) all.add(grant);
  const kept = new GrantSet();
  for (const grant of grants) {
    const widest = grant.resource === '' ? grant : (all.covering(grant) ?? grant);
    kept.add({ ...widest, evidence: grant.evidence });
  }
  return kept.values();
}

/** Resources with verbs of their own, which `*` would grant along: never given a wildcard. */
const SPECIAL_RESOURCES: readonly string[] = [
  'certificatesigningrequests',
  'clusterroles',
  'clustertrustbundles',
  'groups',
  'podsecuritypolicies',
  'roles',
  'securitycontextconstraints',
  'serviceaccounts',
  'signers',
  'uids',
  'users',
];

/** `Safe`: all eight standard verbs on an unnamed resource are written `*`. */
function wildcardVerbs(grants: readonly Grant[], options: PolicyOptions): Widened {
  if (options.wildcards === 'Forbidden') return { grants, widenings: [] };
  const result: Grant[] = [];
  const widenings: Widening[] = [];
  const key = (grant: Grant): string =>
    `${grant.apiGroup}\0${grant.resource}\0${grant.namespace}\0${grant.name}\0${grant.path}`;
  for (const [, group] of groupBy(grants, key)) {
    const verbs = new Set(group.map((grant) => grant.verb));
    const [first] = group;
    const [resource = ''] = first?.resource.split('/') ?? [];
    const isSafe = STANDARD_VERBS.every((verb) => verbs.has(verb)) && !SPECIAL_RESOURCES.includes(resource);
    if (!first || !isSafe || first.resource === '' || first.name !== '') {
      result.push(...group);
      continue;
    }
    widenings.push({ kind: 'verb-wildcard', what: describeCell({ ...first, verb: '*' }), replaced: 0 });
    result.push(...group.map((grant) => ({ ...grant, verb: '*' })));
  }
  return { grants: unique(result), widenings };
}

/**
 * Applies the knobs that grant more than was observed, one axis at a time, and drops what is then
 * granted twice. With every knob at its strictest value the result is the input, less what a
 * cluster-wide or unnamed grant allows anyway.
 */
export function widen(grants: readonly Grant[], options: PolicyOptions): Widened {
  const widenings: Widening[] = [];
  let current = grants;
  for (const step of [widenScope, expand, widenNames, mergeVerbs]) {
    const widened = step(current, options);
    current = widened.grants;
    widenings.push(...widened.widenings);
  }
  const last = wildcardVerbs(absorb(current), options);
  return { grants: last.grants, widenings: [...widenings, ...last.widenings] };
}
