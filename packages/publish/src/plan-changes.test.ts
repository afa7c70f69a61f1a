import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createMemoryForge } from './memory-forge.ts';
import { planChanges } from './plan-changes.ts';
import { PublishError } from './types.ts';
import type { Files } from './types.ts';

const isOurs = (_: string, content: string): boolean => content.startsWith('ours');

function plan(wanted: Record<string, string>, existing: Record<string, string>): unknown {
  return planChanges(new Map(Object.entries(wanted)), new Map(Object.entries(existing)), isOurs);
}

describe('planChanges', () => {
  test('no change, no plan', () => {
    expect(plan({ a: 'ours' }, { a: 'ours' })).toEqual({ changes: [], foreign: [] });
  });

  test('writes what differs and deletes what is no longer wanted, ordered by path', () => {
    expect(plan({ b: 'ours 2', a: 'ours', d: 'ours' }, { c: 'ours', b: 'ours', d: 'ours' })).toEqual({
      changes: [
        { action: 'write', path: 'a', content: 'ours' },
        { action: 'write', path: 'b', content: 'ours 2' },
        { action: 'delete', path: 'c' },
      ],
      foreign: [],
    });
  });

  test('a foreign file is neither deleted nor overwritten; in the way, it is listed', () => {
    expect(plan({ a: 'ours', b: 'ours' }, { a: 'theirs', c: 'theirs' })).toEqual({
      changes: [{ action: 'write', path: 'b', content: 'ours' }],
      foreign: ['a'],
    });
  });

  test('a foreign file with the wanted content is not in the way', () => {
    expect(plan({ a: 'same' }, { a: 'same' })).toEqual({ changes: [], foreign: [] });
  });

  test.each([
    ['in other letter case', 'x/rbac.yaml', 'x/RBAC.yaml'],
    ['where a folder is needed', 'x/y/rbac.yaml', 'x/y'],
    ['in a folder where a file is needed', 'x', 'x/y/z'],
  ])('a foreign file %s is in the way', (_, wanted, existing) => {
    expect(plan({ [wanted]: 'ours' }, { [existing]: 'theirs' })).toEqual({
      changes: [],
      foreign: [existing],
    });
  });

  test('our own file in other letter case is replaced', () => {
    expect(plan({ 'x/rbac.yaml': 'ours' }, { 'x/RBAC.yaml': 'ours' })).toEqual({
      changes: [
        { action: 'delete', path: 'x/RBAC.yaml' },
        { action: 'write', path: 'x/rbac.yaml', content: 'ours' },
      ],
      foreign: [],
    });
  });

  test('wanted paths that collide are refused', () => {
    expect(() => plan({ 'a/x': '1', 'A/y': '2' }, {})).toThrow(PublishError);
  });

  const path = fc.constantFrom('a', 'b', 'c', 'a/b', 'a/c', 'B', 'd/e/f', 'd/e', 'd/g');
  const tree = fc.dictionary(path, fc.constantFrom('ours 1', 'ours 2', 'theirs'));

  test('applied to what it was planned for: foreign files stay, nothing is left to do, order does not matter', async () => {
    await fc.assert(
      fc.asyncProperty(tree, tree, async (first, second) => {
        const existing = withoutConflicts(first);
        const wanted = new Map(
          [...withoutConflicts(second)].map(([at, content]) => [at, content.replace('theirs', 'ours 3')]),
        );
        const made = planChanges(wanted, existing, isOurs);
        const forge = createMemoryForge(existing);
        await forge.apply(made, 'apply');

        for (const [at, content] of existing) {
          if (!isOurs(at, content)) expect(forge.files.get(at)).toBe(content);
        }
        for (const [at, content] of wanted) {
          expect(forge.files.get(at) === content || made.foreign.length > 0).toBe(true);
        }
        expect(planChanges(wanted, forge.files, isOurs)).toEqual({ changes: [], foreign: made.foreign });
        expect(planChanges(reversed(wanted), reversed(existing), isOurs)).toEqual(made);
      }),
    );
  });
});

/** Keeps the paths that can stand side by side. */
function withoutConflicts(content: Readonly<Record<string, string>>): Map<string, string> {
  const kept = new Map<string, string>();
  for (const [path, text] of Object.entries(content)) {
    const clashes = [...kept.keys()].some((other) => {
      const [a, b] = [other.toLowerCase(), path.toLowerCase()];
      return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
    });
    if (!clashes) kept.set(path, text);
  }
  return kept;
}

function reversed(files: Files): Files {
  return new Map([...files].reverse());
}
