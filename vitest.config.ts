import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Tests run against the sources of every package, so that no build can be stale.
  resolve: { conditions: ['@leastwise/source'] },
  ssr: { resolve: { conditions: ['@leastwise/source'] } },
  test: {
    include: ['{packages,services}/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', 'test/closed-loop/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
