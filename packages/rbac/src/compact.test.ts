import fc from 'fast-check';
import { expect, test } from 'vitest';

import { compactRules } from './compact.ts';
import { grantOf, spell } from './testing/spell.ts';

const CELLS = [
  'get /b',
  'get /a',
  'post /a',
  'list apps:deployments',
  'list nodes',
  'get nodes - n1',
  'get nodes - n2',
  'watch nodes',
];

test('rules are in order: resources before URLs, by group, resource, any name before names', () => {
  const expected = [
    'list,watch nodes',
    'get nodes [n1,n2]',
    'list apps:deployments',
    'get,post /a',
    'get /b',
  ];
  fc.assert(
    fc.property(fc.shuffledSubarray(CELLS, { minLength: CELLS.length }), (cells) => {
      const rules = compactRules(cells.map((cell) => grantOf(cell)));
      expect(rules.map(({ rule }) => spell(rule))).toEqual(expected);
    }),
  );
  expect(compactRules([grantOf('get /a'), grantOf('get /b')]).map(({ rule }) => spell(rule))).toEqual([
    'get /a,/b',
  ]);
});

test('each rule rests on the evidence of all its cells', () => {
  const grants = [grantOf('get pods ns1 a', 1), grantOf('get pods ns1 b', 2), grantOf('get jobs ns1 a', 4)];
  expect(compactRules(grants).map(({ rule, evidence }) => [spell(rule), evidence.count])).toEqual([
    ['get jobs [a]', 4],
    ['get pods [a,b]', 3],
  ]);
});
