import { type Claim, Gathering, type SubjectStore } from '@leastwise/state';

import { auditEventOf, type LogEvent } from './events.ts';

/** What a worker came to. */
export type Step = 'applied' | 'setback' | 'end';

/** A worker that reads one log in batches from where the state says, and claims again after whatever happens. */
export class LogWorker {
  readonly #store: SubjectStore;
  readonly #source: string;
  readonly #log: readonly LogEvent[];
  #reading: { readonly claim: Claim; readonly gathering: Gathering; position: string } | undefined;
  /** What the last setback was. */
  last: unknown;

  constructor(store: SubjectStore, source: string, log: readonly LogEvent[]) {
    this.#store = store;
    this.#source = source;
    this.#log = log;
  }

  async claim(): Promise<void> {
    const claim = await this.#store.claim(this.#source);
    const gathering = new Gathering(claim, { observe: { deniedAs: 'denied' }, hasWindows: true });
    this.#reading = { claim, gathering, position: claim.position };
  }

  /** Forgets what it had claimed. */
  lose(): void {
    this.#reading = undefined;
  }

  /** One batch. @param between - what happens when it is built and not applied yet */
  async step(size: number, between?: () => Promise<void>): Promise<Step> {
    try {
      if (!this.#reading) await this.claim();
      const reading = this.#reading;
      if (!reading) return 'setback';
      const at = Number(reading.position);
      const events = this.#log.slice(at, at + size);
      if (events.length === 0) return 'end';
      for (const event of events) reading.gathering.add(auditEventOf(event), event.cluster);
      const batch = {
        claim: reading.claim,
        from: reading.position,
        to: String(at + events.length),
        deltas: reading.gathering.take(),
      };
      await between?.();
      const result = await this.#store.applyBatch(batch);
      if (result === 'applied') {
        reading.position = batch.to;
        return 'applied';
      }
      this.last = result;
    } catch (error) {
      this.last = error;
    }
    this.lose();
    return 'setback';
  }

  /** To the end of the log, through at most so many setbacks. */
  async finish(size: number, setbacks = 50): Promise<void> {
    for (;;) {
      const step = await this.step(size);
      if (step === 'end') return;
      if (step !== 'setback') continue;
      setbacks -= 1;
      if (setbacks < 0) throw new Error('too many setbacks', { cause: this.last });
    }
  }
}
