import { defineConfig } from 'vitest/config';

/** Tests that start Kafka or Redis: one file at a time, for each has servers of its own. */
const SERVERS = [
  '**/*.gitea.test.ts',
  '**/*.kafka.test.ts',
  '**/*.redis.test.ts',
  'packages/state-redis/src/**/*.test.ts',
  'packages/testkit/src/servers/*.test.ts',
  'test/integration/cli/state*.test.ts',
  'test/stream/**/*.test.ts',
];
const ELSEWHERE = [
  '**/node_modules/**',
  '**/dist/**',
  'test/closed-loop/*.test.ts',
  'test/e2e/*.test.ts',
  'test/fault/*.test.ts',
];

export default defineConfig({
  // Tests run against the sources of every package, so that no build can be stale.
  resolve: { conditions: ['@leastwise/source'] },
  ssr: { resolve: { conditions: ['@leastwise/source'] } },
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'code',
          include: ['{packages,services}/*/src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...ELSEWHERE, ...SERVERS],
        },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: SERVERS,
          exclude: ELSEWHERE,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
