import {
  type AuditResult,
  catalogue,
  type CheckInfo,
  createAuditor,
  ownersOf,
  type RbacFinding,
} from '@leastwise/findings';
import {
  type ClusterEvent,
  KubeError,
  keepViolations,
  type KeptViolations,
  type KubeObject,
  recordEvent,
  standingOf,
  type ViolationRemediation,
  violationObjects,
  type WantedViolation,
  type Writing,
} from '@leastwise/kube';
import { bootstrapDefaults, NEWEST_KUBERNETES } from '@leastwise/rbac';
import type { Log } from '@leastwise/runtime';

import type { ClusterView } from './cluster-view.ts';
import type { AuditorConfig } from './config.ts';
import type { IssueKeeper } from './issues.ts';
import type { AuditorMetrics } from './metrics.ts';
import type { HeldPolicy, PolicyHolder } from './policy-holder.ts';
import {
  AuditCounts,
  canBeCopied,
  copyOf,
  deleteBinding,
  planRemediation,
  remediationEvent,
  type RemediationPlan,
  remediationOf,
} from './remediate.ts';
import type { UnusedKeeper } from './unused-keeper.ts';

const HOUR_MS = 3_600_000;
/** In a cluster that is looked at for the first time there may be thousands: nobody reads that many events. */
const MAX_EVENTS = 100;
/** Who tells events. */
const SOURCE = 'leastwise.dev/auditor';
const CHECKS: ReadonlyMap<string, CheckInfo> = new Map(catalogue().map((info) => [info.id, info]));

/** What judging one cluster needs of its surroundings. */
export interface ClusterAuditorParts {
  readonly name: string;
  readonly view: ClusterView;
  readonly policy: PolicyHolder;
  readonly writing: Writing;
  readonly settings: Pick<AuditorConfig, 'resolvedDays' | 'remediation'>;
  /** Who the auditor is in this cluster. */
  readonly self: readonly { readonly kind: string; readonly namespace?: string; readonly name: string }[];
  readonly issues?: IssueKeeper | undefined;
  /** Knows what is unused, where somebody counts what is used. */
  readonly unused?: UnusedKeeper | undefined;
  readonly metrics: AuditorMetrics;
  readonly log: Log;
}

/** What is to be done in a step. */
export interface StepOptions {
  /** Whether this process is the one that writes. */
  readonly mayWrite: boolean;
  /** Whether everything was read anew since the last such step. */
  readonly isFull: boolean;
  /** Whether nothing that was asked to be read anew is outstanding. */
  readonly isConfirmed: boolean;
}

/** Judges what is known of one cluster, and writes what came of it. */
export class ClusterAuditor {
  readonly #parts: ClusterAuditorParts;
  readonly #auditor = createAuditor();
  readonly #counts = new AuditCounts();
  /** Violations that were told of and are still open. */
  #told: Set<string> | undefined;
  /** When bindings were deleted, in milliseconds since the epoch. */
  #deletedMs: number[] = [];
  /** By UID of a binding, what was said of it last. */
  readonly #sayings = new Map<string, string>();

  constructor(parts: ClusterAuditorParts) {
    this.#parts = parts;
  }

  /** @throws KubeError where the cluster cannot be written to; the next step makes up for it */
  async step({ mayWrite, isFull, isConfirmed }: StepOptions): Promise<void> {
    const { name, view, metrics, writing } = this.#parts;
    const held = this.#policy();
    if (isFull) await this.#parts.unused?.lookAgain(held.policy.thresholds.unusedDays);
    const startMs = performance.now();
    const result = this.#judge(held);
    metrics.audited(name, result, (performance.now() - startMs) / 1000);
    const wanted = violationObjects(result.findings, {
      catalogue: CHECKS,
      ownersOf: ({ namespace }) => ownersOf(held.policy, namespace),
    });
    metrics.standing(name, wanted);
    if (isFull) this.#counts.add(this.#found(result.findings));
    if (mayWrite) {
      const plans = this.#plans(held, result.findings);
      const kept = await this.#keep(wanted, plans);
      await this.#tell(kept, wanted);
      await this.#remediate(plans);
      this.#keepIssues(wanted, view);
    } else {
      this.#told = undefined;
    }
    if (isConfirmed) metrics.confirmed(name, writing.waiting.now());
  }

  #policy(): HeldPolicy {
    const { name, view, policy, metrics, log } = this.#parts;
    const { held, isNew } = policy.update(view.policy());
    if (isNew) {
      metrics.policyProblems(name, held.problems.length);
      for (const problem of held.problems)
        log.error('the violation policy is broken', { cluster: name, problem });
      if (held.problems.length === 0)
        log.info('the violation policy is in force', { cluster: name, isOwn: held.isCurrent });
    }
    return held;
  }

  #judge({ policy }: HeldPolicy): AuditResult {
    const { view, writing, unused } = this.#parts;
    const serviceAccounts = view.serviceAccounts();
    return this.#auditor.audit({
      objects: view.objects(),
      bootstrap: bootstrapDefaults(NEWEST_KUBERNETES),
      policy,
      known: { serviceAccounts, namespaces: view.namespaces() },
      serviceAccounts,
      unused: unused?.known ?? [],
      judgeUnboundRoles: false,
      nowMs: writing.waiting.now(),
    });
  }

  #found(findings: readonly RbacFinding[]): Set<KubeObject> {
    const found = new Set<KubeObject>();
    for (const { object } of findings) {
      const raw = this.#parts.view.raw(object.kind, object.namespace ?? '', object.name);
      if (raw) found.add(raw);
    }
    return found;
  }

  #plans(held: HeldPolicy, findings: readonly RbacFinding[]): RemediationPlan[] {
    const { view, settings, self, writing } = this.#parts;
    const nowMs = writing.waiting.now();
    this.#deletedMs = this.#deletedMs.filter((ms) => nowMs - ms < HOUR_MS);
    const written = [...view.violations().values()].filter((each) => {
      const { deletedMs } = standingOf(each);
      return deletedMs !== undefined && nowMs - deletedMs < HOUR_MS;
    });
    const { enabled, clusterRoleBindings, maxPerHour } = settings.remediation;
    return planRemediation({
      view,
      findings,
      auditsOf: (object) => this.#counts.of(object),
      settings: {
        ...{ enabled, clusterRoleBindings, maxPerHour, self },
        // While the owners' word cannot be read, nothing is deleted by an older one.
        rules: held.isCurrent ? held.policy.remediation.rules : [],
        deletedLastHour: Math.max(this.#deletedMs.length, written.length),
      },
    }).filter((plan) => plan.verdict.action === 'refuse' || canBeCopied(plan));
  }

  async #keep(
    wanted: readonly WantedViolation[],
    plans: readonly RemediationPlan[],
  ): Promise<KeptViolations> {
    const { view, writing, settings } = this.#parts;
    const nowMs = writing.waiting.now();
    const { dryRun } = settings.remediation;
    const remediated = new Map<string, ViolationRemediation>();
    const standing = new Map([...view.violations().values()].map((each) => [each.name, standingOf(each)]));
    for (const plan of plans) {
      const remediation = remediationOf(plan, { dryRun, nowMs });
      for (const name of plan.violations) {
        const before = standing.get(name);
        const isSame = before?.remediation === `${remediation.action}: ${remediation.reason}`;
        // A copy is written each time before something is deleted; what is only said is said once.
        if (!isSame || remediation.action === 'deleted') remediated.set(name, remediation);
      }
    }
    const { resolvedDays } = settings;
    return await keepViolations(view.violations(), wanted, { writing, nowMs, resolvedDays, remediated });
  }

  /** What came up is told once, though what is written shows in what is watched a moment later. */
  async #tell(kept: KeptViolations, wanted: readonly WantedViolation[]): Promise<void> {
    const { name, log, metrics } = this.#parts;
    for (const { name: violation, error } of kept.failed) {
      metrics.failed(name, error.failure);
      log.warn('a violation could not be written', { cluster: name, violation, err: error });
    }
    const told = this.#told ?? this.#standingOpen();
    const open = wanted.filter(({ suppressed }) => suppressed === undefined);
    const next = new Set<string>();
    let events = 0;
    for (const each of open) {
      const violation = each.violation.metadata.name;
      next.add(violation);
      if (told.has(violation)) continue;
      metrics.opened(each);
      log.warn('a violation came up', { cluster: name, violation, rule: each.violation.spec.rule });
      events += 1;
      if (events <= MAX_EVENTS)
        await this.#event(each, 'Warning', 'RBACViolation', each.violation.spec.message);
    }
    if (events > MAX_EVENTS) {
      log.warn('more came up than events are told of: see the violations', {
        cluster: name,
        violations: events,
      });
    }
    for (const violation of told) {
      if (!next.has(violation)) log.info('a violation is gone', { cluster: name, violation });
    }
    this.#told = next;
  }

  #standingOpen(): Set<string> {
    const open = [...this.#parts.view.violations().values()].filter((each) => standingOf(each).isOpen);
    return new Set(open.map(({ name }) => name));
  }

  async #event(
    { violation }: WantedViolation,
    type: 'Normal' | 'Warning',
    reason: string,
    note: string,
  ): Promise<void> {
    const { kind, namespace, name, uid } = violation.spec.object;
    await this.#record({
      regarding: {
        apiVersion: kind === 'ServiceAccount' ? 'v1' : 'rbac.authorization.k8s.io/v1',
        kind,
        name,
        ...(namespace === undefined ? {} : { namespace }),
        ...(uid === undefined ? {} : { uid }),
      },
      ...{ type, reason, action: 'Audit', note: `${violation.spec.rule}: ${note}` },
    });
  }

  /** An event that cannot be told changes nothing: the violation stands. */
  async #record(event: ClusterEvent): Promise<void> {
    const { name, writing, metrics, log } = this.#parts;
    try {
      await recordEvent(writing, SOURCE, event);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      metrics.failed(name, error.failure);
      log.warn('an event could not be told', { cluster: name, err: error });
    }
  }

  async #remediate(plans: readonly RemediationPlan[]): Promise<void> {
    const { settings } = this.#parts;
    // What is not looked after any more need not be remembered.
    const uids = new Set(plans.map(({ object }) => object.uid));
    for (const uid of this.#sayings.keys()) if (!uids.has(uid)) this.#sayings.delete(uid);
    for (const plan of plans) {
      if (plan.verdict.action === 'refuse') await this.#said(plan, 'refused', plan.verdict.reason);
      else if (settings.remediation.dryRun)
        await this.#said(plan, 'would-delete', plan.verdict.rules.join(', '));
      else await this.#delete(plan);
    }
  }

  /** Said once for each version of an object. */
  async #said(plan: RemediationPlan, result: 'refused' | 'would-delete', why: string): Promise<void> {
    const { uid, resourceVersion } = plan.object;
    const saying = `${resourceVersion} ${result} ${why}`;
    if (this.#sayings.get(uid) === saying) return;
    this.#sayings.set(uid, saying);
    this.#parts.metrics.remediated(result);
    const note = result === 'refused' ? `not deleted: ${why}` : `would be deleted for ${why}`;
    await this.#record(remediationEvent(plan, 'Normal', note));
  }

  async #delete(plan: RemediationPlan): Promise<void> {
    const { name, writing, metrics, log } = this.#parts;
    const { namespace, name: binding } = plan.object;
    // Counted before it is tried: what became of a request that got no answer nobody knows.
    this.#deletedMs.push(writing.waiting.now());
    let isDeleted = false;
    try {
      isDeleted = await deleteBinding(writing, plan);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      metrics.failed(name, error.failure);
      log.error('a binding could not be deleted', { cluster: name, namespace, binding, err: error });
    }
    metrics.remediated(isDeleted ? 'deleted' : 'failed');
    if (!isDeleted) return;
    log.warn('a binding was deleted', { cluster: name, kind: plan.kind, namespace, binding });
    const rules = plan.verdict.action === 'delete' ? plan.verdict.rules.join(', ') : '';
    await this.#record(
      remediationEvent(plan, 'Warning', `deleted for ${rules}; a copy is in the status of its RBACViolation`),
    );
  }

  #keepIssues(wanted: readonly WantedViolation[], view: ClusterView): void {
    const { issues } = this.#parts;
    if (!issues) return;
    const resolved = [...view.violations().values()].filter((each) => standingOf(each).isResolved);
    const manifestOf = ({ violation }: WantedViolation): string | undefined => {
      const { kind, namespace = '', name } = violation.spec.object;
      const raw = view.raw(kind, namespace, name);
      return raw && isBindingOrRole(kind) ? copyOf(kind, raw) : undefined;
    };
    void issues.keep(
      wanted,
      resolved.map(({ name }) => name),
      manifestOf,
    );
  }
}

function isBindingOrRole(
  kind: string,
): kind is 'Role' | 'ClusterRole' | 'RoleBinding' | 'ClusterRoleBinding' {
  return ['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding'].includes(kind);
}
