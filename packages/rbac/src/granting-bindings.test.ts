import type { GrantingBinding } from '@leastwise/audit-event';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { CAPS } from './capped.ts';
import { DAY_US, dayOf } from './evidence.ts';
import { bindingKey, bindingOfKey, noBindings, unionOfBindings, withBinding } from './granting-bindings.ts';
import { ALICE, binding, permission, request, stateOf, T0 } from './testing/requests.ts';
import type { Evidence, NamedBinding } from './types.ts';

type Naming = readonly [key: string, day: number];

function listOf(namings: readonly Naming[]): readonly NamedBinding[] {
  return namings.reduce((list, [key, day]) => withBinding(list, key, day), noBindings());
}

describe('the key of a binding', () => {
  test('is told from all others, and says which binding it is of', () => {
    const name = fc.string({ minLength: 1 }).filter((text) => !text.includes('/'));
    const anyBinding: fc.Arbitrary<GrantingBinding> = fc.oneof(
      fc.record({
        kind: fc.constant('RoleBinding' as const),
        namespace: name,
        name,
        roleKind: fc.constantFrom('Role' as const, 'ClusterRole' as const),
        roleName: name,
      }),
      fc.record({
        kind: fc.constant('ClusterRoleBinding' as const),
        namespace: fc.constant(''),
        name,
        roleKind: fc.constant('ClusterRole' as const),
        roleName: name,
      }),
    );
    fc.assert(
      fc.property(anyBinding, (each) => {
        expect(bindingOfKey(bindingKey(each))).toEqual(each);
      }),
    );
  });

  test('is the same for a binding that comes again', () => {
    const each = binding('ns1/a Role/r');
    expect(bindingKey(each)).toBe('ns1/a/Role/r');
    expect(bindingKey(each)).toBe(bindingKey({ ...each }));
  });

  test('is short, however long the names are', () => {
    const long = 'x'.repeat(5000);
    const each = { ...binding('ns1/a Role/r'), namespace: long, name: long, roleName: long };
    expect(bindingKey(each).length).toBeLessThan(300);
    expect(bindingKey(each)).not.toBe(bindingKey({ ...each, name: `${long}y` }));
    expect(bindingOfKey(bindingKey(each))?.kind).toBe('RoleBinding');
  });

  test.each([
    '',
    'a',
    'a/b',
    'a/b/Role',
    'a/b/Role/',
    'a//Role/r',
    'a/b/Thing/r',
    'a/b/Role/r/s',
    '/b/Role/r',
  ])('is none: %j', (text) => {
    expect(bindingOfKey(text)).toBeUndefined();
  });
});

describe('a list of bindings', () => {
  const naming = fc.tuple(
    fc.nat(60).map((n) => `ns${n}/b/Role/r`),
    fc.integer({ min: 20_000, max: 20_004 }),
  );
  // More than the cap is not rare among them.
  const namings = fc.array(naming, { maxLength: 80, size: 'max' });
  const list = namings.map(listOf);

  test('is the same whatever the order and however often each was named', () => {
    fc.assert(
      fc.property(namings, fc.infiniteStream(fc.nat()), (all, random) => {
        const keys = all.map((each) => [random.next().value as number, each] as const);
        const shuffled = keys.sort(([a], [b]) => a - b).map(([, each]) => each);
        expect(listOf([...shuffled, ...all])).toEqual(listOf(all));
      }),
    );
  });

  test('has each binding once, sorted, with the latest day, and no more than the cap', () => {
    fc.assert(
      fc.property(namings, (all) => {
        const made = listOf(all);
        const keys = made.map(({ key }) => key);
        expect(keys).toEqual([...new Set(keys)].sort());
        expect(made).toHaveLength(Math.min(new Set(all.map(([key]) => key)).size, CAPS.bindings));
        for (const { key, lastDay } of made) {
          expect(lastDay).toBe(Math.max(...all.flatMap(([each, day]) => (each === key ? [day] : []))));
        }
      }),
    );
  });

  test('merges in any order to the same, also beyond the cap', () => {
    fc.assert(
      fc.property(list, list, list, (a, b, c) => {
        expect(unionOfBindings(a, b)).toEqual(unionOfBindings(b, a));
        expect(unionOfBindings(unionOfBindings(a, b), c)).toEqual(unionOfBindings(a, unionOfBindings(b, c)));
        expect(unionOfBindings(a, a)).toEqual(a);
        expect(unionOfBindings(unionOfBindings(a, b), b)).toEqual(unionOfBindings(a, b));
        expect(unionOfBindings(a, noBindings())).toEqual(a);
        expect(unionOfBindings(noBindings(), a)).toEqual(a);
      }),
    );
  });

  test('is one for all evidence that names one binding on one day, and never changes', () => {
    const first = listOf([['ns1/a/Role/r', 5]]);
    expect(listOf([['ns1/a/Role/r', 5]])).toBe(first);
    expect(withBinding(first, 'ns1/a/Role/r', 4)).toBe(first);
    expect(unionOfBindings(first, listOf([['ns1/a/Role/r', 5]]))).toBe(first);
    const later = withBinding(first, 'ns1/a/Role/r', 6);
    const both = withBinding(later, 'ns1/b/Role/r', 5);
    expect(withBinding(both, 'ns1/b/Role/r', 5)).toBe(both);
    expect(first).toEqual([{ key: 'ns1/a/Role/r', lastDay: 5 }]);
    expect(later).toEqual([{ key: 'ns1/a/Role/r', lastDay: 6 }]);
    expect(Object.isFrozen(first) && Object.isFrozen(first[0])).toBe(true);
  });
});

describe('what is observed', () => {
  const A = binding('ns1/a Role/r');
  const B = binding('/b ClusterRole/r');

  function evidenceOf(fields: Partial<Parameters<typeof request>[0]>[]): Evidence[] {
    const permissions = [permission('get pods ns1 x')];
    const cluster = stateOf(fields.map((each) => request({ permissions, ...each })));
    const [state] = cluster.subjects.values();
    return [...(state?.allowed.rules.values() ?? [])].flatMap(({ names }) => [...names.values()]);
  }

  test('names all bindings that allowed a cell over time, each with the last day', () => {
    const [cell] = evidenceOf([
      { grantingBinding: A, us: T0 + 3 * DAY_US },
      { grantingBinding: B, us: T0 },
      { grantingBinding: A, us: T0 + DAY_US },
      { us: T0 + 9 * DAY_US },
    ]);
    expect(cell?.grantingBindings).toEqual([
      { key: '/b/ClusterRole/r', lastDay: dayOf(T0) },
      { key: 'ns1/a/Role/r', lastDay: dayOf(T0) + 3 },
    ]);
  });

  test('names no binding for what was asked without a word in the log', () => {
    const permissions = [permission('patch pods ns1 x'), permission('create pods ns1 x')];
    const cells = evidenceOf([{ permissions, grantingBinding: A }]);
    expect(cells.map(({ grantingBindings }) => grantingBindings.length)).toEqual([1, 0]);
  });

  test('names none for who acted as somebody else', () => {
    const impersonation = request({
      permissions: [permission('impersonate users - bob')],
      subject: ALICE,
    }).need;
    const [asked, acted] = evidenceOf([{ grantingBinding: A, impersonation }]);
    expect(asked?.grantingBindings).toHaveLength(1);
    expect(acted?.grantingBindings).toEqual([]);
  });
});
