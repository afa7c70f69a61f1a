import type { BindingUsage } from '@leastwise/rbac';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { SubjectBindings } from './compliance.ts';
import { bindingBlocks } from './compliance-bindings.ts';
import { HOSTILE_MARKDOWN, skeletonOf } from './pull-request/testing/skeleton.ts';

/** 2026-03-16. */
const DAY = 20_528;

function usage(fields: Partial<BindingUsage> = {}, name = 'app'): BindingUsage {
  const binding = {
    kind: 'RoleBinding',
    namespace: 'shop',
    name,
    roleKind: 'Role',
    roleName: 'app',
  } as const;
  return { binding, cells: 3, lastDay: DAY, exists: true, ...fields };
}

function of(name: string, usages: readonly BindingUsage[], isCapped = false): SubjectBindings {
  return { subject: { kind: 'User', namespace: '', name }, usages, isCapped };
}

describe('the bindings in a compliance report', () => {
  test('say how much each was named for, until when, and whether it binds still', () => {
    const place = { kind: 'ClusterRoleBinding', namespace: '', name: 'ops' } as const;
    const wide = { ...place, roleKind: 'ClusterRole', roleName: 'edit' } as const;
    const never = { cells: 0, lastDay: undefined };
    const blocks = bindingBlocks([
      of('bob', [usage(never)], true),
      of('alice', [usage({ binding: wide, cells: 1 }), usage(never), usage({ exists: false }, 'old')]),
    ]);
    expect(blocks.slice(0, 2)).toEqual([
      '## Bindings',
      expect.stringContaining('**never** is not proven unused'),
    ]);
    expect(blocks[2]).toMatchInlineSnapshot(`
      "| subject      | binding                     | role               | named                                                   |
      | ------------ | --------------------------- | ------------------ | ------------------------------------------------------- |
      | \`User alice\` | \`ClusterRoleBinding ops\`    | \`ClusterRole edit\` | for 1 permission, last on 2026-03-16                    |
      | \`User alice\` | \`RoleBinding app\` in \`shop\` | \`Role app\`         | never                                                   |
      | \`User alice\` | \`RoleBinding old\` in \`shop\` | \`Role app\`         | for 3 permissions, last on 2026-03-16; binds it no more |
      | \`User bob\`   | \`RoleBinding app\` in \`shop\` | \`Role app\`         | not known: too many were named                          |"
    `);
    expect(blocks).toHaveLength(3);
  });

  test('are nothing where none was named', () => {
    expect(bindingBlocks([])).toEqual([]);
  });

  test('are shown up to a number, and the rest is counted', () => {
    const many = Array.from({ length: 203 }, (_, n) => usage({}, `b${n}`));
    const [, , lines, rest] = bindingBlocks([of('alice', many)]);
    expect(lines?.split('\n')).toHaveLength(202);
    expect(rest).toBe('And 3 more bindings.');
  });

  test('are the same in any order of subjects', () => {
    const [a, b] = [of('a', [usage()]), of('b', [usage({ cells: 1 })])];
    expect(bindingBlocks([a, b])).toEqual(bindingBlocks([b, a]));
  });

  test('have the structure that they have with harmless names, whatever names hold', () => {
    const outline = (name: (at: number) => string): string[] => {
      const place = { kind: 'RoleBinding', namespace: name(1), name: name(2) } as const;
      const binding = { ...place, roleKind: 'Role', roleName: name(3) } as const;
      return skeletonOf(bindingBlocks([of(name(4), [usage({ binding })])]).join('\n\n'));
    };
    const expected = outline((at) => `x${at}`);
    fc.assert(
      fc.property(fc.constantFrom(...HOSTILE_MARKDOWN), (text) => {
        expect(outline((at) => `${text}${at}`)).toEqual(expected);
      }),
    );
  });
});
