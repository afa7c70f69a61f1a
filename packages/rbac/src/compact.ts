import { emptyEvidence, mergeEvidence } from './evidence.ts';
import { type Grant, groupBy } from './grant.ts';
import type { Evidence, PolicyRule } from './types.ts';

/** A policy rule with the evidence of all its cells. */
export interface CompactRule {
  readonly rule: PolicyRule;
  readonly evidence: Evidence;
}

interface Block {
  readonly apiGroup: string;
  readonly resources: readonly string[];
  readonly names: readonly string[];
  readonly verbs: readonly string[];
  readonly paths: readonly string[];
  readonly evidence: Evidence;
}

function sortedUnique(values: Iterable<string>): string[] {
  return [...new Set(values)].sort();
}

function merged(blocks: readonly { readonly evidence: Evidence }[]): Evidence {
  const sum = emptyEvidence();
  for (const block of blocks) mergeEvidence(sum, block.evidence);
  return sum;
}

function join(
  blocks: readonly Block[],
  keyOf: (block: Block) => unknown,
  combine: (group: readonly Block[], first: Block) => Partial<Block>,
): Block[] {
  const result: Block[] = [];
  for (const group of groupBy(blocks, (block) => JSON.stringify(keyOf(block))).values()) {
    const [first] = group;
    if (first) result.push({ ...first, ...combine(group, first), evidence: merged(group) });
  }
  return result;
}

function toRule(block: Block): PolicyRule {
  if (block.paths.length > 0) return { nonResourceURLs: block.paths, verbs: block.verbs };
  return {
    apiGroups: [block.apiGroup],
    resources: block.resources,
    ...(block.names.length > 0 ? { resourceNames: block.names } : {}),
    verbs: block.verbs,
  };
}

function orderOf(block: Block): string {
  const kind = block.paths.length > 0 ? '1' : '0';
  const named = block.names.length > 0 ? 'named' : '';
  return JSON.stringify([
    kind,
    block.apiGroup,
    block.resources,
    named,
    block.names,
    block.paths,
    block.verbs,
  ]);
}

/**
 * Folds the grants of one scope into policy rules that allow exactly the same requests. A rule grants
 * the cross product of its lists, so blocks are joined along one list at a time, and only when all
 * other lists are equal: first verbs, then names (or paths), then resources.
 * @remarks Pure; the result does not depend on the order of the grants.
 * @see https://kubernetes.io/docs/reference/access-authn-authz/rbac/#role-and-clusterrole
 */
export function compactRules(grants: readonly Grant[]): CompactRule[] {
  const cells = grants.map((grant): Block => ({
    apiGroup: grant.apiGroup,
    resources: [grant.resource],
    names: grant.name === '' ? [] : [grant.name],
    verbs: [grant.verb],
    paths: grant.resource === '' ? [grant.path] : [],
    evidence: grant.evidence,
  }));
  const byVerb = join(
    cells,
    (block) => [block.apiGroup, block.resources, block.names, block.paths],
    (group) => ({ verbs: sortedUnique(group.flatMap((block) => block.verbs)) }),
  );
  const byName = join(
    byVerb,
    (block) => [block.apiGroup, block.resources, block.verbs, block.names.length > 0],
    (group) => ({
      names: sortedUnique(group.flatMap((block) => block.names)),
      paths: sortedUnique(group.flatMap((block) => block.paths)),
    }),
  );
  const byResource = join(
    byName,
    (block) => [block.apiGroup, block.names, block.verbs, block.paths],
    (group) => ({ resources: sortedUnique(group.flatMap((block) => block.resources)) }),
  );
  return byResource
    .map((block) => ({ order: orderOf(block), rule: toRule(block), evidence: block.evidence }))
    .sort((a, b) => (a.order < b.order ? -1 : 1))
    .map(({ rule, evidence }) => ({ rule, evidence }));
}
