import { describe, expect, test } from 'vitest';

import { renderPullRequest } from './render-pull-request.ts';
import type { PullRequestReport, RiskFinding, SubjectChange } from './report.ts';
import { needsReviewer } from './risk-section.ts';
import { ADDITIONS, finding, REMOVALS, serviceAccount, unchanged } from './testing/reports.ts';

type Risk = NonNullable<SubjectChange['risk']>;

/** A report whose first subject has this risk, and nobody else has any. */
function withRisk(report: PullRequestReport, risk: Risk): PullRequestReport {
  const [first, ...others] = report.subjects;
  if (first === undefined) throw new Error('a report without subjects');
  return { ...report, subjects: [{ ...first, risk }, ...others] };
}

function bodyOf(report: PullRequestReport, body = 65_536): string {
  return renderPullRequest(report, { title: 256, body }).body;
}

/** The rows of the table of risks, without its spaces. */
function rowsOf(report: PullRequestReport): string[] {
  const [, section = ''] = bodyOf(report).split('### Risk\n\n');
  const [table = ''] = section.split('\n\n');
  return table
    .split('\n')
    .slice(2)
    .map((line) => line.replace(/ +/g, ' '));
}

function chipOf(report: PullRequestReport): string {
  return / · risk (.*)$/m.exec(bodyOf(report))?.[1] ?? '';
}

const one = (severity: RiskFinding['severity'], fields: Partial<RiskFinding> = {}): RiskFinding =>
  finding('R030', severity, { what: 'User alice may get secrets', ...fields });

describe('what becomes of a finding', () => {
  test.each([
    [[], [one('HIGH')], '| `R030` | HIGH | 0 | 1 | **new:** User alice may get secrets |'],
    [[one('HIGH')], [], '| `R030` | HIGH | 1 | 0 | gone: User alice may get secrets |'],
    [[one('HIGH')], [one('HIGH')], '| `R030` | HIGH | 1 | 1 | as before: User alice may get secrets |'],
    [
      [one('HIGH')],
      [one('HIGH', { what: 'User alice may get and list secrets' })],
      '| `R030` | HIGH | 1 | 1 | **changed:** User alice may get and list secrets |',
    ],
    [
      [one('LOW', { key: 'a' }), one('LOW', { key: 'b' }), one('LOW', { key: 'c' })],
      [one('LOW', { key: 'c' }), one('LOW', { key: 'a' }), one('LOW', { key: 'b' })],
      '| `R030` | LOW | 3 | 3 | as before: User alice may get secrets; and 2 more |',
    ],
  ])('is one row of the table (%#)', (before, after, row) => {
    expect(rowsOf(withRisk(ADDITIONS, { before, after }))).toEqual([row]);
  });

  test('a finding that gets worse comes and goes, so that rows and first line agree', () => {
    const report = withRisk(ADDITIONS, { before: [one('MEDIUM')], after: [one('HIGH')] });
    expect(rowsOf(report)).toEqual([
      '| `R030` | HIGH | 0 | 1 | **new:** User alice may get secrets |',
      '| `R030` | MEDIUM | 1 | 0 | gone: User alice may get secrets |',
    ]);
    expect(chipOf(report)).toBe('+1 HIGH −1 MEDIUM');
  });

  test('what is new comes first, the worst of it before all else; what stays comes last', () => {
    const risk = {
      before: [finding('R001', 'CRITICAL'), finding('R002', 'CRITICAL')],
      after: [finding('R001', 'CRITICAL'), finding('R090', 'LOW'), finding('R053', 'HIGH')],
    };
    const order = rowsOf(withRisk(ADDITIONS, risk)).map((row) => row.slice(2, 8));
    expect(order).toEqual(['`R053`', '`R090`', '`R002`', '`R001`']);
  });

  test('the findings of several subjects are told apart, and counted together', () => {
    const [first] = ADDITIONS.subjects;
    const risk = { before: [], after: [one('HIGH')] };
    const other = { ...unchanged(serviceAccount('web', 'app')), risk };
    const report = { ...ADDITIONS, subjects: [...(first ? [{ ...first, risk }] : []), other] };
    expect(chipOf(report)).toBe('+2 HIGH');
    expect(rowsOf(report)).toHaveLength(2);
  });
});

describe('how it is put right', () => {
  const remedy = 'Name the resources: `pods/exec`.';

  test.each([
    ['new', [], [one('LOW', { remedy })]],
    ['changed', [one('LOW', { remedy })], [one('LOW', { remedy, what: 'more' })]],
    ['grave and there before', [one('HIGH', { remedy })], [one('HIGH', { remedy })]],
  ])('is said where it is %s, once for each rule', (_, before, after) => {
    const both = [...after, ...after.map((each) => ({ ...each, key: 'other' }))];
    const body = bodyOf(withRisk(ADDITIONS, { before, after: both }));
    expect(body.split('- `R030`: Name the resources: `pods/exec`.')).toHaveLength(2);
  });

  test.each([
    ['gone', [one('HIGH')], []],
    ['there before and not grave', [one('MEDIUM')], [one('MEDIUM')]],
  ])('is not said where it is %s', (_, before, after) => {
    expect(bodyOf(withRisk(ADDITIONS, { before, after }))).not.toContain('To put it right');
  });
});

describe('a reviewer is required', () => {
  const WARNING = '> **A reviewer is required:**';

  test.each([
    ['CRITICAL', true],
    ['HIGH', true],
    ['MEDIUM', false],
    ['LOW', false],
    ['INFO', false],
  ] as const)('for a finding of severity %s: %s', (severity, isRequired) => {
    const report = withRisk(ADDITIONS, { before: [], after: [one(severity)] });
    expect(needsReviewer(report.subjects)).toBe(isRequired);
    expect(bodyOf(report).includes(WARNING)).toBe(isRequired);
  });

  test('also where it was there before: it holds for the result', () => {
    expect(needsReviewer(withRisk(ADDITIONS, { before: [one('HIGH')], after: [one('HIGH')] }).subjects)).toBe(
      true,
    );
  });

  test('not where it goes, and not where nothing is granted', () => {
    expect(needsReviewer(withRisk(ADDITIONS, { before: [one('HIGH')], after: [] }).subjects)).toBe(false);
    const removals = withRisk(REMOVALS, { before: [one('CRITICAL')], after: [one('CRITICAL')] });
    expect(needsReviewer(removals.subjects)).toBe(false);
    expect(bodyOf(removals)).not.toContain(WARNING);
  });

  test('the worst are named, of many five', () => {
    const grave = Array.from({ length: 8 }, (_, at) => finding(`R04${at}`, at === 7 ? 'CRITICAL' : 'HIGH'));
    expect(bodyOf(withRisk(ADDITIONS, { before: [], after: grave }))).toContain(
      'Look at these first: `R047` CRITICAL, `R040` HIGH, `R041` HIGH, `R042` HIGH, `R043` HIGH, 3 more. See _Risk_.',
    );
  });
});

test('where no check ran there is no word of risk, and where none found anything it is as before', () => {
  const silent = { ...ADDITIONS, subjects: [unchanged(serviceAccount('shop', 'app'))] };
  expect(bodyOf(silent)).not.toMatch(/risk/i);
  const clean = withRisk(ADDITIONS, { before: [], after: [] });
  expect(chipOf(clean)).toBe('as before');
  expect(bodyOf(clean)).not.toContain('### Risk');
});

test('a section that is cut says how much is left out, and its remedies are those of what is shown', () => {
  const after = Array.from({ length: 300 }, (_, at) =>
    finding(`R${at}`, 'LOW', { what: `User alice may do the thing of number ${at} in the whole cluster` }),
  );
  const body = bodyOf(withRisk(ADDITIONS, { before: [], after }), 12_288);
  expect(Buffer.byteLength(body)).toBeLessThanOrEqual(12_288);
  expect(body).toMatch(/Left out here: \d+ findings\./);
  const shown = [...body.matchAll(/^\| `(R\d+)`/gm)].map(([, id]) => id);
  const remedied = [...body.matchAll(/^- `(R\d+)`/gm)].map(([, id]) => id);
  expect(shown.length).toBeGreaterThanOrEqual(10);
  expect(remedied).toEqual([...shown].sort());
});
