import {
  decideRemediation,
  type RbacFinding,
  type RemediationSettings,
  type RemediationVerdict,
} from '@leastwise/findings';
import {
  type ClusterEvent,
  deleteExactly,
  type KubeObject,
  RBAC_PATHS,
  type RbacKind,
  toRbacObject,
  valueAt,
  violationName,
  type ViolationRemediation,
  type Writing,
} from '@leastwise/kube';

import type { ClusterView } from './cluster-view.ts';

/** What becomes of a binding that asked to be deleted; a closed set. */
export const REMEDIATION_RESULTS = ['deleted', 'would-delete', 'refused', 'failed'] as const;
/** One of {@link REMEDIATION_RESULTS}. */
export type RemediationResult = (typeof REMEDIATION_RESULTS)[number];

/** One binding that is to be looked after. */
export interface RemediationPlan {
  readonly kind: 'RoleBinding' | 'ClusterRoleBinding';
  readonly object: KubeObject;
  readonly verdict: Exclude<RemediationVerdict, { action: 'none' }>;
  /** The violations that it is about. */
  readonly violations: readonly string[];
}

/** What a plan is made with. */
export interface PlanInput {
  readonly view: Pick<ClusterView, 'raw'>;
  readonly findings: readonly RbacFinding[];
  readonly settings: RemediationSettings;
  /** In how many complete audits one after the other this very version of an object was found. */
  readonly auditsOf: (object: KubeObject) => number;
}

function hasOwners({ value }: KubeObject): boolean {
  const owners = valueAt(value, 'metadata', 'ownerReferences');
  return Array.isArray(owners) && owners.length > 0;
}

/** The bindings that asked to be deleted and were found, with what is to become of each; worst first. */
export function planRemediation({ view, findings, settings, auditsOf }: PlanInput): RemediationPlan[] {
  const groups = new Map<KubeObject, { kind: RemediationPlan['kind']; findings: RbacFinding[] }>();
  for (const finding of findings) {
    const { kind, namespace = '', name } = finding.object;
    if (kind !== 'RoleBinding' && kind !== 'ClusterRoleBinding') continue;
    const object = view.raw(kind, namespace, name);
    if (!object) continue;
    const group = groups.get(object);
    if (group) group.findings.push(finding);
    else groups.set(object, { kind, findings: [finding] });
  }
  let { deletedLastHour } = settings;
  const plans: RemediationPlan[] = [];
  for (const [object, { kind, findings: own }] of groups) {
    const verdict = decideRemediation(
      {
        object: toRbacObject(kind, object.value),
        hasOwnerReferences: hasOwners(object),
        findings: own,
        audits: auditsOf(object),
      },
      { ...settings, deletedLastHour },
    );
    if (verdict.action === 'none') continue;
    if (verdict.action === 'delete') deletedLastHour += 1;
    const rules = verdict.action === 'delete' ? verdict.rules : settings.rules;
    const named = own.filter(({ check }) => rules.includes(check));
    const violations = [
      ...new Set(named.map(({ check, object: about }) => violationName(check, about))),
    ].sort();
    plans.push({ kind, object, verdict, violations });
  }
  return plans;
}

/** Who wrote what is not part of an object. */
const NOT_OURS = ['managedFields', 'resourceVersion', 'uid', 'creationTimestamp', 'generation', 'selfLink'];

/** An object as it can be applied again: JSON, which is YAML. */
export function copyOf(kind: RbacKind, { value }: KubeObject): string {
  const kept = Object.entries(valueAt(value, 'metadata') ?? {}).filter(([key]) => !NOT_OURS.includes(key));
  const copy = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind,
    ...value,
    metadata: Object.fromEntries(kept),
  };
  return JSON.stringify(copy, null, 2);
}

/** As long as a violation's status takes. */
const MAX_COPY = 200_000;

/** What a violation's status is to say of a plan. */
export function remediationOf(
  { kind, object, verdict }: RemediationPlan,
  { dryRun, nowMs }: { readonly dryRun: boolean; readonly nowMs: number },
): ViolationRemediation {
  const at = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
  if (verdict.action === 'refuse') return { action: 'refused', reason: verdict.reason, at };
  const reason = `found by ${verdict.rules.join(', ')}`;
  if (dryRun) return { action: 'would delete', reason, at };
  return { action: 'deleted', reason, at, copy: copyOf(kind, object) };
}

/** Whether a copy of it can be kept. What cannot be undone is not done. */
export function canBeCopied({ kind, object }: RemediationPlan): boolean {
  return copyOf(kind, object).length <= MAX_COPY;
}

/** Deletes a binding as it was seen. @returns false where it changed in between, or is gone */
export async function deleteBinding(writing: Writing, { kind, object }: RemediationPlan): Promise<boolean> {
  const { namespace, name } = object;
  const collection = RBAC_PATHS[kind];
  const at = collection.lastIndexOf('/');
  const inNamespace = namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  const path = `${collection.slice(0, at)}${inNamespace}${collection.slice(at)}/${encodeURIComponent(name)}`;
  return await deleteExactly(writing, path, object);
}

/** What is told of a binding that asked to be deleted. */
export function remediationEvent(
  { kind, object }: RemediationPlan,
  type: ClusterEvent['type'],
  note: string,
): ClusterEvent {
  const { namespace, name, uid } = object;
  const regarding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind,
    name,
    uid,
    ...(namespace === '' ? {} : { namespace }),
  };
  return { regarding, type, reason: 'RBACRemediation', action: 'Remediate', note };
}

/** Counts in how many complete audits one after the other each version of an object was found. */
export class AuditCounts {
  #counts = new Map<string, number>();

  /** A complete audit found something of these objects. */
  add(found: Iterable<KubeObject>): void {
    const next = new Map<string, number>();
    for (const object of found) {
      const key = `${object.uid}@${object.resourceVersion}`;
      next.set(key, (this.#counts.get(key) ?? 0) + 1);
    }
    this.#counts = next;
  }

  of({ uid, resourceVersion }: KubeObject): number {
    return this.#counts.get(`${uid}@${resourceVersion}`) ?? 0;
  }
}
