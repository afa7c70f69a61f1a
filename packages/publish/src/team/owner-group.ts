import { createHash } from 'node:crypto';

import type { Subject } from '@leastwise/audit-event';
import { clusterFolder, namespaceFolder, subjectFolder } from '@leastwise/render';

import { type ChoiceScope, matchesAny } from './choices-for.ts';
import type { TeamChoices } from './choices.ts';
import type { Codeowners } from './codeowners.ts';

/** Those who review a change together: there is one pull request for each of them, cluster and kind of change. */
export interface OwnerGroup {
  /**
   * Names the group. Groups of different origin never share a name: `cluster`, `namespace-…` and `owners-…` are none
   * that a team can give.
   */
  readonly group: string;
  readonly origin: 'team' | 'codeowners' | 'namespace' | 'cluster';
  /** As CODEOWNERS has them. May be empty. */
  readonly reviewers: readonly string[];
}

/** The group of what is cluster-scoped, where the team names none. */
export const CLUSTER_GROUP = 'cluster';

/**
 * Where the policies of a scope stand:
 * `clusters/<cluster>/namespaces/<namespace>/<subject>/rbac.yaml`, or `clusters/<cluster>/cluster/<subject>/rbac.yaml`.
 */
export function policyPath({ cluster, subject, namespace }: ChoiceScope): string {
  return `clusters/${clusterFolder(cluster)}/${scopeFolder(namespace)}/${subjectFolder(subject)}/rbac.yaml`;
}

function scopeFolder(namespace: string): string {
  return namespace === '' ? 'cluster' : `namespaces/${namespaceFolder(namespace)}`;
}

/**
 * Who reviews a subject's policies in a namespace, or its cluster-scoped ones. First the owners of the team's file,
 * of which the last that match count; then, for a namespace, those of CODEOWNERS; else the namespace itself. What is
 * cluster-scoped is for the group `cluster`. Reviewers that the team's file does not name are those of CODEOWNERS.
 * One subject's policies may so be for several groups: they are split by folder.
 */
export function groupOf(scope: ChoiceScope, choices: TeamChoices, codeowners: Codeowners): OwnerGroup {
  const { cluster, namespace } = scope;
  const owner = choices.owners.findLast(
    ({ clusters, namespaces, isClusterWide }) =>
      matchesAny(clusters, cluster) && (namespace === '' ? isClusterWide : matchesAny(namespaces, namespace)),
  );
  const reviewers = codeowners.ownersOf(policyPath(scope));
  if (owner !== undefined) {
    const named = owner.reviewers.length > 0 ? owner.reviewers : reviewers;
    return { group: owner.group, origin: 'team', reviewers: named };
  }
  if (namespace === '') return { group: CLUSTER_GROUP, origin: 'cluster', reviewers };
  if (reviewers.length > 0) return { group: slugOf(reviewers), origin: 'codeowners', reviewers };
  return { group: `namespace-${namespaceFolder(namespace)}`, origin: 'namespace', reviewers };
}

/** A part of a subject's policies that one group reviews. */
export interface GroupPart extends OwnerGroup {
  /** `''` for what is cluster-scoped; sorted. */
  readonly namespaces: readonly string[];
}

/** Splits a subject's policies by who reviews them. The order of the namespaces makes no difference. */
export function groupsOf(
  { cluster, subject }: { readonly cluster: string; readonly subject: Subject },
  namespaces: Iterable<string>,
  owned: { readonly choices: TeamChoices; readonly codeowners: Codeowners },
): readonly GroupPart[] {
  const parts = new Map<string, GroupPart>();
  for (const namespace of [...new Set(namespaces)].sort()) {
    const found = groupOf({ cluster, subject, namespace }, owned.choices, owned.codeowners);
    const known = parts.get(found.group);
    parts.set(found.group, {
      ...found,
      reviewers: [...new Set([...(known?.reviewers ?? []), ...found.reviewers])],
      namespaces: [...(known?.namespaces ?? []), namespace],
    });
  }
  return [...parts.values()].sort((a, b) => (a.group < b.group ? -1 : 1));
}

const MAX_READABLE = 40;

/** A name for a set of owners, whatever their order: something to recognise them by, and a hash to tell them apart. */
function slugOf(owners: readonly string[]): string {
  const sorted = [...owners].sort();
  const hash = createHash('sha256').update(sorted.join('\n')).digest('hex').slice(0, 10);
  const readable = sorted
    .map((owner) =>
      owner
        .replace(/^@/, '')
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-'),
    )
    .join('.')
    .slice(0, MAX_READABLE)
    .replace(/^[-.]+|[-.]+$/g, '');
  return `owners-${[readable, hash].filter((part) => part !== '').join('-')}`;
}
