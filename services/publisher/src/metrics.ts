import { KUBE_FAILURES, type KubeFailure, type ReportOutcome } from '@leastwise/kube';
import type {
  CycleOutcome,
  HoldReason,
  ForgeFailure,
  LeftOutReason,
  ReviewAction,
  WithheldReason,
} from '@leastwise/publish';
import type { SubjectScore } from '@leastwise/rbac';
import type { Counter, Gauge, Histogram, Metrics } from '@leastwise/runtime';

import { CYCLE_OUTCOMES, type CycleResult, forgeErrorsOf } from './outcome.ts';
import type { Phase } from './progress.ts';
import { PULL_REQUEST_STATES, pullRequestStates } from './pull-request-states.ts';

const ACTIONS = [
  'push',
  'open',
  'update',
  'close',
  'remove-branch',
  'leave',
] as const satisfies ReviewAction['action'][];

const FAILURES = [
  'unreachable',
  'rate-limited',
  'unauthorized',
  'not-found',
  'refused',
  'conflict',
  'unexpected',
] as const satisfies ForgeFailure[];

/** What becomes of policy reports in clusters; a closed set. */
export const POLICY_REPORT_RESULTS = [
  'created',
  'changed',
  'unchanged',
  'deleted',
  'failed',
] as const satisfies ReportOutcome['result'][];

const WITHHELD = [
  ...(['ignored', 'system', 'node', 'system-masters', 'bootstrap-defaults'] satisfies LeftOutReason[]),
  ...(['refused', 'unreadable', 'foreign-file', 'held'] satisfies WithheldReason[]),
] as const;

const WAITS = [
  'unknown-subject',
  'too-new',
  'inactive',
  'gap',
  'lost-events',
  'silent',
  'incomplete',
  'not-logged',
] as const satisfies HoldReason[];

/** The label of a pull request that grants something dangerous. */
const RISK_LABEL = 'leastwise/risk';

/** Bands of compliance scores, and `unknown` where nothing can be said. */
const BANDS = ['green', 'yellow', 'red', 'unknown'] as const;
const MAX_CLUSTERS = 100;

/** A large state takes minutes. */
const SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800];

interface Gauges {
  readonly actions: Gauge<{ action: string }>;
  readonly pullRequests: Gauge<{ state: string }>;
  readonly withheld: Gauge<{ reason: string }>;
  readonly waiting: Gauge<{ reason: string }>;
  readonly risky: Gauge<object>;
  readonly score: Gauge<{ cluster: string }>;
  readonly scored: Gauge<{ cluster: string; band: string }>;
}

/** How much of what a subject is granted it used, as far as metrics tell: not whose score it is. */
export type ScoreInMetrics = Pick<SubjectScore, 'score' | 'severity'>;

/** What a publisher tells of itself. */
export class PublisherMetrics {
  readonly #cycles: Counter<{ outcome: string }>;
  readonly #forgeErrors: Counter<{ failure: string }>;
  readonly #reports: Counter<{ result: string }>;
  readonly #reportErrors: Counter<{ failure: string }>;
  readonly #lastSuccess: Gauge<object>;
  readonly #renderSeconds: Histogram<object>;
  readonly #verifySeconds: Histogram<object>;
  readonly #gauges: Gauges;

  /** @param isLeader - asked at each scrape: whether this process is the one that publishes */
  constructor(metrics: Metrics, isLeader: () => boolean) {
    this.#cycles = metrics.counter({
      name: 'leastwise_publisher_cycles_total',
      help: 'Cycles by how they ended. A rise of anything but done and standby wants a look at the log.',
      labels: { outcome: CYCLE_OUTCOMES },
    });
    this.#forgeErrors = metrics.counter({
      name: 'leastwise_publisher_forge_errors_total',
      help: 'Calls that the forge or the remote failed. A rise of unauthorized means a token that ended.',
      labels: { failure: FAILURES },
    });
    this.#reports = metrics.counter({
      name: 'leastwise_publisher_policy_reports_total',
      help: 'Policy reports in clusters by what became of them. A rise of failed wants a look at the log.',
      labels: { result: POLICY_REPORT_RESULTS },
    });
    this.#reportErrors = metrics.counter({
      name: 'leastwise_publisher_policy_report_errors_total',
      help: 'Clusters, and reports in them, that could not be written. A rise of forbidden means a role that lacks rules.',
      labels: { failure: KUBE_FAILURES },
    });
    this.#lastSuccess = metrics.gauge({
      name: 'leastwise_publisher_last_success_timestamp_seconds',
      help: 'When the last cycle ended in which everything was as planned. If it stands still, nothing is kept current.',
    });
    const seconds = { buckets: SECONDS };
    this.#renderSeconds = metrics.histogram({
      name: 'leastwise_publisher_render_seconds',
      help: 'Time of a cycle for inferring and rendering. A rise means that the state has grown.',
      ...seconds,
    });
    this.#verifySeconds = metrics.histogram({
      name: 'leastwise_publisher_verify_seconds',
      help: 'Time of a cycle for proving what is proposed. A rise means that the state has grown.',
      ...seconds,
    });
    this.#gauges = makeGauges(metrics);
    metrics.gauge({
      name: 'leastwise_publisher_held_leases',
      help: '1 in the process that publishes, 0 in those that stand by. No 1 anywhere means that nobody publishes.',
      collect: (gauge) => gauge.set(Number(isLeader())),
    });
  }

  /** One cycle ended. */
  count(result: CycleResult, nowMs: number): void {
    this.#cycles.inc({ outcome: result });
    if (result === 'done') this.#lastSuccess.set(nowMs / 1000);
  }

  /** A failure of the forge ended a cycle. */
  countForgeError(failure: ForgeFailure): void {
    this.#forgeErrors.inc({ failure });
  }

  /** Policy reports were looked after. */
  countReports(outcomes: readonly Pick<ReportOutcome, 'result'>[]): void {
    for (const { result } of outcomes) this.#reports.inc({ result });
  }

  /** A cluster did not take one of its policy reports, or any. */
  countReportError(failure: KubeFailure): void {
    this.#reportErrors.inc({ failure });
  }

  /** What a cycle found and did. */
  tell(outcome: CycleOutcome, base: string): void {
    const { actions, pullRequests, withheld, waiting, risky } = this.#gauges;
    for (const { failure } of forgeErrorsOf(outcome)) this.countForgeError(failure);
    const planned = countBy(outcome.plan.actions.map(({ action }) => action));
    for (const action of ACTIONS) actions.set({ action }, planned.get(action) ?? 0);
    const states = countBy(pullRequestStates(outcome, base).values());
    for (const state of PULL_REQUEST_STATES) pullRequests.set({ state }, states.get(state) ?? 0);
    for (const reason of WITHHELD) withheld.set({ reason }, outcome.withheld.get(reason) ?? 0);
    for (const reason of WAITS) waiting.set({ reason }, outcome.waiting.get(reason) ?? 0);
    risky.set(outcome.proposals.filter(({ labels }) => labels.includes(RISK_LABEL)).length);
  }

  /** The scores of all subjects of a cluster whose RBAC is known. */
  tellScores(cluster: string, scores: readonly ScoreInMetrics[]): void {
    const { score: mean, scored } = this.#gauges;
    const bands = countBy(scores.map(bandOf));
    for (const band of BANDS) scored.set({ cluster, band }, bands.get(band) ?? 0);
    const known = scores.flatMap(({ score }) => score ?? []);
    // Of none it is no number, which says so.
    mean.set({ cluster }, known.reduce((sum, each) => sum + each, 0) / known.length / 100);
  }

  /** How long the phases of a cycle took. */
  time(seconds: ReadonlyMap<Phase, number>): void {
    const [infer, verify, propose] = [seconds.get('infer'), seconds.get('verify'), seconds.get('propose')];
    if (infer !== undefined || propose !== undefined)
      this.#renderSeconds.observe((infer ?? 0) + (propose ?? 0));
    if (verify !== undefined) this.#verifySeconds.observe(verify);
  }
}

function makeGauges(metrics: Metrics): Gauges {
  return {
    actions: metrics.gauge({
      name: 'leastwise_publisher_plan_actions',
      help: 'What the last cycle planned, by kind. Many at once mean that much has changed, or a new knob.',
      labels: { action: ACTIONS },
    }),
    pullRequests: metrics.gauge({
      name: 'leastwise_publisher_pull_requests',
      help: 'Our branches by how they stand. A rise of waiting means that nobody merges.',
      labels: { state: PULL_REQUEST_STATES },
    }),
    withheld: metrics.gauge({
      name: 'leastwise_publisher_withheld_subjects',
      help: 'Subjects that nothing is proposed for, by reason. Any refused or unreadable ones want a person.',
      labels: { reason: WITHHELD },
    }),
    waiting: metrics.gauge({
      name: 'leastwise_publisher_waiting_removals',
      help: 'Subjects with something unused that may not be removed yet, by reason; lost-events and not-logged do not end by themselves.',
      labels: { reason: WAITS },
    }),
    risky: metrics.gauge({
      name: 'leastwise_publisher_risky_proposals',
      help: 'Proposals that grant something dangerous, until they are merged or moot. Any of them wants a careful reviewer.',
    }),
    ...makeScoreGauges(metrics),
  };
}

function makeScoreGauges(metrics: Metrics): Pick<Gauges, 'score' | 'scored'> {
  const openLabels = { cluster: { max: MAX_CLUSTERS } };
  return {
    score: metrics.gauge({
      name: 'leastwise_publisher_compliance_score_ratio',
      help: 'Mean over the subjects of a cluster of how much of what they are granted was used. A fall means broader RBAC.',
      openLabels,
    }),
    scored: metrics.gauge({
      name: 'leastwise_publisher_scored_subjects',
      help: 'Subjects of a cluster by the band of their compliance score. Red ones are granted far more than they use.',
      labels: { band: BANDS },
      openLabels,
    }),
  };
}

function bandOf({ severity }: ScoreInMetrics): (typeof BANDS)[number] {
  return BANDS.find((band) => band === severity?.toLowerCase()) ?? 'unknown';
}

function countBy<T>(values: Iterable<T>): Map<T, number> {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
