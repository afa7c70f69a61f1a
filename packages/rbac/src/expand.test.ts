import { describe, expect, test } from 'vitest';

import { expand } from './expand.ts';
import { AUDIT2RBAC_PRESET, DEFAULT_OPTIONS, type PolicyOptions } from './options.ts';
import { grantOf, spellCell } from './testing/spell.ts';

const { verbExpansions = {} } = AUDIT2RBAC_PRESET;
const NAMES = { expandMultiName: true };
const NAMESPACES = { expandMultiNamespace: true };
const VERBS = { verbExpansions };

function expanded(
  cells: readonly string[],
  knobs: Partial<PolicyOptions>,
): { cells: string[]; why: string[] } {
  const { grants, widenings } = expand(
    cells.map((cell) => grantOf(cell)),
    { ...DEFAULT_OPTIONS, ...knobs },
  );
  return {
    cells: grants.map(spellCell),
    why: widenings.map(({ kind, what, replaced }) => `${kind}: ${what} (${String(replaced)})`),
  };
}

describe('expansion', () => {
  test('is off by default: the grants stay the ones they are', () => {
    const grants = [grantOf('list pods ns1 a'), grantOf('list pods ns1')];
    expect(expand(grants, DEFAULT_OPTIONS)).toEqual({ grants, widenings: [] });
  });

  const cases: [string, Partial<PolicyOptions>, string[], { cells: string[]; why: string[] }][] = [
    [
      'two names become any',
      NAMES,
      ['get pods ns1 a', 'get pods ns1 b', 'get secrets ns1 a'],
      {
        cells: ['get pods ns1', 'get secrets ns1 a'],
        why: ['names-expanded: get pods in ns1 (2)'],
      },
    ],
    [
      'no name is no name',
      NAMES,
      ['get pods ns1', 'get jobs ns1 a', 'get jobs ns2'],
      {
        cells: ['get jobs ns2', 'get pods ns1', 'get jobs ns1 a'],
        why: [],
      },
    ],
    [
      'names in two namespaces are two',
      NAMES,
      ['get pods ns1 a', 'get pods ns2 b'],
      {
        cells: ['get pods ns1 a', 'get pods ns2 b'],
        why: [],
      },
    ],
    [
      'two namespaces become all',
      NAMESPACES,
      ['get pods ns1 a', 'get pods ns2 a', 'get pods ns1 b'],
      {
        cells: ['get pods - a', 'get pods ns1 b'],
        why: ['namespaces-expanded: get pods named a in the cluster (2)'],
      },
    ],
    [
      'the cluster is no namespace',
      NAMESPACES,
      ['get jobs - a', 'get jobs ns1 b', 'get pods ns1 a', 'get pods - b'],
      {
        cells: ['get jobs - a', 'get pods - b', 'get jobs ns1 b', 'get pods ns1 a'],
        why: [],
      },
    ],
    [
      'what is widened already is not said to be',
      { ...NAMES, ...NAMESPACES },
      ['get pods', 'get pods ns1', 'get pods ns2 a', 'get jobs - a', 'get jobs - b', 'get jobs'],
      {
        cells: ['get jobs', 'get pods'],
        why: [],
      },
    ],
    [
      'a lack counts as no name and no namespace',
      { ...NAMES, ...NAMESPACES },
      ['get jobs - a', 'get jobs ns1'],
      {
        cells: ['get jobs - a', 'get jobs ns1'],
        why: [],
      },
    ],
    [
      'both at once',
      { ...NAMES, ...NAMESPACES },
      ['get pods ns1 a', 'get pods ns2 b'],
      {
        cells: ['get pods'],
        why: [
          'names-expanded: get pods in the cluster (2)',
          'namespaces-expanded: get pods in the cluster (2)',
        ],
      },
    ],
    [
      'names of special verbs stay',
      NAMES,
      ['use things ns1 a', 'use things ns1 b'],
      {
        cells: ['use things ns1 a', 'use things ns1 b'],
        why: [],
      },
    ],
    [
      'verbs bring their likes, in the same place',
      VERBS,
      ['list pods ns1 a'],
      {
        cells: ['list pods ns1 a', 'get pods ns1 a', 'watch pods ns1 a'],
        why: ['verbs-expanded: get pods named a in ns1 (0)', 'verbs-expanded: watch pods named a in ns1 (0)'],
      },
    ],
    [
      'list before get; what is granted by then brings nothing',
      VERBS,
      ['get pods ns1', 'watch pods ns1', 'list pods ns1'],
      {
        cells: ['list pods ns1', 'get pods ns1', 'watch pods ns1'],
        why: ['verbs-expanded: get pods in ns1 (0)', 'verbs-expanded: watch pods in ns1 (0)'],
      },
    ],
    [
      'the cluster before namespaces, any name before names',
      VERBS,
      ['update jobs ns1', 'update jobs', 'patch pods ns1 a', 'patch pods ns1'],
      {
        cells: ['update jobs', 'get jobs', 'patch jobs', 'patch pods ns1', 'get pods ns1', 'update pods ns1'],
        why: [
          'verbs-expanded: get jobs in the cluster (0)',
          'verbs-expanded: patch jobs in the cluster (0)',
          'verbs-expanded: get pods in ns1 (0)',
          'verbs-expanded: update pods in ns1 (0)',
        ],
      },
    ],
    [
      'URLs come first and bring nothing',
      { ...VERBS, ...NAMES, ...NAMESPACES },
      ['delete pods ns1', 'list /a', 'watch /b'],
      {
        cells: ['list /a', 'watch /b', 'delete pods ns1'],
        why: [],
      },
    ],
  ];
  test.each(cases)('%s', (_, knobs, cells, expected) => {
    expect(expanded(cells, knobs)).toEqual(expected);
    expect(expanded(cells.toReversed(), knobs)).toEqual(expected);
  });

  test('what is covered counts where it is covered, and what is brought counts nothing', () => {
    const grants = [grantOf('list pods ns1', 1), grantOf('list pods ns1 a', 2), grantOf('get pods ns1', 4)];
    const counts = expand(grants, { ...DEFAULT_OPTIONS, ...VERBS }).grants.map((grant) => [
      spellCell(grant),
      grant.evidence.count,
    ]);
    expect(counts).toEqual([
      ['list pods ns1', 3],
      ['get pods ns1', 4],
      ['watch pods ns1', 0],
    ]);
  });
});
