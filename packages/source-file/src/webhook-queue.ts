import { createDeliveryLedger } from '@leastwise/source';
import type { SourceChunk } from '@leastwise/source';

/** A body in the pieces in which it came. */
export interface BodyBytes {
  readonly length: number;
  /** All of it in one; it is held here no longer. To be called once. */
  take(): Uint8Array;
}

/** One body that was taken whole and not yet acknowledged. */
export interface QueuedBody {
  readonly origin: string;
  /** Joined only when it is delivered, so that one body at a time is in memory twice. */
  readonly body: BodyBytes;
  /** Called once: true when the body is durable, false when that will not be known. */
  settle(durable: boolean): void;
}

/** What a body costs beside its bytes, so that a flood of tiny ones is bounded too. */
const BODY_OVERHEAD_BYTES = 1024;

/** A part of the room of a {@link WebhookQueue}, which grows while a body arrives. */
export interface Reservation {
  /** Asks for room for `bytes` more. False where there is none: then nothing more was reserved. */
  grow(bytes: number): boolean;
  /** Gives all of it back. May be called again. */
  release(): void;
}

/**
 * The bodies between their arrival and their acknowledgement, in order of arrival, with a bound on their bytes.
 * A body that is alone always has room: else one larger than the bound could never be delivered, and its sender
 * would try for ever.
 */
export class WebhookQueue {
  readonly #maxBytes: number;
  readonly #ledger = createDeliveryLedger();
  readonly #waiting: QueuedBody[] = [];
  readonly #delivered = new Map<number, QueuedBody>();
  #heldBytes = 0;
  #receivedBytes = 0;
  #wake: (() => void) | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Begins to reserve room for one body; undefined where there is none at all for one of `bytes`. */
  reserve(bytes: number): Reservation | undefined {
    let own = 0;
    const grow = (more: number): boolean => {
      const others = this.#heldBytes - own;
      if (others > 0 && this.#heldBytes + more > this.#maxBytes) return false;
      own += more;
      this.#heldBytes += more;
      return true;
    };
    const release = (): void => {
      this.#heldBytes -= own;
      own = 0;
    };
    // The announced length is asked for and given back: room is taken by what arrives, not by what is announced.
    if (!grow(BODY_OVERHEAD_BYTES + bytes)) return undefined;
    release();
    grow(BODY_OVERHEAD_BYTES);
    return { grow, release };
  }

  add(queued: QueuedBody): void {
    this.#receivedBytes += queued.body.length;
    this.#waiting.push(queued);
    this.#wake?.();
  }

  /** The next body as a chunk of its own origin, or undefined where none waits. */
  next(): SourceChunk | undefined {
    const queued = this.#waiting.shift();
    if (queued === undefined) return undefined;
    const position = this.#ledger.deliver();
    this.#delivered.set(position, queued);
    return { origin: queued.origin, position, bytes: queued.body.take(), endsOrigin: true };
  }

  /** Resolves when a body may have come. */
  async more(): Promise<void> {
    if (this.#waiting.length > 0) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  /**
   * Settles everything delivered up to `position` as durable.
   * @throws RangeError where the position is out of order.
   */
  acknowledge(position: number): void {
    this.#ledger.acknowledge(position);
    // A map keeps the order of insertion, which is that of the positions.
    for (const [delivered, body] of this.#delivered) {
      if (delivered > position) break;
      this.#delivered.delete(delivered);
      body.settle(true);
    }
  }

  /** Settles everything that is left as not durable. */
  abandon(): void {
    for (const body of [...this.#delivered.values(), ...this.#waiting]) body.settle(false);
    this.#delivered.clear();
    this.#waiting.length = 0;
    this.#wake?.();
  }

  /** The bytes of all bodies that were taken so far. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }
}
