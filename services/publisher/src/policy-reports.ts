import { setImmediate, setTimeout as sleep } from 'node:timers/promises';

import {
  applyPolicyReports,
  type Cluster,
  KubeError,
  openCluster,
  policyReportObject,
  type ReportOutcome,
  type SubjectPolicyReport,
  type Waiting,
} from '@leastwise/kube';
import type { CycleOutcome, ManagedPolicy } from '@leastwise/publish';
import type { SubjectScore, SubjectState } from '@leastwise/rbac';
import type { Log } from '@leastwise/runtime';

import type { PublisherConfig } from './config.ts';
import { POLICY_REPORT_RESULTS, type PublisherMetrics } from './metrics.ts';

/** A cluster that reports are kept in. */
export interface ReportTarget {
  /** Its name in the state. */
  readonly cluster: string;
  /** @throws KubeError (`configuration`) */
  readonly open: () => Promise<Cluster>;
}

/** What writing reports needs of its surroundings. */
export interface ReportPorts {
  readonly targets: readonly ReportTarget[];
  /** Where the reports of users and groups are kept. */
  readonly namespace: string;
  readonly metrics: Pick<PublisherMetrics, 'countReports' | 'countReportError' | 'tellScores'>;
  readonly log: Log;
  /** Told at every sign of life; what it throws ends the writing between two reports. */
  readonly goOn: () => void;
  readonly waiting: Waiting;
}

/** What reports are made of. */
type Inferred = Pick<CycleOutcome, 'policies' | 'scores'>;

/** Below what a graceful stop takes: a request that is under way is waited for. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Clusters that are written to at the same time: one that does not answer keeps few others waiting. */
const TARGETS_AT_ONCE = 4;
/** How many reports are made in one go: others who share the process want to answer in between. */
const REPORTS_AT_ONCE = 16;
const MAX_LOGGED = 20;

/** The clusters of a configuration; each is opened anew for every cycle, so that what is in its files may be replaced. */
export function reportTargets({ clusters }: PublisherConfig['policyReports']): readonly ReportTarget[] {
  return Object.entries(clusters).map(([cluster, { kubeconfigFile, context }]) => ({
    cluster,
    open: () => openCluster({ kubeconfigFile, context, timeoutMs: REQUEST_TIMEOUT_MS }),
  }));
}

/** The machine's clock; waiting ends early when the process is told to stop, and then as `goOn` says. */
export function waitingUntil(stop: AbortSignal, goOn: () => void): Waiting {
  return {
    sleep: async (ms) => {
      await sleep(ms, undefined, { signal: stop }).catch(() => undefined);
      goOn();
    },
    now: () => Date.now(),
    random: () => Math.random(),
  };
}

/**
 * Brings the reports of all configured clusters to what a cycle inferred, and removes ours of subjects that are gone.
 * A cluster that does not do as asked is counted, logged and left to the next cycle; one of which nothing was observed
 * keeps its reports.
 * @throws whatever `goOn` throws
 */
export async function writePolicyReports(inferred: Inferred, ports: ReportPorts): Promise<void> {
  const queue = ports.targets.values();
  const worker = async (): Promise<void> => {
    for (const target of queue) await writeTo(target, inferred, ports);
  };
  const ends = await Promise.allSettled(Array.from({ length: TARGETS_AT_ONCE }, worker));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

async function writeTo(
  target: ReportTarget,
  { policies: all, scores }: Inferred,
  ports: ReportPorts,
): Promise<void> {
  const { metrics, log, goOn, waiting } = ports;
  const { cluster: name } = target;
  goOn();
  const policies = all.get(name);
  if (policies === undefined) {
    log.warn('nothing was observed in a cluster: its policy reports stay as they are', { cluster: name });
    return;
  }
  let cluster: Cluster | undefined;
  try {
    cluster = await target.open();
    const reports = await reportsOf(policies, scores.get(name), ports);
    const outcomes = await applyPolicyReports(cluster, reports, { cluster: name, onStep: goOn, waiting });
    tell(name, outcomes, ports);
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    metrics.countReportError(error.failure);
    log.warn('the policy reports of a cluster are not written', { cluster: name, err: error });
  } finally {
    cluster?.close();
  }
}

async function reportsOf(
  policies: readonly ManagedPolicy[],
  found: readonly SubjectScore[] | undefined,
  { namespace, metrics, goOn }: ReportPorts,
): Promise<SubjectPolicyReport[]> {
  const [first] = policies;
  const scores = new Map((found ?? []).map((score) => [keyOf(score.subject), score]));
  if (first !== undefined && found !== undefined) {
    // Of those that are reported on: the system's own subjects would drown all others.
    const told = policies.flatMap(({ state }) => scores.get(keyOf(state.subject)) ?? []);
    metrics.tellScores(first.cluster.cluster, told);
  }
  const reports: SubjectPolicyReport[] = [];
  for (const { state, policy, withheld } of policies) {
    if (reports.length % REPORTS_AT_ONCE === 0) {
      goOn();
      await setImmediate();
    }
    const compliance = scores.get(keyOf(state.subject));
    reports.push(
      policyReportObject({
        state,
        policy,
        namespace,
        ...(compliance === undefined ? {} : { compliance }),
        ...(withheld === undefined ? {} : { withheld }),
      }),
    );
  }
  return reports;
}

function keyOf({ kind, namespace, name }: SubjectState['subject']): string {
  return JSON.stringify([kind, namespace, name]);
}

function tell(cluster: string, outcomes: readonly ReportOutcome[], { metrics, log }: ReportPorts): void {
  metrics.countReports(outcomes);
  const failed = outcomes.filter(({ result }) => result === 'failed');
  for (const { error } of failed) if (error !== undefined) metrics.countReportError(error.failure);
  for (const { namespace, name, error } of failed.slice(0, MAX_LOGGED)) {
    const report = `${namespace}/${name}`;
    log.warn('a policy report is not written', { cluster, report, err: error });
  }
  const rest = failed.length - MAX_LOGGED;
  if (rest > 0) log.warn('more policy reports are not written than are told', { cluster, rest });
  const counts = POLICY_REPORT_RESULTS.map((result): [string, number] => {
    return [result, outcomes.filter((each) => each.result === result).length];
  });
  log.info('policy reports written', { cluster, ...Object.fromEntries(counts) });
}
