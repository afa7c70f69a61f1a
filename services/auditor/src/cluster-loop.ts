import { setTimeout as sleep } from 'node:timers/promises';

import type { PolicyObservability } from '@leastwise/audit-policy';
import { ClusterLease, KubeError, REAL_WAITING, type Waiting, type WatchableCluster } from '@leastwise/kube';
import type { Log } from '@leastwise/runtime';

import { ClusterAuditor, type ClusterAuditorParts } from './cluster-auditor.ts';
import { ClusterView, type Watched } from './cluster-view.ts';
import type { AuditorConfig } from './config.ts';
import type { Evidence } from './evidence-reader.ts';
import type { IssueKeeper } from './issues.ts';
import type { AuditorMetrics } from './metrics.ts';
import { PolicyHolder } from './policy-holder.ts';
import { UnusedKeeper } from './unused-keeper.ts';

/** What auditing one cluster needs. */
export interface ClusterLoopParts {
  readonly name: string;
  readonly cluster: WatchableCluster;
  readonly config: AuditorConfig;
  readonly self: ClusterAuditorParts['self'];
  readonly issues: IssueKeeper | undefined;
  /** Reads what was used in all clusters; `undefined` where nobody counts it. */
  readonly evidence: (() => Promise<Evidence | undefined>) | undefined;
  /** What the audit policy of the cluster lets one see; `undefined` where it is not known. */
  readonly auditPolicy: PolicyObservability | undefined;
  /** Unique to this process. */
  readonly holder: string;
  readonly metrics: AuditorMetrics;
  readonly log: Log;
  readonly waiting?: Waiting;
}

const FIELD_MANAGER = 'leastwise-auditor';
const RETRY_MS = 2000;
/** A lease is renewed so many times before it would end. */
const RENEWALS = 3;

/** Asked anew each time, for it changes while something is awaited. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** Audits one cluster: at each change, and everything again at the interval. */
export class ClusterLoop {
  readonly #parts: ClusterLoopParts;
  readonly #waiting: Waiting;
  readonly #view: ClusterView;
  readonly #auditor: ClusterAuditor;
  readonly #lease: ClusterLease | undefined;
  #isLeader: boolean;
  /** Aborted when something changes that is to be judged. */
  #wake = new AbortController();
  #isReady = false;
  #lastStepMs = 0;
  /** By what is watched, the failure that was told last: told again when it is another one, or passed in between. */
  readonly #failing = new Map<Watched, string>();

  constructor(parts: ClusterLoopParts) {
    const { name, cluster, config, self, issues, metrics, log, holder, waiting = REAL_WAITING } = parts;
    const { evidence, auditPolicy } = parts;
    this.#parts = parts;
    this.#waiting = waiting;
    const writing = { cluster, waiting, fieldManager: FIELD_MANAGER };
    this.#view = new ClusterView(cluster, config.policy, {
      onChange: (what) => {
        this.#failing.delete(what);
        this.#wake.abort();
      },
      onError: (what, error) => {
        this.#fail(what, error);
      },
    });
    const policy = new PolicyHolder(config.policy.key);
    const settings = { resolvedDays: config.resolvedDays, remediation: config.remediation };
    const unused = evidence && this.#unusedKeeper(evidence, auditPolicy);
    this.#auditor = new ClusterAuditor({
      name,
      view: this.#view,
      policy,
      writing,
      settings,
      self,
      issues,
      unused,
      metrics,
      log,
    });
    this.#lease = config.lease.enabled ? new ClusterLease(writing, { ...config.lease, holder }) : undefined;
    this.#isLeader = !config.lease.enabled;
  }

  #unusedKeeper(
    read: () => Promise<Evidence | undefined>,
    policy: PolicyObservability | undefined,
  ): UnusedKeeper {
    const { name, log } = this.#parts;
    return new UnusedKeeper({
      cluster: name,
      read,
      policy,
      objects: () => this.#view.objects().map(({ object }) => object),
      waiting: this.#waiting,
      onChange: () => {
        this.#wake.abort();
      },
      log,
    });
  }

  /** Whether this process writes to the cluster. */
  get isLeader(): boolean {
    return this.#isLeader;
  }

  /** Whether the cluster was read whole and judged once. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** When something was judged last, in monotonic milliseconds; 0 if never. */
  get lastStepMs(): number {
    return this.#lastStepMs;
  }

  /** Works until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const running = [this.#view.run(signal), this.#hold(signal), this.#audit(signal)];
    await Promise.all(running);
    if (this.#isLeader) await this.#lease?.release().catch(() => undefined);
  }

  #fail(what: Watched, error: KubeError): void {
    const { name, metrics, log } = this.#parts;
    metrics.failed(name, error.failure);
    const known = this.#failing.get(what);
    this.#failing.set(what, error.failure);
    if (known !== error.failure)
      log.warn('a kind of object cannot be read', { cluster: name, what, err: error });
  }

  async #hold(signal: AbortSignal): Promise<void> {
    const lease = this.#lease;
    if (!lease) return;
    const { name, config, metrics, log } = this.#parts;
    const everyMs = (config.lease.seconds * 1000) / RENEWALS;
    let heldUntilMs = 0;
    while (!signal.aborted) {
      const startMs = this.#waiting.now();
      try {
        if (await lease.hold()) heldUntilMs = startMs + config.lease.seconds * 1000;
        else heldUntilMs = 0;
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        metrics.failed(name, error.failure);
        log.warn('the lease cannot be looked at', { cluster: name, err: error });
      }
      this.#lead(this.#waiting.now() < heldUntilMs);
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  #lead(isLeader: boolean): void {
    if (isLeader === this.#isLeader) return;
    this.#isLeader = isLeader;
    this.#parts.log.info(isLeader ? 'writing to the cluster' : 'standing by', { cluster: this.#parts.name });
    if (isLeader) this.#wake.abort();
  }

  async #audit(signal: AbortSignal): Promise<void> {
    const { name, config, log, metrics } = this.#parts;
    let nextFullMs = this.#waiting.now() + config.every;
    let hasRefreshed = (): boolean => this.#view.isComplete;
    let isFullDue = true;
    while (!signal.aborted) {
      await this.#awake(Math.max(0, nextFullMs - this.#waiting.now()), signal);
      if (isOver(signal)) return;
      if (this.#waiting.now() >= nextFullMs) {
        nextFullMs = this.#waiting.now() + config.every;
        hasRefreshed = this.#view.refresh();
        isFullDue = true;
      }
      // Changes come in flocks: a chart is many objects.
      await sleep(config.settle, undefined, { signal }).catch(() => undefined);
      this.#wake = new AbortController();
      if (!this.#view.isComplete) continue;
      const isConfirmed = hasRefreshed();
      try {
        await this.#auditor.step({ mayWrite: this.#isLeader, isFull: isConfirmed && isFullDue, isConfirmed });
        if (isConfirmed) isFullDue = false;
        this.#isReady = true;
        this.#lastStepMs = performance.now();
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        metrics.failed(name, error.failure);
        log.warn('the cluster cannot be written to', { cluster: name, err: error });
        nextFullMs = Math.min(nextFullMs, this.#waiting.now() + RETRY_MS);
      }
    }
  }

  /** Waits for a change, at most so long. */
  async #awake(ms: number, signal: AbortSignal): Promise<void> {
    await sleep(ms, undefined, { signal: AbortSignal.any([signal, this.#wake.signal]) }).catch(
      () => undefined,
    );
  }
}
