import { describe, expect, test } from 'vitest';

import { permission } from '../testing/requests.ts';
import { spellCell } from '../testing/spell.ts';
import { beyond, widest } from './cell-set.ts';
import { cellCount, cellsOf, isGranted, meet, ruleOf, type ScopedRule } from './cells.ts';

const cells = (...spelled: string[]) => spelled.map(permission);

describe('meet', () => {
  test.each([
    ['get pods a', '* pods a', ['get pods a']],
    ['* pods a', 'get pods a', ['get pods a']],
    ['get pods', 'get pods a', ['get pods a']],
    ['get pods a', 'get pods - x', ['get pods a x']],
    ['get pods a x', 'get pods a y', []],
    ['get pods a', 'get pods b', []],
    ['get pods a', 'get apps:pods a', []],
    ['get *:pods a', 'get apps:pods a', ['get apps:pods a']],
    ['get pods/log', 'get */log', ['get pods/log']],
    ['get */log', 'get pods/log', ['get pods/log']],
    ['get */log', 'get *', ['get */log']],
    ['get pods', 'get */log', []],
    ['get *', 'list pods', []],
    ['get /api/v1', 'get /api*', ['get /api/v1']],
    ['get /api*', 'get /api/v1*', ['get /api/v1*']],
    ['get /api*', 'get /version', []],
    ['get /api*', '* *', []],
  ])('of %s and %s', (left, right, common) => {
    expect(meet(cells(left), cells(right)).map(spellCell)).toEqual(common);
    expect(meet(cells(right), cells(left)).map(spellCell)).toEqual(common);
  });
});

describe('widest', () => {
  test('leaves out what a wider cell includes', () => {
    const set = cells(
      'get pods a x',
      'get pods a',
      'get pods b',
      'get pods/log b',
      'get */log',
      '* nodes',
      'list nodes',
    );
    expect(widest(set).map(spellCell).sort()).toEqual(['* nodes', 'get */log', 'get pods a', 'get pods b']);
  });

  test('a prefix includes its own beginning', () => {
    expect(widest(cells('get /a/', 'get /a/*', 'list /a/', 'list /a')).map(spellCell)).toEqual(
      ['list /a', 'get /a/*', 'list /a/'].sort((a, b) =>
        (a.split(' ')[1] ?? '') < (b.split(' ')[1] ?? '') ? -1 : 1,
      ),
    );
    expect(widest(cells('list /a/', '* /a/*')).map(spellCell)).toEqual(['* /a/*']);
  });
});

test('beyond is what the others do not grant', () => {
  expect(
    beyond(cells('get pods a', 'get pods b', 'get pods b x'), cells('get pods a')).map(spellCell),
  ).toEqual(['get pods b']);
  expect(beyond(cells('get pods a'), cells('* pods'))).toEqual([]);
});

describe('rules', () => {
  const rule = {
    verbs: ['get', 'list'],
    apiGroups: ['', 'apps'],
    resources: ['a', 'b', ''],
    resourceNames: ['x', ''],
  };

  test('multiply to cells, without those that no request is for', () => {
    expect(cellCount(rule)).toBe(24);
    expect(cellCount({ verbs: ['get', 'list'], nonResourceURLs: ['/a', '/b'] })).toBe(4);
    expect(cellsOf([{ scope: 'ns', rule }])).toHaveLength(8);
    expect(
      cellsOf([{ scope: '*', rule: { verbs: ['get'], nonResourceURLs: ['/a', ''] } }]).map(spellCell),
    ).toEqual(['get /a']);
    expect(cellsOf([{ scope: 'ns', rule: { verbs: ['get'], nonResourceURLs: ['/a'] } }])).toEqual([]);
  });

  test('of one cell grant that cell', () => {
    for (const cell of cells('get apps:pods/log a x', 'list pods', 'get /a*')) {
      expect(cellsOf([ruleOf(cell)])).toEqual([cell]);
    }
  });

  test('grant others or do not, and more than can be looked at counts as not granted', () => {
    const all: ScopedRule = { scope: '*', rule: { verbs: ['*'], apiGroups: ['*'], resources: ['*'] } };
    expect(isGranted([{ scope: 'ns', rule }], [all])).toBe(true);
    expect(isGranted([all], [{ scope: 'ns', rule }])).toBe(false);
    expect(isGranted([], [])).toBe(true);
    const apiGroups = Array.from({ length: 8_000 }, (_, i) => `g${i}`);
    const each = apiGroups.map((group) => ({
      scope: '*',
      rule: { verbs: ['get'], apiGroups: [group], resources: ['pods'] },
    }));
    const whole = { scope: '*', rule: { verbs: ['get'], apiGroups, resources: ['pods'] } };
    expect(isGranted([whole], each)).toBe(false);
    expect(isGranted([whole], [...each.slice(0, 10), whole])).toBe(true);
  });
});
