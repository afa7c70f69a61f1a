import { defineConfig } from 'vitest/config';

/** `npm run test:fault`: real Kafka, real Redis, real aggregators, and what goes wrong with them. */
export default defineConfig({
  resolve: { conditions: ['@leastwise/source'] },
  ssr: { resolve: { conditions: ['@leastwise/source'] } },
  test: {
    include: ['test/fault/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 120_000,
    // Each file has servers of its own.
    fileParallelism: false,
  },
});
