/** A queue with one reader, which waits while it is empty. */
export interface Mailbox<T> {
  push(item: T): void;
  /** Waits for an item; undefined when closed, at once. */
  next(): Promise<T | undefined>;
  /** Whether an item is there, or it is closed, within some milliseconds. */
  arrives(ms: number): Promise<boolean>;
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
    async arrives(ms) {
      if (!isClosed && items.length === 0) {
        await atMost(ms, (done) => {
          wake = done;
        });
      }
      return isClosed || items.length > 0;
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

/** Waits until it is told that it is done, or for some milliseconds. */
async function atMost(ms: number, begin: (done: () => void) => void): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    begin(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
