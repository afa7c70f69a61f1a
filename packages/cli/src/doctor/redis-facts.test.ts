import type { RedisFacts } from '@leastwise/state-redis';
import { describe, expect, test } from 'vitest';

import { factVerdicts } from './redis-facts.ts';

const GIB = 1024 ** 3;
const REDIS = {
  prefix: 'leastwise:',
  settings: {
    ...{ mode: 'standalone' as const, nodes: ['r:6379'], db: 0, tls: { enabled: false } },
    username: 'lw',
  },
};
const FACTS: RedisFacts = { server: '', clockAheadMs: 12, usedBytes: GIB, maxBytes: 4 * GIB, refused: [] };

function verdicts(more: Partial<RedisFacts>) {
  return factVerdicts('Redis', { ...FACTS, ...more }, REDIS, 'aggregator');
}
const told = (more: Partial<RedisFacts>): string[] =>
  verdicts(more).map(({ outcome, what, says }) => `${outcome}: ${what}: ${says}`);

describe('what a Redis says', () => {
  test('is all good', () => {
    expect(told({ server: 'n:1' })).toEqual([
      'ok: Redis, n:1, clock: it differs from ours by less than 30 s',
      'ok: Redis, n:1, memory: it uses 1.0 GiB of 4.0 GiB (25 %)',
      'ok: Redis, n:1, permissions: its user may do all that the aggregator does',
    ]);
  });

  test.each([
    [30_000, 'ok: Redis, clock: it differs from ours by less than 30 s'],
    [30_001, 'warning: Redis, clock: it is 30 s ahead of ours'],
    [-90_000, 'warning: Redis, clock: it is 90 s behind ours'],
    [undefined, 'skipped: Redis, clock: it does not tell the time'],
  ])('of a clock that is %s ms ahead', (clockAheadMs, says) => {
    expect(told({ clockAheadMs })[0]).toBe(says);
  });

  test.each([
    [0, 4, /^ok: /],
    [3.19, 4, /^ok: .*\(79 %\)$/],
    [3.2, 4, /^warning: .*\(80 %\)$/],
    [4, 4, /^failed: .*\(100 %\), and refuses writes$/],
    [1, 0, /^warning: .*nothing bounds it but the machine/],
  ])('of %s GiB in use of %s', (used, most, says) => {
    expect(told({ usedBytes: Math.ceil(used * GIB), maxBytes: most * GIB })[1]).toMatch(says);
  });

  test('of commands that are refused comes with the one that allows them', () => {
    const [, , permissions] = verdicts({ refused: ['HSET', 'EVAL'] });
    expect(permissions).toMatchObject({
      outcome: 'failed',
      says: 'its user may not use HSET, EVAL on keys that begin with leastwise:',
      remedy: "redis-cli ACL SETUSER lw '~leastwise:*' +hset +eval",
    });
    expect(told({ refused: undefined })[2]).toBe(
      'skipped: Redis, permissions: it cannot say, being older than Redis 7.0',
    );
  });
});
