import { describe, expect, test } from 'vitest';

import { cellKey, describeCell, GrantSet, unique } from './grant.ts';
import { permission } from './testing/requests.ts';
import { grantOf as grant } from './testing/spell.ts';

test.each([
  ['get pods', 'get pods in the cluster'],
  ['get pods ns1 a', 'get pods named a in ns1'],
  ['patch apps:deployments/scale ns1', 'patch deployments.apps/scale in ns1'],
  ['get /metrics', 'get /metrics'],
])('%s reads as: %s', (cell, expected) => {
  expect(describeCell(permission(cell))).toBe(expected);
});

describe('a set of grants', () => {
  test('sums the evidence of equal cells, and changes none that it was given', () => {
    const given = [
      grant('get pods ns1'),
      grant('get pods ns1', 2),
      grant('get pods ns1', 4),
      grant('get pods'),
    ];
    const frozen = given.map((each) => ({ ...each, evidence: Object.freeze(each.evidence) }));
    expect(unique(frozen).map(({ namespace, evidence }) => [namespace, evidence.count])).toEqual([
      ['ns1', 7],
      ['', 1],
    ]);
  });

  test.each([
    [['list pods', 'list pods ns1'], 'list pods ns1 a', 'list pods'],
    [['list pods ns1 a', 'list pods ns1'], 'list pods ns1 a', 'list pods ns1'],
    [['list pods - a', 'list pods ns1'], 'list pods ns1 a', 'list pods - a'],
    [['list pods ns1 a'], 'list pods ns1 a', 'list pods ns1 a'],
    [['list pods ns1', 'list pods - a'], 'list pods', undefined],
    [['list pods ns1 a'], 'list pods ns1', undefined],
    [['list pods ns2', 'get pods ns1', 'list jobs ns1', 'list pods ns1 b'], 'list pods ns1 a', undefined],
  ])('%j: what covers %s is %s', (held, asked, expected) => {
    const set = new GrantSet();
    for (const each of held) set.add(grant(each));
    const covering = set.covering(permission(asked));
    expect(covering && cellKey(covering)).toEqual(expected && cellKey(permission(expected)));
  });
});
