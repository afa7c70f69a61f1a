import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ALICE, APP, permission } from '../testing/requests.ts';
import { changeFingerprint, type ProposedCells } from './index.ts';

const cells = fc.array(
  fc
    .constantFrom('get pods a', 'list pods a', 'get pods - a', 'get /a', 'get pods', 'get apps:pods a')
    .map(permission),
  { maxLength: 5 },
);
const change: fc.Arbitrary<ProposedCells> = fc.record({
  cluster: fc.constantFrom('prod', 'test'),
  subject: fc.constantFrom(ALICE, APP),
  direction: fc.constantFrom('additions' as const, 'removals' as const),
  cells,
});

describe('the fingerprint of changes', () => {
  test('does not depend on order, repetition, or the cut into changes', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
        const apart = changes.flatMap((each) => each.cells.map((cell) => ({ ...each, cells: [cell] })));
        const mixed = [
          ...apart.toReversed(),
          ...changes,
          { cluster: 'c', subject: ALICE, direction: 'removals' as const, cells: [] },
        ];
        expect(changeFingerprint(mixed)).toBe(changeFingerprint(changes));
      }),
    );
  });

  test('is another one for any other set', () => {
    const base = {
      cluster: 'prod',
      subject: ALICE,
      direction: 'additions' as const,
      cells: [permission('get pods a')],
    };
    const others: ProposedCells[] = [
      base,
      { ...base, cluster: 'test' },
      { ...base, subject: { ...ALICE, kind: 'Group' } },
      { ...base, subject: APP },
      { ...base, direction: 'removals' },
      { ...base, cells: [] },
      ...[
        'list pods a',
        'get nodes a',
        'get pods b',
        'get pods a x',
        'get pods',
        'get apps:pods a',
        'get /a',
      ].map((cell) => ({ ...base, cells: [permission(cell)] })),
      { ...base, cells: [permission('get pods a'), permission('list pods a')] },
    ];
    expect(new Set(others.map((each) => changeFingerprint([each]))).size).toBe(others.length);
  });

  test('golden: it is kept in pull requests for months', () => {
    expect(changeFingerprint([])).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(
      changeFingerprint([
        { cluster: 'prod', subject: APP, direction: 'removals', cells: [permission('get pods a x')] },
      ]),
    ).toMatchInlineSnapshot(`"47997d83ff0694f2c1c20e28571e0a2afb83d13779cadd41941ed2960c9535e4"`);
  });
});
