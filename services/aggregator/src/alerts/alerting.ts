import { setTimeout as sleep } from 'node:timers/promises';

import { type Alert, type Calendar, OpenWindows, type Settings } from '@leastwise/activity';
import type { Log } from '@leastwise/runtime';
import { LogError, type LogWriter } from '@leastwise/source';
import { StateError } from '@leastwise/state';
import {
  acquireLease,
  ActivityTail,
  AlertMemory,
  type Connection,
  type Lease,
  LostLeaseError,
  StoreConnectionError,
} from '@leastwise/state-redis';

import type { AlertMetrics } from './alert-metrics.ts';
import {
  AlertmanagerError,
  type AlertLinks,
  type AlertmanagerTarget,
  postableAlert,
  sendAlerts,
} from './alertmanager.ts';
import { ClusterDesk, TakenOverError } from './cluster-desk.ts';

/** Who is told of alerts, and how windows are judged. */
export interface AlertingOptions {
  /** Every key in Redis begins with it. */
  readonly prefix: string;
  readonly owner: string;
  readonly alertmanagers: readonly AlertmanagerTarget[];
  /** Where each alert is appended once, as JSON; nowhere without it. */
  readonly topic: string | undefined;
  readonly links: AlertLinks;
  readonly calendar: Calendar;
  /** What windows are judged by besides; what most clusters have where it is not given. */
  readonly settings?: Settings;
  /** How often windows are looked at, in milliseconds. */
  readonly everyMs: number;
  /** How long the lease outlives a worker that is gone, in milliseconds. */
  readonly leaseMs: number;
  readonly outageMs: number;
}

/** What alerting works with. */
export interface AlertingParts {
  readonly connection: Connection;
  readonly writer: Pick<LogWriter, 'append'>;
  readonly metrics: AlertMetrics;
  readonly log: Log;
  readonly options: AlertingOptions;
}

/** An Alertmanager takes what it is not told of again for resolved in five minutes, unless it knows an end. */
const REMIND_MS = 30_000;

/**
 * Closes windows and tells of what is unusual in them, in one worker of all: whoever has the lease. What others had judged
 * is not judged again, by what is remembered in Redis, which fences whoever still believes to have the lease.
 *
 * Runs until the signal aborts. Troubles are told and waited for: alerts are no reason to stop counting.
 */
export async function runAlerting(parts: AlertingParts, signal: AbortSignal): Promise<void> {
  const { connection, log, metrics, options } = parts;
  const lease = { key: `${options.prefix}alerting`, ttlMs: options.leaseMs, owner: options.owner };
  while (!signal.aborted) {
    try {
      await using held = await acquireLease(connection, lease);
      if (held) await new Leading(parts, held).run(signal);
    } catch (error) {
      // Whatever it is: alerts are no reason to stop counting. The age of the last look tells of it.
      if (isPassing(error)) log.warn('alerts are not looked for', { err: error });
      else log.error('alerts are not looked for: this is a bug, report it', { err: error });
    } finally {
      metrics.isLeading.set(0);
    }
    await pause(options.everyMs, signal);
  }
}

function isPassing(error: unknown): boolean {
  return [StoreConnectionError, StateError, LostLeaseError, TakenOverError].some(
    (type) => error instanceof type,
  );
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/** One time of having the lease. */
class Leading {
  readonly #parts: AlertingParts;
  readonly #lease: Lease;
  readonly #tail: ActivityTail;
  readonly #memory: AlertMemory;
  readonly #open = new OpenWindows();
  readonly #desks = new Map<string, ClusterDesk>();
  /** By Alertmanager, when it was reminded last. */
  readonly #reminded = new Map<string, number>();

  constructor(parts: AlertingParts, lease: Lease) {
    const { connection, options } = parts;
    const { prefix, outageMs } = options;
    this.#parts = parts;
    this.#lease = lease;
    this.#tail = new ActivityTail(connection, { prefix, outageMs });
    this.#memory = new AlertMemory(connection, { prefix, outageMs });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { log, metrics, options } = this.#parts;
    log.info('this process closes the windows');
    while (!signal.aborted) {
      this.#lease.signal.throwIfAborted();
      if (!this.#lease.isHeld()) throw new LostLeaseError('the lease of alerts is over');
      metrics.isLeading.set(1);
      await this.#look();
      await this.#tell();
      metrics.lastLook.set(Date.now() / 1000);
      await pause(options.everyMs, signal);
    }
  }

  async #look(): Promise<void> {
    const sources = await this.#tail.sources();
    for (const source of sources) {
      const look = await this.#tail.look(source, (cluster) => this.#firstOpen(cluster));
      // What was judged before is not to be opened again, so a cluster is claimed before anything of it is taken in.
      for (const cluster of look.watermarks.keys()) await this.#desk(cluster);
      this.#open.take(look, timeNow());
    }
    this.#open.keepOnly(new Set(sources));
    for (const cluster of this.#open.clusters()) await this.#close(cluster);
  }

  #firstOpen(cluster: string): number | undefined {
    const last = this.#desks.get(cluster)?.last;
    return last === undefined ? undefined : last + 1;
  }

  async #desk(cluster: string): Promise<ClusterDesk> {
    const known = this.#desks.get(cluster);
    if (known) return known;
    const { log, options } = this.#parts;
    const desk = new ClusterDesk(cluster, await this.#memory.claim(cluster), options);
    if (desk.unreadable > 0) log.warn('baselines are learnt anew', { cluster, unreadable: desk.unreadable });
    this.#open.closedBefore(cluster, desk.last);
    this.#desks.set(cluster, desk);
    return desk;
  }

  async #close(cluster: string): Promise<void> {
    const { log, metrics } = this.#parts;
    const desk = await this.#desk(cluster);
    const [late, closed] = [this.#open.takeLate(cluster), this.#open.close(cluster, timeNow())];
    if (late.length === 0 && closed.length === 0) return;
    const { alerts, closed: judged, beyond } = await desk.judge(closed, late);
    metrics.closedWindows.inc(judged);
    metrics.beyond.inc(beyond);
    for (const { kind, id, severity, says } of alerts) {
      metrics.alerts.inc({ kind });
      log.info('alert', { cluster, detection: id, severity, says });
    }
    if (alerts.length > 0) this.#reminded.clear();
  }

  /** Tells of what fires. What was long ago when it was found fires no more: a replay pages nobody. */
  async #tell(): Promise<void> {
    const nowUs = Date.now() * 1000;
    const firing = [...this.#desks.values()].map((desk) => ({ desk, alerts: desk.firing(nowUs) }));
    const all = firing.flatMap(({ alerts }) => alerts);
    await Promise.all(this.#parts.options.alertmanagers.map((target) => this.#remind(target, all)));
    for (const { desk, alerts } of firing) {
      const untold = alerts.filter(({ isTold }) => !isTold);
      if (untold.length > 0 && (await this.#append(untold))) await desk.told(untold);
    }
  }

  async #remind(target: AlertmanagerTarget, alerts: readonly Alert[]): Promise<void> {
    const { log, metrics, options } = this.#parts;
    const now = performance.now();
    if (alerts.length === 0 || now - (this.#reminded.get(target.url) ?? -Infinity) < REMIND_MS) return;
    try {
      await sendAlerts(
        target,
        alerts.map((alert) => postableAlert(alert, options.links)),
      );
      this.#reminded.set(target.url, now);
      metrics.deliveries.inc({ target: 'alertmanager', result: 'ok' });
    } catch (error) {
      if (!(error instanceof AlertmanagerError)) throw error;
      metrics.deliveries.inc({ target: 'alertmanager', result: 'failed' });
      log.warn('an Alertmanager does not take alerts', { url: target.url, reason: error.message });
    }
  }

  /** Whether the alerts are in the topic. A worker that ends before it remembers that appends them again. */
  async #append(alerts: readonly Alert[]): Promise<boolean> {
    const { log, metrics, options, writer } = this.#parts;
    if (options.topic === undefined) return true;
    const records = alerts.map((alert) => ({
      key: alert.cluster,
      value: JSON.stringify({ ...alert, isTold: undefined }),
      headers: {},
    }));
    try {
      await writer.append(options.topic, records);
      metrics.deliveries.inc({ target: 'topic', result: 'ok' });
      return true;
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      metrics.deliveries.inc({ target: 'topic', result: 'failed' });
      log.warn('alerts cannot be appended', { topic: options.topic, reason: error.message });
      return false;
    }
  }
}

function timeNow(): { readonly wallMs: number; readonly steadyMs: number } {
  return { wallMs: Date.now(), steadyMs: performance.now() };
}
