import { execFileSync } from 'node:child_process';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { BRANCH_PREFIX, branchOf, compareKeys, PROPOSAL_KINDS } from './proposal.ts';

const name = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.stringMatching(/^[a-zA-Z0-9_.@{}~^:?*\\ /[-]{0,8}$/),
  fc.constantFrom(
    'prod',
    'Prod',
    'prod.',
    'a.b',
    'a',
    'b',
    '',
    '.lock',
    'x.lock',
    '@{',
    '\ud800',
    '\udbff',
    'K',
  ),
);
const key = fc.record({ cluster: name, group: name, kind: fc.constantFrom(...PROPOSAL_KINDS) });

describe('branchOf', () => {
  test('is readable where the names are plain', () => {
    expect(branchOf({ cluster: 'prod-eu', group: 'shop', kind: 'additions' })).toBe(
      'leastwise/prod-eu.shop.additions',
    );
  });

  test('names what it simplified by a hash of the key', () => {
    expect(branchOf({ cluster: 'Prod.example', group: '@org/team', kind: 'removals' })).toBe(
      'leastwise/prod-example.-org-team.removals.7fdd9e56501b859158e282ba4667436b',
    );
  });

  test('different keys have different branches, where letter case does not count either, side by side', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        const [one, two] = [branchOf(a), branchOf(b)];
        expect(one === two).toBe(compareKeys(a, b) === 0);
        expect(one).toBe(one.toLowerCase());
        expect(one.slice(BRANCH_PREFIX.length)).not.toContain('/');
      }),
      { numRuns: 1000 },
    );
  });

  test('a text that looks like the hashed form of another has a branch of its own', () => {
    const hashed = branchOf({ cluster: 'A', group: 'b', kind: 'reports' });
    const [cluster = '', group = '', , hash = ''] = hashed.slice(BRANCH_PREFIX.length).split('.');
    for (const fake of [`${group}.reports.${hash}`, `${group}.${hash}`, `${group}-${hash}`]) {
      expect(branchOf({ cluster, group: fake, kind: 'reports' })).not.toBe(hashed);
    }
    const pairs = [
      { cluster: 'a.b', group: 'c' },
      { cluster: 'a', group: 'b.c' },
      { cluster: 'a-b', group: 'c' },
    ];
    expect(new Set(pairs.map((pair) => branchOf({ ...pair, kind: 'reports' }))).size).toBe(3);
  });

  test('holds what git allows in a name, and no more than 150 characters', () => {
    fc.assert(
      fc.property(key, (some) => {
        expect(branchOf(some)).toMatch(
          /^leastwise\/[a-z0-9_-]+\.[a-z0-9_-]+\.(?:additions|removals|retirements|reports)(?:\.[0-9a-f]{32})?$/,
        );
        expect(branchOf(some).length).toBeLessThanOrEqual(150);
      }),
      { numRuns: 1000 },
    );
    const longest = { cluster: 'x'.repeat(60), group: 'x'.repeat(60), kind: 'retirements' } as const;
    expect(branchOf(longest)).toHaveLength(143);
  });

  test('git itself agrees', () => {
    for (const odd of ['.lock', 'lock', '@', '@{', '-', '..', 'a..b', '/', '~', 'con', '\u202e', '']) {
      const branch = branchOf({ cluster: odd, group: odd, kind: 'reports' });
      expect(execFileSync('git', ['check-ref-format', '--branch', branch]).toString().trim()).toBe(branch);
    }
  });
});

describe('compareKeys', () => {
  test('additions come first, then by cluster and group', () => {
    const keys = [
      { cluster: 'b', group: 'a', kind: 'additions' },
      { cluster: 'a', group: 'b', kind: 'reports' },
      { cluster: 'a', group: 'a', kind: 'removals' },
      { cluster: 'a', group: 'b', kind: 'additions' },
      { cluster: 'a', group: 'B', kind: 'additions' },
    ] as const;
    expect(
      [...keys].sort(compareKeys).map(({ cluster, group, kind }) => `${kind} ${cluster} ${group}`),
    ).toEqual(['additions a B', 'additions a b', 'additions b a', 'removals a a', 'reports a b']);
  });
});
