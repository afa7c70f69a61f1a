/** How and for how long an operation is tried again. */
export interface RetryOptions {
  /** The longest first wait; the longest wait doubles with every attempt. */
  readonly baseMs: number;
  /** No wait is longer. */
  readonly maxMs: number;
  /** After so long no attempt is begun; `Infinity` for as long as the process lives. */
  readonly totalMs: number;
  /** Ends waiting at once. The operation has to heed it by itself. */
  readonly signal?: AbortSignal;
  /** Whether trying again may help. There is no default: most errors are bugs. */
  readonly isRetriable: (error: unknown) => boolean;
  /** Is told before each wait. */
  readonly onRetry?: (retry: Retry) => void;
  /** In [0, 1); `Math.random` unless given. */
  readonly random?: () => number;
}

/** One wait. */
export interface Retry {
  readonly error: unknown;
  /** How many attempts have failed. */
  readonly attempt: number;
  readonly delayMs: number;
}

/** An outage outlasted {@link RetryOptions.totalMs}; `cause` is the error of the last attempt. */
export class RetriesExhaustedError extends Error {
  override readonly name = 'RetriesExhaustedError';
  readonly code = 'LW_RETRIES_EXHAUSTED';
}

/**
 * Tries an operation until it succeeds, waiting between attempts by exponential back-off with full jitter.
 * @throws the operation's error as it is if that is not retriable; RetriesExhaustedError after `totalMs`;
 *   the signal's reason once it is aborted.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export async function retry<T>(operation: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { baseMs, maxMs, totalMs, signal, isRetriable, onRetry, random = Math.random } = options;
  const start = performance.now();
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await operation();
    } catch (error) {
      signal?.throwIfAborted();
      if (!isRetriable(error)) throw error;
      const leftMs = totalMs - (performance.now() - start);
      if (leftMs <= 0) {
        const message = `still failing after ${attempt} attempts in ${totalMs} ms`;
        throw new RetriesExhaustedError(message, { cause: error });
      }
      // Doubling more often than this would leave the range of numbers.
      const ceilingMs = Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 50));
      const delayMs = Math.min(random() * ceilingMs, leftMs);
      onRetry?.({ error, attempt, delayMs });
      await wait(delayMs, signal);
    }
  }
}

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    function abort(): void {
      clearTimeout(timer);
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the reason is the caller's own
      reject(signal?.reason);
    }
    signal?.addEventListener('abort', abort, { once: true });
  });
}
