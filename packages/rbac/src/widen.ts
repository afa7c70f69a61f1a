import { derivedEvidence, emptyEvidence, mergeEvidence } from './evidence.ts';
import { expand } from './expand.ts';
import { describeCell, type Grant, GrantSet, groupBy, targetKey, unique, type Widened } from './grant.ts';
import { looksGenerated } from './names.ts';
import type { PolicyOptions } from './options.ts';
import type { Widening } from './policy.ts';
import type { Evidence } from './types.ts';
import { isSpecialVerb, STANDARD_VERBS } from './validity.ts';

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
    // Any name of a special verb's is a far greater right than a few: whom to impersonate, what to bind.
    const isKept = named.length <= limit && generated <= MAX_GENERATED_NAMES;
    if (!first || isKept || isSpecialVerb(first)) {
      result.push(...group);
      continue;
    }
    const kind = options.resourceNames === 'Omit' ? 'names-omitted' : 'names-collapsed';
    widenings.push({ kind, what: describeCell(unnamed(first)), replaced: named.length });
    result.push(...unique(group.map(unnamed)));
  }
  return { grants: result, widenings };
}

function isTopLevelUnnameable(grant: Grant): boolean {
  return grant.verb === 'deletecollection' || (grant.verb === 'create' && !grant.resource.includes('/'));
}

function sharesNames(grant: Grant): boolean {
  return grant.resource !== '' && !isTopLevelUnnameable(grant) && !isSpecialVerb(grant);
}

function sumOf(grants: readonly Grant[]): Evidence {
  const sum = emptyEvidence();
  for (const { evidence } of grants) mergeEvidence(sum, evidence);
  return sum;
}

/** The grants of one verb under all of the names, where the names it had keep their own evidence. */
function withNames(grants: readonly Grant[], names: readonly string[]): readonly Grant[] {
  const [first] = grants;
  const own = new Set(grants.map((grant) => grant.name));
  const missing = names.filter((name) => !own.has(name));
  if (!first || missing.length === 0) return grants;
  // A name that the verb was not seen with rests on all that it was seen with, so that no order matters.
  const evidence = derivedEvidence(sumOf(grants));
  return [...grants, ...missing.map((name) => ({ ...first, name, evidence }))];
}

/** `Smart`: the verbs of one resource share their names, and the lack of one, which then covers them all. */
function mergeVerbs(grants: readonly Grant[], options: PolicyOptions): Widened {
  if (options.verbMerge === 'Exact') return { grants, widenings: [] };
  const result = grants.filter((grant) => !sharesNames(grant));
  const widenings: Widening[] = [];
  const byResource = groupBy(
    grants.filter(sharesNames),
    (grant) => `${grant.apiGroup}\0${grant.resource}\0${grant.namespace}`,
  );
  for (const group of byResource.values()) {
    const names = [...new Set(group.map((grant) => grant.name))];
    const byVerb = groupBy(group, (grant) => grant.verb);
    const merged = [...byVerb.values()].flatMap((each) => withNames(each, names));
    for (const grant of merged) result.push(grant);
    const [first] = group;
    if (!first || merged.length === group.length) continue;
    const verb = [...new Set(group.map((grant) => grant.verb))].sort().join(',');
    const what = describeCell({ ...first, verb, name: '' });
    widenings.push({ kind: 'names-merged', what, replaced: names.filter((name) => name !== '').length });
  }
  return { grants: unique(result), widenings };
}

function isWide(grant: Grant): boolean {
  return grant.resource !== '' && (grant.name === '' || grant.namespace === '');
}

/** Drops what a wider grant allows anyway, so that each rule is needed; its evidence goes to the wider one. */
function absorb(grants: readonly Grant[]): Grant[] {
  const wide = new GrantSet();
  const targets = new Set<string>();
  for (const grant of grants) {
    if (!isWide(grant)) continue;
    wide.add(grant);
    targets.add(targetKey(grant));
  }
  const kept = new GrantSet();
  for (const grant of grants) {
    const covering = targets.has(targetKey(grant)) ? wide.covering(grant) : undefined;
    kept.add(covering ? { ...covering, evidence: grant.evidence } : grant);
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

/**
 * The same for what was done in namespaces that are gone, which only their group's role is to have: it
 * widens nothing elsewhere. What is granted in the whole cluster is left out.
 */
export function widenOutlived(
  outlived: readonly Grant[],
  granted: readonly Grant[],
  options: PolicyOptions,
): Widened {
  if (outlived.length === 0) return { grants: [], widenings: [] };
  const inPlace = new GrantSet();
  for (const grant of granted) if (grant.namespace === '') inPlace.add(grant);
  const missing = outlived.filter((grant) => !inPlace.covering(grant));
  return widen(missing, { ...options, expandMultiNamespace: false });
}
