import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';

import { type OpenedRepository, openRepository } from '@leastwise/forge';
import {
  createMetrics,
  type HealthServer,
  type Log,
  type RunningService,
  startHealthServer,
} from '@leastwise/runtime';

import { readPolicies } from './audit-policies.ts';
import { ClusterLoop, type ClusterLoopParts } from './cluster-loop.ts';
import type { AuditorConfig } from './config.ts';
import { EvidenceReader, redisEvidence } from './evidence-reader.ts';
import { issueRepository } from './issue-repository.ts';
import { IssueKeeper, type IssueParts } from './issues.ts';
import { AuditorMetrics } from './metrics.ts';
import { auditTargets } from './targets.ts';

/** An auditor at work. */
export interface RunningAuditor extends RunningService {
  readonly ended: Promise<void>;
  /** Where health and metrics are served. */
  readonly address: HealthServer['address'];
}

/** A loop that has judged nothing for so many intervals is dead. */
const DEAD_INTERVALS = 3;
const LEAST_DEAD_MS = 600_000;

/** In a pod, the service account as which it runs; nobody else may be deleted by mistake. */
function ownAccount(env: NodeJS.ProcessEnv): { kind: string; namespace: string; name: string }[] {
  const { LEASTWISE_POD_NAMESPACE: namespace, LEASTWISE_POD_SERVICE_ACCOUNT: name } = env;
  if (namespace === undefined || name === undefined) return [];
  return [{ kind: 'ServiceAccount', namespace, name }];
}

function issueParts(
  { issues }: AuditorConfig,
  opened: OpenedRepository | undefined,
  rest: Pick<IssueParts, 'log' | 'count'>,
): IssueParts | undefined {
  const forge = opened?.pulls;
  if (!forge) return undefined;
  const { labels, severity, maxOpen } = issues;
  return { forge, labels, severity, maxOpen, ...rest };
}

/** Where it is known what was used, and how well that was watched. */
async function useParts(
  config: AuditorConfig,
  log: Log,
): Promise<{
  readonly reader: EvidenceReader | undefined;
  readonly of: (cluster: string) => Pick<ClusterLoopParts, 'evidence' | 'auditPolicy'>;
}> {
  const open = redisEvidence(config, log);
  const reader = open && new EvidenceReader(open, log);
  const { policies } = await readPolicies(config.auditPolicies);
  const evidence = reader && (() => reader.read());
  return { reader, of: (cluster) => ({ evidence, auditPolicy: policies.get(cluster) }) };
}

/**
 * Starts an auditor: opens the clusters, serves health and metrics, and audits each cluster at every change.
 * @throws KubeError (`configuration`), PublishError where the configuration makes a start useless
 */
export async function startAuditor(config: AuditorConfig, log: Log): Promise<RunningAuditor> {
  const stop = new AbortController();
  // Everything that is watched in each cluster listens to it.
  setMaxListeners(0, stop.signal);
  const opened: AsyncDisposable[] = [];
  const closeAll = async (): Promise<void> => {
    for (const each of opened.splice(0).reverse()) await each[Symbol.asyncDispose]();
  };
  try {
    const metrics = createMetrics();
    const loops = new Map<string, ClusterLoop>();
    const own = new AuditorMetrics(
      metrics,
      () => new Map([...loops].map(([name, { isLeader }]) => [name, isLeader])),
    );
    const settings = issueRepository(config);
    const repository = settings && (await openRepository(settings));
    if (repository) opened.push(repository);
    const parts = issueParts(config, repository, { log, count: (result) => own.issue(result) });
    const uses = await useParts(config, log);
    if (uses.reader) opened.push(uses.reader);
    for (const { name, open } of auditTargets(config)) {
      const cluster = await open();
      opened.push({ [Symbol.asyncDispose]: async () => cluster.close() });
      const holder = `${hostname()}-${randomUUID()}`;
      const issues = parts && new IssueKeeper(name, parts);
      const about = { name, cluster, config, self: ownAccount(process.env), ...uses.of(name) };
      loops.set(name, new ClusterLoop({ ...about, issues, holder, metrics: own, log }));
    }
    const started = performance.now();
    const limitMs = Math.max(LEAST_DEAD_MS, DEAD_INTERVALS * config.every);
    const all = [...loops.values()];
    const health = await startHealthServer({
      ...config.http,
      checks: {
        // A cluster that does not answer is no reason to start anew: its metric stands still.
        live: {
          moving: () => all.some((each) => performance.now() - Math.max(each.lastStepMs, started) < limitMs),
        },
        ready: { read: () => all.some((each) => each.isReady) },
      },
      metrics,
      log,
    });
    opened.push(health);
    log.info('serving health and metrics', health.address);
    const ended = Promise.all(all.map((each) => each.run(stop.signal))).then(() => undefined);
    ended.catch(() => undefined);
    return {
      ended: stopEnds(ended, stop.signal),
      address: health.address,
      [Symbol.asyncDispose]: async () => {
        stop.abort(new DOMException('told to stop', 'AbortError'));
        // What failed is told by `ended`.
        await ended.catch(() => undefined);
        await closeAll();
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** The loops end when they are told to: only an end before that is one. */
async function stopEnds(ended: Promise<void>, signal: AbortSignal): Promise<void> {
  await ended;
  if (!signal.aborted) throw new Error('an audit loop ended by itself');
}
