/** A queue with one reader, which waits while it is empty. */
export interface Mailbox<T> {
  push(item: T): void;
  /** Waits for an item; undefined when closed, at once. */
  next(): Promise<T | undefined>;
  isEmpty(): boolean;
  /** Resolves when it is empty, or closed. */
  drained(): Promise<void>;
  /** Takes out whatever is in it. */
  clear(): readonly T[];
  close(): void;
  isClosed(): boolean;
  /** Resolves when it is closed. */
  readonly closed: Promise<void>;
}

/** An empty mailbox. */
export function createMailbox<T>(): Mailbox<T> {
  let items: T[] = [];
  let isClosed = false;
  let wake: (() => void) | undefined;
  const waiting: (() => void)[] = [];
  let tellClosed: (() => void) | undefined;
  const closed = new Promise<void>((resolve) => {
    tellClosed = resolve;
  });

  function tellDrained(): void {
    for (const resolve of waiting.splice(0)) resolve();
  }

  return {
    closed,
    push(item) {
      if (isClosed) return;
      items.push(item);
      wake?.();
    },
    async next() {
      while (!isClosed && items.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (isClosed) return undefined;
      const item = items.shift();
      if (items.length === 0) tellDrained();
      return item;
    },
    isEmpty: () => items.length === 0,
    async drained() {
      if (items.length === 0 || isClosed) return;
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
      });
    },
    clear() {
      const all = items;
      items = [];
      tellDrained();
      return all;
    },
    close() {
      isClosed = true;
      wake?.();
      tellDrained();
      tellClosed?.();
    },
    isClosed: () => isClosed,
  };
}
