import {
  type Alert,
  alertField,
  type ClosedWindow,
  decodeAlert,
  encodeAlert,
  firesUntilUs,
  isAlertField,
  type ActivityWindow,
  WindowJudge,
  type WindowJudgeOptions,
} from '@leastwise/activity';
import type { ClaimedAlerts } from '@leastwise/state-redis';

/** For how long findings are kept, and how many of a kind in a cluster: so that one kind pushes out no other. */
const KEEP_US = 30 * 86_400_000_000;
const MAX_OF_A_KIND = 500;
/** The field that says up to which window all is judged: written when everything else is there. */
const LAST_FIELD = 'm';

/** Somebody else has taken a cluster over. */
export class TakenOverError extends Error {
  override readonly name = 'TakenOverError';
}

/** What came of windows. */
export interface Judgement {
  readonly alerts: readonly Alert[];
  readonly closed: number;
  readonly beyond: number;
}

/** The windows of one cluster in the hands of the one worker that judges them. */
export class ClusterDesk {
  readonly #cluster: string;
  readonly #claimed: ClaimedAlerts;
  readonly #judge: WindowJudge;
  /** By field. */
  readonly #alerts = new Map<string, Alert>();
  #changed = new Map<string, Uint8Array>();

  constructor(cluster: string, claimed: ClaimedAlerts, { calendar, settings }: WindowJudgeOptions) {
    this.#cluster = cluster;
    this.#claimed = claimed;
    const fields = [...claimed.fields];
    this.#judge = new WindowJudge(
      settings === undefined ? { calendar } : { calendar, settings },
      fields.filter(([field]) => !isAlertField(field)),
    );
    for (const [field, value] of fields) {
      const alert = isAlertField(field) ? decodeAlert(value) : undefined;
      if (alert) this.#alerts.set(field, alert);
    }
  }

  /** The number of the window that was judged last. */
  get last(): number | undefined {
    return this.#judge.last;
  }

  /** How many fields could not be read: what they were about is learnt anew. */
  get unreadable(): number {
    return this.#judge.unreadable;
  }

  /**
   * Judges windows that were closed, takes in what came late, and has all of it remembered.
   * @throws TakenOverError
   * @throws StoreConnectionError; then the desk is worthless, and has to be claimed again
   */
  async judge(closed: readonly ClosedWindow[], late: readonly ActivityWindow[]): Promise<Judgement> {
    const before = this.#judge.beyond;
    for (const window of late) this.#judge.learnLate(window.number, window);
    const found = closed.flatMap(([number, window]) => this.#judge.judge(number, window));
    const alerts = found.map((finding): Alert => ({ ...finding, cluster: this.#cluster, isTold: false }));
    const fresh: Alert[] = [];
    for (const alert of alerts) {
      // Two windows that are closed together may have found the same.
      if (this.#alerts.has(alertField(alert))) continue;
      this.#put(alert);
      fresh.push(alert);
    }
    const untold = this.#forget();
    for (const [field, value] of this.#judge.takeChanged()) this.#changed.set(field, value);
    await this.#write();
    const judged = closed.filter(([, window]) => window !== undefined).length;
    return { alerts: fresh, closed: judged, beyond: this.#judge.beyond - before + untold };
  }

  /** The alerts that fire at a time. @param nowUs - by the wall clock */
  firing(nowUs: number): readonly Alert[] {
    return [...this.#alerts.values()].filter((alert) => nowUs < firesUntilUs(alert));
  }

  /** Remembers that everybody was told of alerts who is told once. @throws as {@link ClusterDesk.judge} */
  async told(alerts: readonly Alert[]): Promise<void> {
    for (const alert of alerts) this.#put({ ...alert, isTold: true });
    await this.#write();
  }

  #put(alert: Alert): void {
    const field = alertField(alert);
    this.#alerts.set(field, alert);
    this.#changed.set(field, encodeAlert(alert));
  }

  /**
   * By the time of windows, so that a replay forgets the same; of each kind the oldest first where there are too many.
   * @returns how many of them nobody was told of
   */
  #forget(): number {
    const inTime = [...this.#alerts].sort(([, a], [, b]) => b.endUs - a.endUs);
    const newest = inTime[0]?.[1].endUs ?? 0;
    const kept = new Map<string, number>();
    let untold = 0;
    for (const [field, { kind, endUs, isTold }] of inTime) {
      const before = kept.get(kind) ?? 0;
      kept.set(kind, before + 1);
      if (before < MAX_OF_A_KIND && newest - endUs <= KEEP_US) continue;
      if (!isTold) untold += 1;
      this.#alerts.delete(field);
      this.#changed.set(field, new Uint8Array());
    }
    return untold;
  }

  async #write(): Promise<void> {
    const changed = this.#changed;
    if (changed.size === 0) return;
    this.#changed = new Map();
    if (await this.#claimed.write(changed, LAST_FIELD)) return;
    throw new TakenOverError(`the alerts of ${this.#cluster} are somebody else's`);
  }
}
