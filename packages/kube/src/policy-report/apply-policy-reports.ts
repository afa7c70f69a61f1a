import { applyObject, deleteSeen, type Writing } from '../apply.ts';
import { wellFormed } from '../json-value.ts';
import { KubeError } from '../kube-error.ts';
import type { Cluster } from '../request.ts';
import { REAL_WAITING, type Waiting } from '../waiting.ts';
import {
  differencesOf,
  type ExistingReport,
  existingReports,
  placeOf,
  reportPath,
} from './existing-reports.ts';
import { MANAGED_BY, type ReportStatus, type SubjectPolicyReport } from './types.ts';

/** How reports are applied. */
export interface ApplyOptions {
  /** Whose reports these are: others' in the same API server are neither changed nor deleted. */
  readonly cluster: string;
  /** Who owns the fields that we write; `leastwise` by default. */
  readonly fieldManager?: string;
  /** Lets the API server check everything and keep nothing. */
  readonly dryRun?: boolean;
  /** Whether reports of this cluster that are not given are deleted; they are by default. */
  readonly deletesOthers?: boolean;
  /** Objects that are written at the same time; 4 by default. */
  readonly concurrency?: number;
  /** Called before each report that is looked after; what it throws ends the run between two of them. */
  readonly onStep?: () => void;
  readonly waiting?: Waiting;
}

/** What became of one report. */
export interface ReportOutcome {
  readonly namespace: string;
  readonly name: string;
  readonly result: 'created' | 'changed' | 'unchanged' | 'deleted' | 'failed';
  /** Present for `failed`. */
  readonly error?: KubeError;
}

interface Run {
  readonly writing: Writing;
  /** The cluster whose reports these are. */
  readonly owner: string;
}

/** A status as the API server wants it: each condition since when it is so. */
function datedStatus(status: ReportStatus, existing: ExistingReport | undefined, nowMs: number): unknown {
  const now = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
  const conditions = status.conditions.map((each) => {
    const standing = existing?.conditions.find(({ type }) => type === each.type);
    const isStill = standing?.status === each.status && standing.lastTransitionTime !== '';
    return { ...each, lastTransitionTime: isStill ? standing.lastTransitionTime : now };
  });
  return { ...status, conditions };
}

/** Applies what differs: labels and spec, then the status, which is a resource of its own. */
async function applyReport(
  run: Run,
  wanted: SubjectPolicyReport,
  existing: ExistingReport | undefined,
): Promise<ReportOutcome['result']> {
  const { status, ...main } = wanted;
  const { apiVersion, kind, metadata } = wanted;
  const path = reportPath(metadata.namespace, metadata.name);
  if (existing !== undefined && existing.cluster !== run.owner) {
    const owner = JSON.stringify(existing.cluster);
    throw new KubeError(
      'conflict',
      `${run.writing.cluster.server}: ${path} is the report of the cluster ${owner}`,
    );
  }
  const differs = differencesOf(wanted, existing);
  const isNew = differs.spec && (await applyObject(run.writing, path, main));
  // What is created in a dry run is not there to have a status.
  if (differs.status && !(run.writing.dryRun === true && isNew)) {
    const { name, namespace } = metadata;
    const dated = datedStatus(status, existing, run.writing.waiting.now());
    const named = { apiVersion, kind, metadata: { name, namespace } };
    await applyObject(run.writing, `${path}/status`, { ...named, status: dated });
  }
  if (isNew) return 'created';
  return differs.spec || differs.status ? 'changed' : 'unchanged';
}

/** Deletes what was listed; gone already is fine. */
async function deleteReport(run: Run, report: ExistingReport): Promise<'deleted'> {
  try {
    await deleteSeen(run.writing, reportPath(report.namespace, report.name), report);
  } catch (error) {
    if (!(error instanceof KubeError && error.status === 404)) throw error;
  }
  return 'deleted';
}

/** After these every other request would end the same way, and each after its own waiting. */
const ENDS_THE_RUN: readonly string[] = [
  'configuration',
  'unreachable',
  'overloaded',
  'unauthorized',
  'not-installed',
];

interface Task {
  readonly namespace: string;
  readonly name: string;
  readonly act: () => Promise<ReportOutcome['result']>;
}

async function outcomeOf({ namespace, name, act }: Task): Promise<ReportOutcome> {
  try {
    return { namespace, name, result: await act() };
  } catch (error) {
    if (!(error instanceof KubeError) || ENDS_THE_RUN.includes(error.failure)) throw error;
    return { namespace, name, result: 'failed', error };
  }
}

/** Runs tasks a few at a time, in order; after a throw none is begun, and those under way come to their end. */
async function runAll(
  tasks: readonly Task[],
  concurrency: number,
  onStep: ApplyOptions['onStep'],
): Promise<ReportOutcome[]> {
  const outcomes: ReportOutcome[] = [];
  const queue = tasks.entries();
  let hasFailed = false;
  const worker = async (): Promise<void> => {
    for (const [at, task] of queue) {
      if (hasFailed) return;
      try {
        onStep?.();
        outcomes[at] = await outcomeOf(task);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: concurrency }, worker));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return outcomes;
}

/** @throws RangeError where two reports would stand in one place, or one is of another cluster */
function byPlace(reports: readonly SubjectPolicyReport[], owner: string): Map<string, SubjectPolicyReport> {
  const wanted = new Map<string, SubjectPolicyReport>();
  for (const report of reports) {
    const place = placeOf(report.metadata);
    if (wanted.has(place)) throw new RangeError(`two reports would stand at ${place}`);
    if (report.spec.cluster !== owner) throw new RangeError(`${place} is a report of another cluster`);
    wanted.set(place, report);
  }
  return wanted;
}

/**
 * Makes the reports of one cluster be what is given, by server-side apply: what is as wanted is not written, other
 * managers' labels and conditions stay, our own fields are taken back from whoever changed them. Reports of this
 * cluster that are not given are deleted, if they carry our label. Applying the same twice writes nothing.
 * @returns what became of each, given ones first and in their order; one that is refused does not keep the others back
 * @throws KubeError where nothing can be asked of the cluster, or not any more; what was applied stays
 * @throws RangeError where two reports would stand in one place, or one is of another cluster; and what `onStep` throws
 */
export async function applyPolicyReports(
  cluster: Cluster,
  reports: readonly SubjectPolicyReport[],
  options: ApplyOptions,
): Promise<readonly ReportOutcome[]> {
  const { fieldManager = MANAGED_BY, dryRun = false, waiting = REAL_WAITING, concurrency = 4 } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new RangeError(`concurrency is at least 1, not ${concurrency}`);
  }
  const owner = wellFormed(options.cluster);
  const wanted = byPlace(reports, owner);
  const run: Run = { writing: { cluster, waiting, fieldManager, dryRun }, owner };
  const existing = await existingReports(cluster, waiting);
  const gone = [...existing].filter(([place, report]) => report.cluster === owner && !wanted.has(place));
  const tasks = [...wanted].map(([place, report]): Task => {
    return { ...placeNames(report), act: () => applyReport(run, report, existing.get(place)) };
  });
  if (options.deletesOthers ?? true) {
    for (const [, report] of gone) {
      const { namespace, name } = report;
      tasks.push({ namespace, name, act: () => deleteReport(run, report) });
    }
  }
  return await runAll(tasks, concurrency, options.onStep);
}

function placeNames({
  metadata: { namespace, name },
}: SubjectPolicyReport): Pick<Task, 'namespace' | 'name'> {
  return { namespace, name };
}
