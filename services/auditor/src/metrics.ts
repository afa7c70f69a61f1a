import type { AuditResult, FindingSeverity } from '@leastwise/findings';
import { FINDING_SEVERITIES } from '@leastwise/findings';
import { KUBE_FAILURES, type KubeFailure, type WantedViolation } from '@leastwise/kube';
import type { Counter, Gauge, Histogram, Metrics } from '@leastwise/runtime';

import { REMEDIATION_RESULTS, type RemediationResult } from './remediate.ts';

const KINDS = ['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding', 'ServiceAccount'] as const;
const ISSUE_RESULTS = ['kept', 'failed'] as const;

/** Most clusters of one auditor have far fewer; what is beyond is counted as `other`. */
const MAX_CLUSTERS = 200;
const MAX_RULES = 100;
const MAX_NAMES = 500;

/** What an auditor tells of itself, and of what it found. */
export class AuditorMetrics {
  readonly #opened: Counter<{ namespace: string; kind: string; name: string; rule: string }>;
  readonly #open: Gauge<{ cluster: string; severity: string; rule: string; kind: string }>;
  readonly #lastAudit: Gauge<{ cluster: string }>;
  readonly #scanned: Counter<{ cluster: string }>;
  readonly #seconds: Histogram<object>;
  readonly #errors: Counter<{ cluster: string; failure: string }>;
  readonly #policyProblems: Gauge<{ cluster: string }>;
  readonly #remediations: Counter<{ result: string }>;
  readonly #issues: Counter<{ result: string }>;
  /** By cluster, what is open: the gauge is set anew for all of them. */
  readonly #standing = new Map<string, readonly WantedViolation[]>();

  /** @param isLeader - asked at each scrape: whether this process is the one that writes, by cluster */
  constructor(metrics: Metrics, isLeader: () => ReadonlyMap<string, boolean>) {
    const cluster = { cluster: { max: MAX_CLUSTERS } };
    this.#opened = metrics.counter({
      name: 'rbac_violations_total',
      hasGivenName: true,
      help: 'Violations that came up, by the object that they are about. A rise is one more to look at.',
      labels: { kind: KINDS },
      openLabels: { namespace: { max: MAX_NAMES }, name: { max: MAX_NAMES }, rule: { max: MAX_RULES } },
    });
    this.#open = metrics.gauge({
      name: 'rbac_open_violations',
      hasGivenName: true,
      help: 'Violations that are open now; suppressed ones are not among them.',
      labels: { severity: FINDING_SEVERITIES, kind: KINDS },
      openLabels: { ...cluster, rule: { max: MAX_RULES } },
    });
    this.#lastAudit = metrics.gauge({
      name: 'rbac_last_audit_timestamp',
      hasGivenName: true,
      help: 'When everything of a cluster was judged last, in seconds since the epoch. If it stands still, nobody looks.',
      openLabels: cluster,
    });
    this.#scanned = metrics.counter({
      name: 'rbac_bindings_scanned_total',
      hasGivenName: true,
      help: 'Bindings that were judged, each time anew. If it stands still, nobody looks.',
      openLabels: cluster,
    });
    this.#seconds = metrics.histogram({
      name: 'leastwise_auditor_audit_seconds',
      help: 'Time of one audit, without writing. A rise means that the cluster has more bindings, or the machine less time.',
    });
    this.#errors = metrics.counter({
      name: 'leastwise_auditor_errors_total',
      help: 'Requests to API servers that failed for good. A rise of forbidden means a role that lacks rules.',
      labels: { failure: KUBE_FAILURES },
      openLabels: cluster,
    });
    this.#policyProblems = metrics.gauge({
      name: 'leastwise_auditor_policy_problems',
      help: 'Things that are wrong with the violation policy of a cluster: the last good one is in force until there are none.',
      openLabels: cluster,
    });
    this.#remediations = metrics.counter({
      name: 'leastwise_auditor_remediations_total',
      help: 'Bindings that asked to be deleted, by what became of them.',
      labels: { result: REMEDIATION_RESULTS },
    });
    this.#issues = metrics.counter({
      name: 'leastwise_auditor_issues_total',
      help: 'Issues that were opened, updated or closed, and those that the forge failed.',
      labels: { result: ISSUE_RESULTS },
    });
    tellLeases(metrics, isLeader);
  }

  /** An audit of everything was made. */
  audited(cluster: string, { scanned }: Pick<AuditResult, 'scanned'>, seconds: number): void {
    this.#scanned.inc({ cluster }, scanned.bindings);
    this.#seconds.observe(seconds);
  }

  /** What was audited was all that there is, at this time. */
  confirmed(cluster: string, nowMs: number): void {
    this.#lastAudit.set({ cluster }, nowMs / 1000);
  }

  /** What is open now. */
  standing(cluster: string, violations: readonly WantedViolation[]): void {
    this.#standing.set(cluster, violations);
    this.#open.reset();
    for (const [name, all] of this.#standing) {
      for (const [labels, count] of countOpen(all)) this.#open.set({ cluster: name, ...labels }, count);
    }
  }

  /** A violation came up. */
  opened({ violation: { spec } }: WantedViolation): void {
    const { rule, object } = spec;
    this.#opened.inc({
      namespace: object.namespace ?? '',
      kind: kindOf(object.kind),
      name: object.name,
      rule,
    });
  }

  failed(cluster: string, failure: KubeFailure): void {
    this.#errors.inc({ cluster, failure });
  }

  policyProblems(cluster: string, count: number): void {
    this.#policyProblems.set({ cluster }, count);
  }

  remediated(result: RemediationResult): void {
    this.#remediations.inc({ result });
  }

  issue(result: (typeof ISSUE_RESULTS)[number]): void {
    this.#issues.inc({ result });
  }
}

function tellLeases(metrics: Metrics, isLeader: () => ReadonlyMap<string, boolean>): void {
  metrics.gauge({
    name: 'leastwise_auditor_held_leases',
    help: '1 in the process that writes to a cluster, 0 in those that stand by. No 1 anywhere means that nobody writes.',
    openLabels: { cluster: { max: MAX_CLUSTERS } },
    collect: (gauge) => {
      for (const [name, isOurs] of isLeader()) gauge.set({ cluster: name }, Number(isOurs));
    },
  });
}

function kindOf(kind: string): (typeof KINDS)[number] {
  // What is not known is counted as `other` by the registry.
  return kind as (typeof KINDS)[number];
}

interface OpenLabels {
  readonly severity: FindingSeverity;
  readonly rule: string;
  readonly kind: (typeof KINDS)[number];
}

function countOpen(violations: readonly WantedViolation[]): [OpenLabels, number][] {
  const counts = new Map<string, [OpenLabels, number]>();
  for (const { violation, suppressed } of violations) {
    if (suppressed) continue;
    const { severity, rule, object } = violation.spec;
    const known = FINDING_SEVERITIES.find((each) => each === severity) ?? 'INFO';
    const labels = { severity: known, rule, kind: kindOf(object.kind) };
    const key = JSON.stringify(labels);
    const entry = counts.get(key) ?? [labels, 0];
    entry[1] += 1;
    counts.set(key, entry);
  }
  return [...counts.values()];
}
