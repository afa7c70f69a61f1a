import { describe, expect, test } from 'vitest';

import type { ClusterRole, LabelSelector, PolicyRule, RbacObject } from '../types.ts';
import { ask, bindCluster, clusterRole, isAllowed, ref, user } from './testing/build.ts';

describe('aggregated ClusterRoles (clusterroleaggregation)', () => {
  const rule = (resource: string): PolicyRule => ({ verbs: ['get'], apiGroups: [''], resources: [resource] });
  const labelled = (name: string, labels: Record<string, string>, ...rules: PolicyRule[]): ClusterRole => ({
    ...clusterRole(name, ...rules),
    metadata: { name, labels },
  });
  const aggregated = (base: ClusterRole, ...clusterRoleSelectors: LabelSelector[]): ClusterRole => ({
    ...base,
    aggregationRule: { clusterRoleSelectors },
  });
  const bindTo = (name: string): RbacObject => bindCluster(ref('ClusterRole', name), user('alice'));
  const reads = (objects: RbacObject[]): string[] =>
    ['pods', 'secrets', 'nodes', 'own'].filter((resource) => isAllowed(objects, ask('get', resource)));

  test('have the rules of the roles that matchLabels selects, whatever the order', () => {
    const objects = [
      bindTo('view'),
      aggregated(clusterRole('view'), { matchLabels: { 'to-view': 'true' } }),
      labelled('a', { 'to-view': 'true' }, rule('pods')),
      labelled('b', { 'to-view': 'false' }, rule('secrets')),
      clusterRole('c', rule('nodes')),
    ];
    expect(reads(objects)).toEqual(['pods']);
    expect(reads(objects.toReversed())).toEqual(['pods']);
  });

  test('are overwritten by the controller, but keep their rules where nothing is selected', () => {
    const view = aggregated(clusterRole('view', rule('own')), { matchLabels: { x: 'y' } });
    expect(reads([bindTo('view'), view])).toEqual(['own']);
    const itself = { ...view, metadata: { name: 'view', labels: { x: 'y' } } };
    expect(reads([bindTo('view'), itself])).toEqual(['own']);
    expect(reads([bindTo('view'), view, labelled('a', { x: 'y' }, rule('pods'))])).toEqual(['pods']);
  });

  test('need all labels of one selector, and one selector of several', () => {
    const both = aggregated(
      clusterRole('view'),
      { matchLabels: { a: '1', b: '2' } },
      { matchLabels: { c: '3' } },
    );
    const objects = [
      bindTo('view'),
      both,
      labelled('p', { a: '1', b: '2' }, rule('pods')),
      labelled('s', { a: '1' }, rule('secrets')),
      labelled('n', { c: '3' }, rule('nodes')),
    ];
    expect(reads(objects)).toEqual(['pods', 'nodes']);
  });

  const expressions: [LabelSelector, string[]][] = [
    [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['1', '2'] }] }, ['pods', 'secrets']],
    [{ matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1'] }] }, ['secrets', 'nodes']],
    [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }, ['pods', 'secrets']],
    [{ matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] }, ['nodes']],
    [{ matchLabels: { b: 'x' }, matchExpressions: [{ key: 'a', operator: 'Exists' }] }, ['secrets']],
    [{}, ['pods', 'secrets', 'nodes']],
    [{ matchExpressions: [{ key: 'toString', operator: 'Exists' }] }, ['own']],
    [{ matchExpressions: [{ key: 'a', operator: 'In' }] }, ['own']],
    [{ matchExpressions: [{ key: 'a', operator: 'Exists', values: ['1'] }] }, ['own']],
  ];
  test.each(expressions)('%j', (selector, expected) => {
    const objects = [
      bindTo('view'),
      aggregated(clusterRole('view', rule('own')), selector),
      labelled('p', { a: '1' }, rule('pods')),
      labelled('s', { a: '2', b: 'x' }, rule('secrets')),
      clusterRole('n', rule('nodes')),
    ];
    expect(reads(objects)).toEqual(expected);
  });

  test('keep their rules where one of several selectors is invalid, or all that is selected has no rules', () => {
    const source = labelled('a', { x: 'y' }, rule('pods'));
    const valid: LabelSelector = { matchLabels: { x: 'y' } };
    const invalid: LabelSelector = { matchExpressions: [{ key: 'x', operator: 'In', values: [] }] };
    const view = (...selectors: LabelSelector[]) =>
      aggregated(clusterRole('view', rule('own')), ...selectors);
    expect(reads([bindTo('view'), view(valid, invalid), source])).toEqual(['own']);
    expect(reads([bindTo('view'), view(valid), labelled('a', { x: 'y' })])).toEqual(['own']);
    const empty = aggregated(labelled('b', { x: 'y' }), { matchLabels: { z: 'z' } });
    expect(reads([bindTo('view'), view(valid), empty])).toEqual(['own']);
    expect(reads([bindTo('view'), view(valid), empty, source])).toEqual(['pods']);
  });

  test('aggregate one that shares its source with another', () => {
    const objects = [
      bindTo('top'),
      aggregated(clusterRole('top', rule('own')), { matchLabels: { one: 'y' } }),
      aggregated(labelled('one', { one: 'y' }), { matchLabels: { x: 'y' } }),
      aggregated(labelled('two', { two: 'y' }), { matchLabels: { x: 'y' } }),
      labelled('a', { x: 'y' }, rule('pods')),
    ];
    expect(reads(objects)).toEqual(['pods']);
  });

  test('aggregate aggregated roles, and cycles end', () => {
    const objects = [
      bindTo('admin'),
      aggregated(labelled('admin', { e: 'y' }), { matchLabels: { d: 'y' } }),
      aggregated(labelled('edit', { d: 'y' }), { matchLabels: { e: 'y' } }, { matchLabels: { f: 'y' } }),
      labelled('p', { f: 'y' }, rule('pods')),
    ];
    expect(reads(objects)).toEqual(['pods']);
  });

  test('a new role with the label changes what is granted through the aggregated one', () => {
    const before = [
      bindTo('view'),
      aggregated(clusterRole('view', rule('pods')), { matchLabels: { v: '1' } }),
      labelled('a', { v: '1' }, rule('pods')),
    ];
    expect(reads(before)).toEqual(['pods']);
    expect(reads([...before, labelled('b', { v: '1' }, rule('secrets'))])).toEqual(['pods', 'secrets']);
  });
});
