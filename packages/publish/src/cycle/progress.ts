import { setImmediate } from 'node:timers/promises';

import type { OnProgress } from './types.ts';

/** How many subjects are worked on in one go: others who share the process want to answer in between. */
const AT_ONCE = 16;

/** Goes through items, and lets everything else that waits in this process have its turn now and then. */
export async function* withProgress<T>(
  what: Parameters<OnProgress>[0],
  items: readonly T[],
  onProgress?: OnProgress,
): AsyncGenerator<T, void, undefined> {
  for (const [done, item] of items.entries()) {
    if (done % AT_ONCE === 0) {
      onProgress?.(what, done, items.length);
      await setImmediate();
    }
    yield item;
  }
  onProgress?.(what, items.length, items.length);
}
