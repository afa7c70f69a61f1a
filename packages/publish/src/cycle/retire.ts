import { impliedGroups } from '@leastwise/audit-event';
import {
  type Authorizer,
  bootstrapDefaults,
  type Cell,
  type ClusterState,
  createAuthorizer,
  emptyEvidence,
  findRetirable,
  type ManagedSubject,
  objectKey,
  type Retirable,
} from '@leastwise/rbac';

import { groupOf, type OwnerGroup } from '../team/index.ts';
import { placeOf } from './approved-files.ts';
import { grantedCells, grantSize } from './granted-cells.ts';
import type { Owned } from './groups.ts';
import type { Scores } from './scores.ts';
import type { SubjectPlan } from './subjects.ts';
import type { CycleSettings } from './types.ts';

/** Those who review something in one cluster. */
export interface ClusterOwner extends OwnerGroup {
  readonly cluster: string;
}

/** A binding that nobody whom we manage needs any more, and who is to retire it. */
export interface RetirableEntry {
  readonly owner: ClusterOwner;
  readonly retirable: Retirable;
}

/** All that the retiring of old bindings rests on. */
export interface RetirementScene {
  readonly clusters: readonly ClusterState[];
  readonly plans: readonly SubjectPlan[];
  /** Those of them that were observable for long enough. */
  readonly observable: readonly SubjectPlan[];
  readonly owned: Owned;
  readonly settings: CycleSettings;
  readonly scores: Scores;
}

/**
 * The old bindings that may be retired in the clusters whose RBAC is known, each for the group that reviews the policies
 * by which it was replaced: in the binding's own namespace, else the first one of the subject's. Bindings of groups
 * are left out: whether their other members need them, nobody knows. What the audit policy does not log counts as needed:
 * an old binding stays as long as nothing else grants that.
 */
export function findEntries({ clusters, observable, owned, settings }: RetirementScene): RetirableEntry[] {
  return clusters.flatMap((cluster) => {
    const existing = settings.existing?.get(cluster.cluster);
    const plans = observable.filter((plan) => plan.cluster === cluster && plan.approved.files.length > 0);
    const [first] = plans;
    if (existing === undefined || first === undefined) return [];
    const defaults = bootstrapDefaults(first.options.kubernetesVersion);
    const authorizer = createAuthorizer([...defaults, ...existing]);
    const subjects = plans.map((plan): ManagedSubject => ({
      subject: plan.policy.subject,
      own: plan.approved.objects,
      wanted: withUnlogged(plan, authorizer, settings),
    }));
    return findRetirable({ existing, defaults, subjects })
      .filter(({ action }) => action !== 'via-group')
      .map((retirable) => ({ owner: ownerOf(retirable, plans, owned), retirable }));
  });
}

/** How many permissions of one subject are looked into; beyond, all that it holds is taken to be needed. */
const MAX_HELD = 20_000;

/** What a subject needs, and what it holds of which the audit policy does not log every use: as if that were used. */
function withUnlogged(
  { cluster, policy }: SubjectPlan,
  authorizer: Authorizer,
  { auditPolicies }: CycleSettings,
): ManagedSubject['wanted'] {
  const sight = auditPolicies?.get(cluster.cluster)?.of(policy.subject);
  if (sight === undefined) return policy;
  const held = authorizer.rulesFor(policy.subject, impliedGroups(policy.subject));
  if (held.reduce((sum, granted) => sum + grantSize(granted), 0) > MAX_HELD)
    return { ...policy, isIncomplete: true };
  const unlogged = [...grantedCells(held)].filter((cell) => sight.sightOf(cell).sight !== 'logged');
  const asNeeded = (cell: Cell) =>
    ({ class: 'withheld', cell, detail: '', evidence: emptyEvidence() }) as const;
  return { ...policy, exceptions: [...policy.exceptions, ...unlogged.map(asNeeded)] };
}

/** Everybody who reviews files in a cluster whose RBAC is known: each may have something to retire. */
export function retirementOwners({ plans, owned, settings }: RetirementScene): ClusterOwner[] {
  const owners = new Map<string, ClusterOwner>();
  for (const { cluster, policy, approved } of plans) {
    if (settings.existing?.has(cluster.cluster) !== true) continue;
    for (const { namespace } of approved.files) {
      const scope = { cluster: cluster.cluster, subject: policy.subject, namespace };
      const owner = { cluster: cluster.cluster, ...groupOf(scope, owned.choices, owned.codeowners) };
      if (!owners.has(ownerKey(owner))) owners.set(ownerKey(owner), owner);
    }
  }
  return [...owners].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, owner]) => owner);
}

/** A key that only one group of one cluster has. */
export function ownerKey({ cluster, group }: Pick<ClusterOwner, 'cluster' | 'group'>): string {
  return JSON.stringify([cluster, group]);
}

function ownerOf(
  { binding, released }: Retirable,
  plans: readonly SubjectPlan[],
  owned: Owned,
): ClusterOwner {
  const [subject] = released;
  const plan = plans.find(({ policy }) => policy.subject === subject) ?? plans[0];
  if (plan === undefined) throw new RangeError('a binding that nobody is released from');
  const namespaces = plan.approved.files.map((file) => file.namespace).sort();
  const own = placeOf(binding);
  const namespace = namespaces.includes(own) ? own : (namespaces[0] ?? '');
  const cluster = plan.cluster.cluster;
  const scope = { cluster, subject: plan.policy.subject, namespace };
  return { cluster, ...groupOf(scope, owned.choices, owned.codeowners) };
}

/**
 * Whether a binding may go wherever it is: a manifest outside of the clusters' folders does not say which clusters it
 * is applied to, so all that are known must be able to do without it, and the RBAC of each must be known.
 */
export function isRetirableEverywhere(
  { retirable }: RetirableEntry,
  entries: readonly RetirableEntry[],
  { clusters, settings }: RetirementScene,
): boolean {
  const key = objectKey(retirable.binding);
  return clusters.every(({ cluster }) => {
    const existing = settings.existing?.get(cluster);
    if (existing === undefined) return false;
    if (!existing.some((object) => objectKey(object) === key)) return true;
    return entries.some(
      (each) =>
        each.owner.cluster === cluster &&
        each.retirable.action === 'delete-binding' &&
        objectKey(each.retirable.binding) === key,
    );
  });
}
