import { expect, test } from 'vitest';

import type { Draft } from './draft.ts';
import { finish, KeyBook, MAX_PATHS } from './finish.ts';

const reference = (name: string) => ({ kind: 'RoleBinding', namespace: 'shop', name });

function draft(name: string, steps: readonly (readonly [string, number])[]): Draft {
  return {
    check: 'R030',
    severity: 'HIGH',
    message: name,
    object: reference(name),
    paths: steps.map(([binding, ruleIndex]) => ({
      binding: reference(binding),
      role: { kind: 'Role', namespace: 'shop', name: 'r' },
      ruleIndex,
      grant: 'get secrets',
    })),
  };
}

test('a finding has the same key in every audit, and another one has another', () => {
  const book = new KeyBook();
  const keys = (...names: string[]) =>
    finish(
      names.map((name) => draft(name, [])),
      book,
    ).map(({ key }) => key);
  const [a, b] = keys('a', 'b');
  expect(a).toMatch(/^[0-9a-f]{32}$/);
  expect(a).not.toBe(b);
  expect(keys('a', 'b')).toEqual([a, b]);
  expect(keys()).toEqual([]);
  // What was forgotten in between is found anew.
  keys();
  expect(keys('b', 'a')).toEqual([a, b]);
  expect(finish([draft('a', [])], new KeyBook())[0]?.key).toBe(a);
});

test('ways are told once, by binding, role and rule in the order of their numbers', () => {
  const steps = [
    ['y', 10],
    ['y', 9],
    ['x', 2],
    ['y', 9],
    ['x', 11],
  ] as const;
  for (const each of [steps, steps.toReversed()]) {
    const [finding] = finish([draft('a', each)], new KeyBook());
    expect(finding?.paths.map(({ binding, ruleIndex }) => [binding.name, ruleIndex])).toEqual([
      ['x', 2],
      ['x', 11],
      ['y', 9],
      ['y', 10],
    ]);
  }
});

test('of very many ways the first are told, and how many there are besides', () => {
  const steps = Array.from({ length: 20 }, (_, i) => ['x', i] as const);
  const [finding] = finish([draft('a', steps)], new KeyBook());
  expect(finding?.paths).toHaveLength(MAX_PATHS);
  expect(finding?.morePaths).toBe(20 - MAX_PATHS);
});
