import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { ManifestValue } from '../order-object.ts';
import { HOSTILE_TEXTS } from '../testing/objects.ts';
import { readYaml } from '../testing/read-yaml.ts';
import { code, fileLink, permissionText, ruleLine, ruleYaml, shorten, table, yamlOf } from './markdown.ts';
import { permission } from './testing/reports.ts';
import { HOSTILE_MARKDOWN } from './testing/skeleton.ts';

const text = fc.oneof(fc.constantFrom(...HOSTILE_TEXTS, ...HOSTILE_MARKDOWN), fc.string({ unit: 'binary' }));

describe('permissionText', () => {
  test.each([
    [{ resource: 'pods', namespace: 'shop' }, '`get pods` in `shop`'],
    [{ resource: 'nodes' }, '`get nodes` cluster-wide'],
    [
      { verb: 'update', apiGroup: 'apps', resource: 'deployments/scale', namespace: 'a', name: 'b' },
      '`update deployments.apps/scale` named `b` in `a`',
    ],
    [{ path: '/metrics' }, '`get /metrics`'],
    [{ verb: '*', resource: '*' }, '`* *` cluster-wide'],
    [{ path: '/a b' }, '`get /a\\u{20}b`'],
  ])('%j is %s', (fields, shown) => {
    expect(permissionText(permission(fields))).toBe(shown);
  });

  test('a long verb does not push the resource out of sight', () => {
    const shown = permissionText(permission({ verb: 'x'.repeat(5000), resource: 'secrets', namespace: 'a' }));
    expect(shown).toContain('… secrets`');
    expect(shown.length).toBeLessThan(400);
  });
});

describe('YAML to be pasted', () => {
  const rule = fc.record({
    apiGroups: fc.array(text),
    resources: fc.array(text),
    resourceNames: fc.array(text),
    nonResourceURLs: fc.array(text),
    verbs: fc.array(text),
  });
  const sorted = (value: Readonly<Record<string, readonly string[]>>): unknown =>
    Object.fromEntries(Object.entries(value).map(([key, list]) => [key, [...list].sort()]));

  test('a rule reads back as itself, on one line and on several, in YAML 1.1 and 1.2', () => {
    fc.assert(
      fc.property(rule, fc.constantFrom('1.1' as const, '1.2' as const), (value, version) => {
        expect(readYaml(ruleYaml(value), version)).toEqual([[sorted(value)]]);
        expect(readYaml(ruleLine(value), version)).toEqual([sorted(value)]);
        expect(ruleLine(value)).not.toContain('\n');
      }),
    );
  });

  test('any value reads back as itself', () => {
    const { value } = fc.letrec<{ value: ManifestValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        text,
        fc.boolean(),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tie('value'), { maxKeys: 3 }),
      ),
    }));
    fc.assert(
      fc.property(value, (any) => {
        expect(readYaml(yamlOf(any))).toEqual([any]);
      }),
    );
  });

  test('a list of one is no command for CI', () => {
    expect(ruleLine({ verbs: ['ci-skip'] })).toBe('{verbs: ["ci-skip"]}');
    expect(ruleLine({ verbs: ['skip ci'] })).toBe('{verbs: ["skip ci"]}');
    expect(ruleLine({ verbs: ['fixes #1'] })).toBe('{verbs: ["fixes\\u0020\\u00231"]}');
    expect(ruleLine({ verbs: ['a/@x'] })).toBe('{verbs: ["a/\\u0040x"]}');
    expect(ruleLine({ verbs: ['get'], apiGroups: [''] })).toBe('{apiGroups: [""], verbs: [get]}');
  });
});

describe('code and links', () => {
  test('a long name is cut, never within a character', () => {
    expect(code('x'.repeat(300))).toBe(`\`${'x'.repeat(256)}…\``);
    expect(shorten('ab🔑', 3)).toBe('ab…');
    expect(shorten('ab🔑', 4)).toBe('ab🔑');
  });

  test('code is silent in a commit message', () => {
    expect(code('fixes org/repo#1 @team [skip ci]')).toBe(
      '`fixes\\u{20}org/repo\\u{23}1 \\u{40}team \\u{5b}skip ci]`',
    );
    expect(code('ci@example.com')).toBe('`ci@example.com`');
  });

  test('a file is a link where there is something to link to', () => {
    expect(fileLink('a', undefined, 'a/b.md')).toBe('`a`');
    expect(fileLink('a', 'https://forge.example/', 'a/b%20c.md')).toBe(
      '[`a`](https://forge.example/a/b%2520c.md)',
    );
  });
});

test('a table is aligned, and a very long cell does not widen its column', () => {
  const columns = [{ title: 'a' }, { title: 'n', isNumber: true }];
  expect(
    table(columns, [
      ['`x`', '1'],
      ['`xyz`', '20'],
      ['y'.repeat(61), '3'],
    ]),
  ).toBe(
    [
      '| a     |   n |',
      '| ----- | --: |',
      '| `x`   |   1 |',
      '| `xyz` |  20 |',
      `| ${'y'.repeat(61)} |   3 |`,
    ].join('\n'),
  );
});
