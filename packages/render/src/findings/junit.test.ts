import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { HOSTILE_MARKDOWN } from '../pull-request/testing/skeleton.ts';
import { renderJunit } from './junit.ts';
import { EMPTY, finding, namedBy, REPORT } from './testing/report.ts';
import { readXml, type XmlElement } from './testing/xml.ts';

/** The cases of the only suite, whose counts are right. */
function casesOf(text: string): readonly XmlElement[] {
  const root = readXml(text);
  const [suite] = root.children;
  if (suite === undefined) throw new Error('no suite');
  expect([root.name, root.children.length, suite.name]).toEqual(['testsuites', 1, 'testsuite']);
  expect(root.attributes).toEqual(suite.attributes);
  const count = (name: string): string =>
    String(suite.children.filter(({ children }) => children.some((child) => child.name === name)).length);
  expect(suite.attributes).toMatchObject({
    tests: String(suite.children.length),
    failures: count('failure'),
    skipped: count('skipped'),
  });
  return suite.children;
}

describe('a report', () => {
  test('reads as it did', async () => {
    await expect(renderJunit(REPORT)).toMatchFileSnapshot('testing/golden/report.xml');
  });

  test('has a test that fails for each finding, is skipped where suppressed, and passes for each other check', () => {
    const cases = casesOf(renderJunit(REPORT));
    expect(cases.map(({ attributes, children }) => [attributes['classname'], children[0]?.name])).toEqual([
      ['R090', undefined],
      ['R001', 'failure'],
      ['R030', 'failure'],
      ['R019', 'failure'],
      ['R030', 'skipped'],
    ]);
    expect(cases[1]?.attributes['file']).toBe('deploy/rbac.yaml');
    expect(cases[1]?.children[0]?.attributes).toEqual({
      type: 'CRITICAL',
      message: 'User ci may do everything in the whole cluster.',
    });
    expect(cases[1]?.children[0]?.text.split('\n')).toEqual([
      'User ci may do everything in the whole cluster.',
      'ClusterRoleBinding ci → ClusterRole ci → rule 1 → * * in the whole cluster',
      'at deploy/rbac.yaml:12',
      'To put it right: Grant the verbs and resources that are used.',
    ]);
    expect(cases[4]?.children[0]?.attributes['message']).toBe(
      'suppressed by team-ops until 2026-12-31: moved to the vault by then',
    );
  });

  test('without findings passes, a test for each check', () => {
    expect(casesOf(renderJunit(EMPTY)).map(({ children }) => children)).toEqual([[], [], [], []]);
  });

  test('reads back as it was said', () => {
    const message = `<a> & "b" may do 'c'`;
    const [, failed] = casesOf(
      renderJunit({ ...EMPTY, checks: EMPTY.checks.slice(0, 2), findings: [finding({ message })] }),
    );
    expect(failed?.children[0]?.attributes['message']).toBe(message);
    expect(failed?.children[0]?.text.split('\n')[0]).toBe(message);
  });

  test('gives two findings about one object names of their own', () => {
    const findings = [finding({ key: 'a' }), finding({ key: 'b' })];
    const names = casesOf(renderJunit({ ...EMPTY, findings })).map(({ attributes }) => attributes['name']);
    expect(new Set(names).size).toBe(names.length);
  });
});

test('whatever the names are, it is XML of the same form', () => {
  const unit = fc.constantFrom(...'<>&"\'/]=!?- \n\t\r\0\u000b\u001b\ufffe\uffff\ud800\udfff\u0085\u2028');
  const hostile = fc.oneof(
    fc.constantFrom(']]>', '<!--', '&#0;', '&amp;', '<![CDATA[', ...HOSTILE_MARKDOWN),
    fc.string({ unit: 'binary' }),
    fc.string({ unit }),
  );
  fc.assert(
    fc.property(hostile, (name) => {
      const cases = casesOf(renderJunit(namedBy((at) => `${name}${at}`)));
      expect(cases.map(({ children }) => children.map((child) => child.name))).toEqual([
        [],
        [],
        ['failure'],
        ['skipped'],
      ]);
    }),
  );
});
