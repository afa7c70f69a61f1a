import { compareKeys, type ProposalKey } from '../conduct/index.ts';
import { CLUSTER_GROUP, groupOf, type OwnerGroup } from '../team/index.ts';
import { placeOf } from './approved-files.ts';
import type { SubjectChange } from './changes.ts';
import type { BaseLook } from './look-at-base.ts';

/** What of a subject's change one group reviews. */
export interface ChangePart {
  readonly change: SubjectChange;
  /** Whose files it changes; `''` for the cluster's. Sorted. */
  readonly namespaces: readonly string[];
  /**
   * Whose permissions it changes: these, and with the cluster's file all those that its ClusterRoles grant by bindings
   * in files that stay as they are.
   */
  readonly covers: ReadonlySet<string>;
}

/** Everything that stands in one pull request about policies. */
export interface GroupChange extends ProposalKey {
  readonly kind: SubjectChange['kind'];
  readonly reviewers: readonly string[];
  /** In the order of the subjects' keys. */
  readonly parts: readonly ChangePart[];
}

const NOBODY: OwnerGroup = { group: CLUSTER_GROUP, origin: 'cluster', reviewers: [] };

/** By whom things are owned. */
export type Owned = Pick<BaseLook, 'choices' | 'codeowners'>;

/**
 * Gives each changed file to the group that reviews it. Files of a subject that must be merged together go to the
 * group of its cluster-scoped policies, for what moves between them moves to the cluster or comes from there; their
 * own owners are asked to review as well.
 * @param isReviewed - where nobody reviews, all of a cluster is one change: several would wait for each other, as they
 *   write the same lists
 */
export function groupChanges(
  changes: readonly SubjectChange[],
  owned: Owned,
  isReviewed = true,
): GroupChange[] {
  const groups = new Map<string, GroupChange>();
  for (const change of changes) {
    const parts = new Map<string, { readonly owner: OwnerGroup; readonly namespaces: string[] }>();
    const together = togetherOf(change);
    for (const namespace of [...change.files.keys()].sort()) {
      const owner = isReviewed ? ownerOf(change, namespace, { ...owned, together }) : NOBODY;
      const part = parts.get(owner.group);
      parts.set(owner.group, {
        owner: part === undefined ? owner : { ...owner, reviewers: union(part.owner, owner) },
        namespaces: [...(part?.namespaces ?? []), namespace],
      });
    }
    for (const { owner, namespaces } of parts.values()) {
      const { group } = owner;
      const key = { cluster: change.plan.cluster.cluster, group, kind: change.kind };
      const id = JSON.stringify(key);
      const known = groups.get(id);
      groups.set(id, {
        ...key,
        reviewers: known === undefined ? owner.reviewers : union(known, owner),
        parts: [...(known?.parts ?? []), { change, namespaces, covers: coveredBy(change, namespaces) }],
      });
    }
  }
  return [...groups.values()].sort(compareKeys);
}

/** A part of a change that consists of the files of some namespaces. */
export function coveredBy({ change, files }: SubjectChange, namespaces: readonly string[]): Set<string> {
  const covered = new Set(namespaces);
  if (!covered.has('')) return covered;
  for (const { namespace } of [...change.added, ...change.removed, ...change.refused]) {
    if (!files.has(namespace)) covered.add(namespace);
  }
  return covered;
}

/**
 * The namespaces whose files must be merged with the cluster's: those between which a permission moves, and those that
 * bind a ClusterRole of the cluster's file while that changes. Without it they would bind nothing.
 */
function togetherOf({ plan, change, files }: SubjectChange): ReadonlySet<string> {
  if (!files.has('')) return new Set(change.together);
  const objects = [...plan.approved.objects, ...change.objects];
  const roles = new Set(
    objects.filter(({ kind }) => kind === 'ClusterRole').map(({ metadata }) => metadata.name),
  );
  const bound = objects.flatMap((object) => {
    if (object.kind !== 'RoleBinding' || object.roleRef.kind !== 'ClusterRole') return [];
    return roles.has(object.roleRef.name) ? [placeOf(object)] : [];
  });
  return new Set([...change.together, ...(bound.length === 0 ? [] : ['', ...bound])]);
}

function ownerOf(
  { plan }: SubjectChange,
  namespace: string,
  { choices, codeowners, together }: Owned & { readonly together: ReadonlySet<string> },
): OwnerGroup {
  const scope = { cluster: plan.cluster.cluster, subject: plan.policy.subject, namespace };
  const own = groupOf(scope, choices, codeowners);
  if (!together.has(namespace)) return own;
  const home = groupOf({ ...scope, namespace: '' }, choices, codeowners);
  return { ...home, reviewers: union(home, own) };
}

function union(some: Pick<OwnerGroup, 'reviewers'>, others: Pick<OwnerGroup, 'reviewers'>): string[] {
  return [...new Set([...some.reviewers, ...others.reviewers])];
}
