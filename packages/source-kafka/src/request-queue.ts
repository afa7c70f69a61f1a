import { createRequire } from 'node:module';

/** What of the queue of one connection is touched here. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  readonly requestTimeoutIntervalId?: NodeJS.Timeout | null;
}

type Schedule = (this: RequestQueue) => void;

const patched = new WeakSet<object>();

/**
 * Keeps kafkajs from waking up every millisecond on every connection: its queue of requests sets the timer that
 * looks for waiting requests even where none waits, with a time in the past (kafkajs issues 1751 and 1768). Whoever
 * puts a request into the queue sets the timer anew, so that one for an empty queue is never needed.
 *
 * And from keeping a process alive that has ended everything: the interval that looks for requests without an answer
 * goes on where a broker died while it was connected to. A connection that is open keeps it alive by itself.
 *
 * Does nothing where kafkajs is not built as expected.
 */
export function calmRequestQueue(): void {
  const queue = loadRequestQueue();
  if (queue === undefined || patched.has(queue)) return;
  patched.add(queue);
  patch(queue, 'scheduleCheckPendingRequests', function (schedule) {
    if (this.pending.length > 0) schedule.call(this);
  });
  patch(queue, 'scheduleRequestTimeoutCheck', function (schedule) {
    schedule.call(this);
    this.requestTimeoutIntervalId?.unref();
  });
}

function patch(queue: object, name: string, instead: (this: RequestQueue, original: Schedule) => void): void {
  const original: unknown = Reflect.get(queue, name);
  if (typeof original !== 'function') return;
  Reflect.set(queue, name, function (this: RequestQueue) {
    instead.call(this, original as Schedule);
  });
}

function loadRequestQueue(): object | undefined {
  try {
    const loaded: unknown = createRequire(import.meta.url)('kafkajs/src/network/requestQueue');
    if (typeof loaded !== 'function') return undefined;
    const prototype: unknown = loaded.prototype;
    return typeof prototype === 'object' && prototype !== null ? prototype : undefined;
  } catch {
    return undefined;
  }
}
