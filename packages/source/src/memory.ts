import { createDeliveryLedger } from './delivery-ledger.ts';
import type { AuditSource, DeadLetter, DeadLetterSink, SourceChunk } from './types.ts';

/** One origin of a {@link createMemorySource}: its bytes in as many pieces as a test wants to see. */
export interface MemoryOrigin {
  readonly origin: string;
  readonly pieces: readonly Uint8Array[];
  readonly damage?: string;
}

/** The embedded twin of every source, and what was acknowledged to it. */
export interface MemorySource extends AuditSource {
  /** The last position acknowledged; 0 before the first. */
  acknowledged(): number;
}

/**
 * A source whose bytes are in memory already. Each piece is one chunk; every origin ends with one more,
 * empty, chunk, as those of real sources do.
 */
export function createMemorySource(origins: readonly MemoryOrigin[]): MemorySource {
  const ledger = createDeliveryLedger();
  const totalBytes = origins.reduce((sum, { pieces }) => sum + pieces.reduce((n, p) => n + p.length, 0), 0);
  let readBytes = 0;
  let closed = false;

  async function* chunks(signal: AbortSignal): AsyncGenerator<SourceChunk, void> {
    for (const { origin, pieces, damage } of origins) {
      for (const bytes of pieces) {
        // Yields to the event loop as a real source would, so that an abort can be seen in between.
        await Promise.resolve();
        if (signal.aborted || closed) return;
        readBytes += bytes.length;
        yield { origin, position: ledger.deliver(), bytes, endsOrigin: false };
      }
      if (signal.aborted || closed) return;
      const last = { origin, position: ledger.deliver(), bytes: new Uint8Array(0), endsOrigin: true };
      yield damage === undefined ? last : { ...last, damage };
    }
  }

  return {
    chunks,
    async acknowledge(position) {
      ledger.acknowledge(position);
    },
    progress: () => ({ readBytes, totalBytes }),
    async close() {
      closed = true;
    },
    acknowledged: () => ledger.acknowledged(),
  };
}

/** Dead letters kept in memory, with their bytes copied: for tests and short runs. */
export interface MemoryDeadLetters extends DeadLetterSink {
  readonly letters: readonly DeadLetter[];
}

/** Keeps every letter. Unbounded: not for untrusted input. */
export function createMemoryDeadLetters(): MemoryDeadLetters {
  const letters: DeadLetter[] = [];
  return {
    letters,
    write(letter) {
      letters.push({ ...letter, bytes: new Uint8Array(letter.bytes) });
    },
    async flush() {
      await Promise.resolve();
    },
    async close() {
      await Promise.resolve();
    },
  };
}
