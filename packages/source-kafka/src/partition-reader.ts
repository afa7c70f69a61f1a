import { setTimeout as sleep } from 'node:timers/promises';
import { LogError, partitionName } from '@leastwise/source';
import type { BatchOutcome, Partition, PartitionProgress } from '@leastwise/source';
import type { Fetched } from './fetched.ts';
import { rootMessage, toLogError } from './failures.ts';
import { createMailbox } from './mailbox.ts';
import { DamagedBatchError } from './record-batch.ts';
import { RevokedError } from './reader-host.ts';
import type { ReaderHost } from './reader-host.ts';
import { subBatches } from './sub-batches.ts';

type Item =
  | { readonly kind: 'fetched'; readonly fetched: Fetched }
  | { readonly kind: 'check'; readonly wasOutOfRange: boolean }
  | { readonly kind: 'stop'; readonly reason: string };

/** `over`: the partition is to be given up. */
type Step = BatchOutcome | 'over';

const PATIENCE_MS = 200;
const RECREATED_CHECKS = 3;
const RECREATED_CHECK_MS = 1000;
/** How soon what was gathered is stored where no other batch follows. */
const SETTLE_MS = 1000;
const MOVED_PAUSE_MS = 50;
const MOVED_PAUSE_MAX_MS = 2000;

/**
 * One partition for as long as one generation of the group leaves it to this worker: claimed, read in order from
 * the claimed position, released. Everything that the handler is asked is asked in sequence.
 */
export class PartitionReader {
  readonly partition: Partition;
  /**
   * Settles when the handler has released the partition.
   * @throws LogError, or what the client threw
   */
  readonly ended: Promise<void>;
  readonly #name: string;
  readonly #host: ReaderHost;
  readonly #mailbox = createMailbox<Item>();
  readonly #revoked = new AbortController();
  /** Where answers are expected to go on; undefined while none are. */
  #expected: number | undefined;
  /** Where the next batch begins. */
  #position: number | undefined;
  /** Up to where everything is stored; behind the position where batches were only gathered. */
  #storedTo: number | undefined;
  #hasGathered = false;
  /** Whether the handler has stored anything of the partition, now or ever. */
  #isStored = false;
  #end = 0;
  #isTaking = false;
  #isHeld = false;
  #movedInARow = 0;

  /** Begins to claim when `previous` has settled: the reader of the same partition before this one. */
  constructor(partition: Partition, host: ReaderHost, previous: Promise<void> | undefined) {
    this.partition = partition;
    this.#name = partitionName(partition);
    this.#host = host;
    this.ended = this.#live(previous);
    // Whoever waits for it comes later.
    this.ended.catch(() => undefined);
  }

  /** Takes an answer. Waits for a moment where much is read ahead, and all fetching with it. */
  async offer(fetched: Fetched): Promise<void> {
    if (this.#expected === undefined) return;
    if (fetched.from !== this.#expected) {
      this.#check(false);
      return;
    }
    this.#accept(fetched);
    if (fetched.refused !== undefined) {
      this.stop(fetched.refused);
      return;
    }
    if (!this.#host.isFull()) return;
    await Promise.race([this.#mailbox.drained(), sleep(PATIENCE_MS)]);
    if (this.#mailbox.isEmpty() || this.#isOver()) return;
    // Too slow to wait for: the others go on without it.
    this.#isHeld = true;
    this.#host.pause(this.partition);
  }

  /** Tells of offsets that hold nothing for us; `last` is the last of them. */
  skip(last: number, end: number): void {
    if (this.#expected === undefined || last < this.#expected) return;
    const to = last + 1;
    this.#accept({ from: this.#expected, records: [], to, end: Math.max(end, to), bytes: 0 });
  }

  /** Tells that the offset which was asked for was not there. */
  outOfRange(): void {
    this.#check(true);
  }

  /** Reads no further, without giving the partition up. */
  stop(reason: string): void {
    if (this.#expected === undefined) return;
    this.#stopOffers();
    this.#mailbox.push({ kind: 'stop', reason });
  }

  /** Lets the running batch end, takes no other, and gives the partition up. */
  finish(): void {
    this.#expected = undefined;
    this.#mailbox.close();
    this.#discard();
  }

  /** The partition is another's: the running batch is to give up. */
  revoke(): void {
    this.finish();
    this.#revoked.abort(new RevokedError(`${this.#name} is not ours any more`));
  }

  isRevoked(): boolean {
    return this.#revoked.signal.aborted;
  }

  /** Up to where everything is stored; undefined before it has been claimed. */
  progress(): PartitionProgress | undefined {
    const position = this.#storedTo;
    if (position === undefined) return undefined;
    return { partition: this.partition, position, end: Math.max(this.#end, position) };
  }

  /** Where it is, if the handler knows of it too: of a partition that is only looked at there is nothing to tell. */
  stored(): PartitionProgress | undefined {
    return this.#isStored ? this.progress() : undefined;
  }

  /** Learns of a newer end. */
  noteEnd(end: number): void {
    this.#end = Math.max(this.#end, end);
  }

  /** Whether it has nothing to do until records come in. */
  isWaiting(): boolean {
    return this.#expected !== undefined && !this.#isTaking && this.#mailbox.isEmpty();
  }

  async #live(previous: Promise<void> | undefined): Promise<void> {
    // Whatever went wrong before has been told before.
    await previous?.catch(() => undefined);
    if (this.#isOver()) return;
    try {
      for (let step: Step = 'moved'; step !== 'over';) {
        step = await this.#claim();
        if (step === 'stored') step = await this.#read();
        if (step === 'moved') await this.#pauseAfterMove();
      }
      // The next owner of what was lost reads it again.
      if (!this.isRevoked()) await this.#storeGathered();
    } catch (error) {
      // Whoever is told to give up may do so by any error.
      if (!this.isRevoked()) throw error;
    } finally {
      this.finish();
      await this.#release();
    }
  }

  async #claim(): Promise<Step> {
    if (this.#isOver()) return 'over';
    this.#hasGathered = false;
    const claimed = await this.#asked('claim', () => this.#host.handler.claim(this.partition));
    this.#isStored ||= claimed !== undefined;
    return this.#isOver() ? 'over' : this.#settle(claimed, false);
  }

  async #release(): Promise<void> {
    try {
      await this.#asked('release', () => this.#host.handler.release(this.partition));
    } catch (error) {
      if (!this.isRevoked()) throw error;
      this.#host.log('warn', 'release failed', { partition: this.#name, reason: rootMessage(error) });
    }
  }

  /** Makes sure that reading can go on at `wanted`, and starts it. */
  async #settle(wanted: number | undefined, wasOutOfRange: boolean): Promise<Step> {
    const { low, high } = await this.#host.bounds(this.partition, wasOutOfRange);
    const at = Math.max(wanted ?? low, low);
    if (wanted !== undefined && wanted < low) {
      this.#host.log('warn', 'records are gone unread', { partition: this.#name, from: wanted, to: low });
      const outcome = await this.#asked('lost', () => this.#host.handler.lost(this.partition, wanted, low));
      if (outcome === 'moved') return 'moved';
      this.#hasGathered = false;
      this.#isStored = true;
    } else if (at > high || wasOutOfRange) {
      await this.#checkRecreated(at, wasOutOfRange);
    }
    if (this.#isOver()) return 'over';
    this.#position = at;
    if (!this.#hasGathered) this.#storedTo = at;
    this.noteEnd(high);
    this.#expected = at;
    this.#isHeld = false;
    this.#host.start(this.partition, at);
    return 'stored';
  }

  /** A new leader may know less of the end than the old one did, for a moment. */
  async #checkRecreated(at: number, wasOutOfRange: boolean): Promise<void> {
    let end = 0;
    for (let check = 0; check < RECREATED_CHECKS; check += 1) {
      if (check > 0) await sleep(RECREATED_CHECK_MS, undefined, { signal: this.#revoked.signal });
      end = (await this.#host.bounds(this.partition, true)).high;
      if (at <= end && !wasOutOfRange) return;
    }
    const found = at > end ? `it ends at ${end}` : 'it did not reach that far a moment ago';
    throw new LogError(
      'recreated',
      `${this.#name} was read up to ${at}, but ${found}: the topic was made anew, or cut`,
    );
  }

  async #read(): Promise<Step> {
    for (;;) {
      if (this.#hasGathered && !(await this.#mailbox.arrives(SETTLE_MS))) {
        if ((await this.#storeGathered()) === 'moved') return this.#moved();
      }
      const item = await this.#mailbox.next();
      if (item === undefined) return 'over';
      if (this.#isHeld && this.#mailbox.isEmpty() && this.#expected !== undefined) {
        this.#isHeld = false;
        this.#host.resume(this.partition);
      }
      if ((await this.#handle(item)) === 'moved') return this.#moved();
    }
  }

  #moved(): Step {
    this.#stopOffers();
    this.#discard();
    return 'moved';
  }

  async #handle(item: Item): Promise<Step> {
    switch (item.kind) {
      case 'fetched':
        this.#host.hold(-item.fetched.bytes);
        return this.#takeGood(item.fetched);
      case 'check':
        return this.#settle(this.#position, item.wasOutOfRange);
      case 'stop': {
        const step = await this.#storeGathered();
        if (step === 'stored') this.#host.stopped(this.partition, item.reason);
        return step;
      }
    }
  }

  /** Takes what can be read of an answer, and stops where that is not all of it. */
  async #takeGood(fetched: Fetched): Promise<Step> {
    try {
      return await this.#takeAll(fetched);
    } catch (error) {
      if (!(error instanceof DamagedBatchError)) throw error;
      this.#stopOffers();
      // What was read ahead lies behind the damage, whatever it was to be.
      this.#discard();
      this.#mailbox.push({ kind: 'stop', reason: error.message });
      return 'stored';
    }
  }

  async #takeAll(fetched: Fetched): Promise<Step> {
    const { handler, limits } = this.#host;
    for (const batch of subBatches(this.partition, fetched, this.#position ?? fetched.from, limits)) {
      if (this.#isOver()) return 'over';
      this.#isTaking = true;
      const outcome = await this.#asked('take', () => handler.take(batch, () => this.#alive()));
      this.#isTaking = false;
      if (outcome === 'moved') return 'moved';
      // Work that was begun before a rebalance may end, but moves nothing.
      if (this.isRevoked()) return 'over';
      this.#movedInARow = 0;
      this.#position = batch.to;
      this.#hasGathered = outcome === 'gathered';
      if (outcome === 'stored') this.#noteStored();
    }
    return 'stored';
  }

  #noteStored(): void {
    this.#hasGathered = false;
    this.#storedTo = this.#position;
    this.#isStored = true;
  }

  async #storeGathered(): Promise<Step> {
    const { handler } = this.#host;
    if (!this.#hasGathered) return 'stored';
    const outcome = await this.#asked('settle', async () => handler.settle?.(this.partition));
    if (outcome !== 'moved' && !this.isRevoked()) this.#noteStored();
    return outcome ?? 'stored';
  }

  async #alive(): Promise<void> {
    this.#revoked.signal.throwIfAborted();
    await this.#host.heartbeat();
    this.#revoked.signal.throwIfAborted();
  }

  async #asked<T>(what: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw this.isRevoked() ? error : toLogError('handler', `${what} of ${this.#name} failed`, error);
    }
  }

  /** A state that keeps on moving is not to be asked in a tight loop. */
  async #pauseAfterMove(): Promise<void> {
    const pauseMs = Math.min(MOVED_PAUSE_MS * this.#movedInARow ** 2, MOVED_PAUSE_MAX_MS);
    this.#movedInARow += 1;
    if (pauseMs > 0) await Promise.race([sleep(pauseMs), this.#mailbox.closed]);
  }

  /** Asks where to go on when all that has come in is handled. */
  #check(wasOutOfRange: boolean): void {
    if (this.#expected === undefined) return;
    this.#stopOffers();
    this.#mailbox.push({ kind: 'check', wasOutOfRange });
  }

  #accept(fetched: Fetched): void {
    this.#host.hold(fetched.bytes);
    this.noteEnd(fetched.end);
    this.#expected = fetched.to;
    this.#mailbox.push({ kind: 'fetched', fetched });
  }

  #stopOffers(): void {
    this.#expected = undefined;
    if (!this.#isOver()) this.#host.pause(this.partition);
  }

  #discard(): void {
    for (const item of this.#mailbox.clear()) {
      if (item.kind === 'fetched') this.#host.hold(-item.fetched.bytes);
    }
  }

  #isOver(): boolean {
    return this.#mailbox.isClosed();
  }
}
