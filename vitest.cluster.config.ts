import { defineConfig } from 'vitest/config';

/** `npm run test:cluster`: the proofs on a real API server. */
export default defineConfig({
  resolve: { conditions: ['@leastwise/source'] },
  ssr: { resolve: { conditions: ['@leastwise/source'] } },
  test: {
    include: ['test/closed-loop/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 300_000,
    // Each file has servers of its own.
    fileParallelism: false,
  },
});
