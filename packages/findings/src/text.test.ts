import { describe, expect, test } from 'vitest';

import { grantTexts, indexRules, grantsOf, namespaced, ruleText } from './access/grants.ts';
import { isGrave, lowered, raised, worse, worstOf } from './severity.ts';
import { rule } from './testing/objects.ts';
import { clipped, listed, objectText, subjectText } from './text.ts';

describe('texts for messages', () => {
  test('long names are cut, never within a character', () => {
    expect(clipped('a'.repeat(253))).toHaveLength(253);
    expect(clipped('a'.repeat(254))).toBe(`${'a'.repeat(253)}…`);
    expect(clipped(`${'a'.repeat(252)}😀b`)).toBe(`${'a'.repeat(252)}…`);
  });

  test('of many things the first ones are told, and how many there are', () => {
    expect(listed(['a', 'b'])).toBe('a, b');
    expect(listed(['a', 'b', 'c', 'd', 'e', 'f', 'g'])).toBe('a, b, c, d, e and 2 more');
    expect(listed(['a', 'b', 'c'], { separator: '; ', most: 2 })).toBe('a; b and 1 more');
  });

  test('names of objects and subjects', () => {
    expect(subjectText({ kind: 'ServiceAccount', namespace: 'shop', name: 'ci' })).toBe(
      'ServiceAccount shop/ci',
    );
    expect(subjectText({ kind: 'User', namespace: '', name: 'alice' })).toBe('User alice');
    expect(objectText({ kind: 'ClusterRole', name: 'r' })).toBe('ClusterRole r');
    expect(objectText({ kind: 'Role', namespace: 'shop', name: 'r' })).toBe('Role shop/r');
  });

  test.each([
    ['get,list core pods', 'get, list pods of core'],
    ['* apps,core deployments x,y', 'use any verb on deployments of apps, core "x", "y"'],
    ['get url /metrics', 'get URL /metrics'],
  ])('a rule: %s', (line, text) => {
    expect(ruleText(rule(line))).toBe(text);
  });

  test('grants on one thing are told together, in the usual order of verbs', () => {
    const rules = indexRules([
      rule('patch,approve,get core secrets'),
      rule('list core secrets'),
      rule('get core secrets a'),
    ]);
    const target = namespaced('', ['secrets'], 'any');
    expect(grantTexts(rules.flatMap((each) => grantsOf(each, target)))).toEqual([
      'get secrets "a"',
      'get, list, patch, approve secrets',
    ]);
  });
});

describe('severities', () => {
  test('are ordered', () => {
    expect(worse('LOW', 'HIGH')).toBe('HIGH');
    expect(worstOf(['INFO', 'MEDIUM', 'LOW'])).toBe('MEDIUM');
    expect(worstOf([])).toBeUndefined();
    expect([isGrave('HIGH'), isGrave('MEDIUM')]).toEqual([true, false]);
  });

  test('have a worst and a best', () => {
    expect([raised('CRITICAL'), raised('HIGH'), lowered('LOW'), lowered('INFO')]).toEqual([
      'CRITICAL',
      'CRITICAL',
      'INFO',
      'INFO',
    ]);
  });
});
