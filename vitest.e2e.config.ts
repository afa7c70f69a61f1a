import { defineConfig } from 'vitest/config';

/** `npm run test:e2e`: the whole way on real servers, from an API server's audit log to a merged Role in it. */
export default defineConfig({
  resolve: { conditions: ['@leastwise/source'] },
  ssr: { resolve: { conditions: ['@leastwise/source'] } },
  test: {
    include: ['test/e2e/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    // One story: what follows a step that failed says nothing.
    bail: 1,
  },
});
