import { describe, expect, test } from 'vitest';

import { DEFAULT_OPTIONS, type PolicyOptions } from './options.ts';
import { grantOf, spellCell } from './testing/spell.ts';
import { STANDARD_VERBS } from './validity.ts';
import { widen, widenOutlived } from './widen.ts';

const CLUSTER = { scopeMode: 'ClusterScopeAllowed' } as const;
const SMART = { resourceNames: 'Explicit', verbMerge: 'Smart' } as const;
const SAFE = { resourceNames: 'Explicit', wildcards: 'Safe' } as const;
const EXPLICIT = { resourceNames: 'Explicit' } as const;

function widened(
  cells: readonly string[],
  knobs: Partial<PolicyOptions>,
): { cells: string[]; why: string[] } {
  const { grants, widenings } = widen(
    cells.map((cell) => grantOf(cell)),
    { ...DEFAULT_OPTIONS, ...knobs },
  );
  return {
    cells: grants.map(spellCell).sort(),
    why: widenings.map(({ kind, what, replaced }) => `${kind}: ${what} (${String(replaced)})`),
  };
}

function on(cell: string, verbs = STANDARD_VERBS): string[] {
  return verbs.map((verb) => `${verb} ${cell}`);
}

describe('each knob widens what it says, and says so', () => {
  const cases: [string, Partial<PolicyOptions>, string[], string[], string[]][] = [
    [
      'the cluster for namespaces',
      CLUSTER,
      ['get pods ns1 a', 'get pods ns2 b', 'get pods - a', 'list nodes', 'get /metrics'],
      ['get /metrics', 'get pods - a', 'get pods - b', 'list nodes'],
      ['cluster-scope: get pods in the cluster (2)'],
    ],
    [
      'no names',
      { resourceNames: 'Omit' },
      ['get pods ns1 a', 'list jobs ns1', 'use things ns1 x'],
      ['get pods ns1', 'list jobs ns1', 'use things ns1 x'],
      ['names-omitted: get pods in ns1 (1)'],
    ],
    [
      'up to two names',
      { resourceNames: 2 },
      ['get a ns1 x', 'get a ns1 y', 'get a ns1', 'get b ns1 x', 'get b ns1 y', 'get b ns1 z', 'get b ns2 x'],
      ['get a ns1', 'get b ns1', 'get b ns2 x'],
      ['names-collapsed: get b in ns1 (3)'],
    ],
    [
      'names of all verbs of a resource',
      SMART,
      ['patch secrets ns1 b', 'get secrets ns1 a', 'get jobs ns1 c', 'get secrets ns2 d'],
      [
        'get jobs ns1 c',
        'get secrets ns1 a',
        'get secrets ns1 b',
        'get secrets ns2 d',
        'patch secrets ns1 a',
        'patch secrets ns1 b',
      ],
      ['names-merged: get,patch secrets in ns1 (2)'],
    ],
    [
      'any name where one verb had none',
      SMART,
      ['list pods ns1', 'get pods ns1 p'],
      ['get pods ns1', 'list pods ns1'],
      ['names-merged: get,list pods in ns1 (1)'],
    ],
    [
      'nothing where the names are the same',
      SMART,
      ['get a ns1 x', 'get a ns1 y', 'patch a ns1 y', 'patch a ns1 x'],
      ['get a ns1 x', 'get a ns1 y', 'patch a ns1 x', 'patch a ns1 y'],
      [],
    ],
    [
      'nothing of one verb, or without names',
      SMART,
      ['get a ns1 x', 'get a ns1 y', 'get b ns1', 'list b ns1'],
      ['get a ns1 x', 'get a ns1 y', 'get b ns1', 'list b ns1'],
      [],
    ],
    [
      'nothing where all had no name, too',
      SMART,
      ['get a ns1 x', 'get a ns1', 'list a ns1', 'list a ns1 x'],
      ['get a ns1', 'list a ns1'],
      [],
    ],
    [
      'not by what can have no name',
      SMART,
      ['get a ns1 x', 'create a ns1', 'deletecollection a ns1'],
      ['create a ns1', 'deletecollection a ns1', 'get a ns1 x'],
      [],
    ],
    [
      'by creates of subresources',
      SMART,
      ['get a/b ns1 x', 'create a/b ns1 y'],
      ['create a/b ns1 x', 'create a/b ns1 y', 'get a/b ns1 x', 'get a/b ns1 y'],
      ['names-merged: create,get a/b in ns1 (2)'],
    ],
    [
      'not names of special verbs, and not URLs',
      SMART,
      ['use a ns1 x', 'get a ns1 y', 'get /x', 'post /y'],
      ['get /x', 'get a ns1 y', 'post /y', 'use a ns1 x'],
      [],
    ],
    [
      'all eight verbs',
      SAFE,
      on('configmaps ns1'),
      ['* configmaps ns1'],
      ['verb-wildcard: * configmaps in ns1 (0)'],
    ],
  ];
  test.each(cases)('%s', (_, knobs, cells, expected, why) => {
    expect(widened(cells, knobs)).toEqual({ cells: expected.toSorted(), why });
    expect(widened(cells.toReversed(), knobs)).toEqual({ cells: expected.toSorted(), why });
  });

  const seven = STANDARD_VERBS.slice(1);
  const [eighth = ''] = STANDARD_VERBS;
  test.each([
    ['seven verbs', on('configmaps ns1', seven)],
    ['the eighth elsewhere', [...on('configmaps ns1', seven), `${eighth} configmaps ns2`]],
    ['the eighth on another resource', [...on('configmaps ns1', seven), `${eighth} secrets ns1`]],
    ['the eighth in another group', [...on('configmaps ns1', seven), `${eighth} apps:configmaps ns1`]],
    ['the eighth with a name', [...on('configmaps ns1', seven), `${eighth} configmaps ns1 a`]],
    ['a name', on('configmaps ns1 a')],
    ['a URL', on('/a')],
    ['several URLs', [...on('/a', seven), `${eighth} /b`]],
    ['special verbs come along', on('users')],
    ['special verbs of the parent', on('serviceaccounts/x ns1')],
  ])('Safe writes no wildcard: %s', (_, cells) => {
    expect(widened(cells, SAFE)).toEqual({ cells: cells.toSorted(), why: [] });
  });
});

test('Smart counts what was seen once', () => {
  const cells = ['get a ns1 x', 'patch a ns1 y', 'use a ns1 z', 'get b ns1', 'list b ns1 x'];
  const grants = cells.map((cell, i) => grantOf(cell, 2 ** i));
  const counts = widen(grants, { ...DEFAULT_OPTIONS, ...SMART }).grants.map(
    (grant) => `${spellCell(grant)}: ${String(grant.evidence.count)}`,
  );
  expect(counts.sort()).toEqual([
    'get a ns1 x: 1',
    'get a ns1 y: 0',
    'get b ns1: 8',
    'list b ns1: 16',
    'patch a ns1 x: 0',
    'patch a ns1 y: 2',
    'use a ns1 z: 4',
  ]);
});

describe('what a wider grant allows is not granted again', () => {
  test.each([
    [['list pods', 'list pods ns1', 'list pods ns1 a', 'list pods - a'], ['list pods']],
    [
      ['list pods - a', 'list pods ns1 a', 'list pods ns1 b'],
      ['list pods - a', 'list pods ns1 b'],
    ],
    [
      ['list pods ns1', 'list pods ns1 a', 'list pods ns2 a'],
      ['list pods ns1', 'list pods ns2 a'],
    ],
    [
      ['list pods', 'get pods ns1', 'list jobs ns1'],
      ['list pods', 'get pods ns1', 'list jobs ns1'],
    ],
    [
      ['get /a', 'get /b'],
      ['get /a', 'get /b'],
    ],
  ])('%j', (cells, expected) => {
    expect(widened(cells, EXPLICIT)).toEqual({ cells: expected.toSorted(), why: [] });
  });

  test('its evidence goes to the wider one', () => {
    const grants = [grantOf('list pods ns1 a', 1), grantOf('list pods', 2), grantOf('list pods ns1', 4)];
    const [only] = widen(grants, { ...DEFAULT_OPTIONS, ...EXPLICIT }).grants;
    expect(only?.evidence.count).toBe(7);
  });
});

test('what was done in namespaces that are gone widens nothing but their group', () => {
  const options = { ...DEFAULT_OPTIONS, expandMultiNamespace: true };
  const outlived = ['list pods pr-1', 'list pods pr-2', 'get jobs pr-1'].map((cell) => grantOf(cell));
  const { grants, widenings } = widenOutlived(
    outlived,
    [grantOf('get jobs'), grantOf('list pods ns1')],
    options,
  );
  expect([grants.map(spellCell), widenings]).toEqual([['list pods pr-1', 'list pods pr-2'], []]);
});
