import { describe, expect, test } from 'vitest';

import { InvariantError } from '../invariant-error.ts';
import type { ObservedPermission } from '../policy-report.ts';
import { pullRequestOverflowPath, renderPullRequest } from './render-pull-request.ts';
import type { PullRequestReport, SubjectChange } from './report.ts';
import { ADDITIONS, END_US, LARGE, observed, permission, removed, REMOVALS } from './testing/reports.ts';

const LIMITS = { title: 256, body: 65_536 };
const DAY_US = 86_400_000_000;

function bodyOf(report: PullRequestReport): string {
  return renderPullRequest(report, LIMITS).body;
}

/** The report with its first subject changed. */
function withFirst(report: PullRequestReport, change: Partial<SubjectChange>): PullRequestReport {
  const [first, ...others] = report.subjects;
  if (first === undefined) throw new Error('a report without subjects');
  return { ...report, subjects: [{ ...first, ...change }, ...others] };
}

/** Every list in it turned round. */
function reversed<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.toReversed().map(reversed) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, reversed(field)])) as Value;
}

describe('golden', () => {
  test('additions for three subjects', async () => {
    const { title, body, overflow } = renderPullRequest(ADDITIONS, LIMITS);
    expect(title).toBe('Grant 4 used permissions to 3 subjects in prod-eu for team-shop');
    expect(overflow).toBeUndefined();
    await expect(`${body}\n`).toMatchFileSnapshot('testing/golden/additions.md');
  });

  test('removals with what shows that they are safe', async () => {
    await expect(`${bodyOf(REMOVALS)}\n`).toMatchFileSnapshot('testing/golden/removals.md');
  });

  test('a body that is too long for its forge', async () => {
    const { body, overflow } = renderPullRequest(LARGE, { title: 256, body: 12_288 });
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(12_288);
    expect(Buffer.byteLength(body)).toBeGreaterThan(11_800);
    expect(overflow?.text).toContain('`ServiceAccount shop/worker-39`');
    await expect(`${body}\n`).toMatchFileSnapshot('testing/golden/overflow.md');
  });
});

describe('the same proposal has the same text', () => {
  test('in any order of what it is made of', () => {
    for (const report of [ADDITIONS, REMOVALS, LARGE]) {
      // The snippet is a document of the team's file: its order is meant.
      const turned = { ...reversed(report), controls: report.controls };
      expect(renderPullRequest(turned, LIMITS)).toEqual(renderPullRequest(report, LIMITS));
    }
  });

  test('while its grants are used more, and days go by', () => {
    const later = (evidence: ObservedPermission): ObservedPermission => ({
      ...evidence,
      count: evidence.count + (evidence.count >= 100 ? 7 : 0),
      lastSeenUs: evidence.lastSeenUs + (evidence.lastSeenUs === END_US ? DAY_US : 0),
    });
    const { window } = ADDITIONS;
    const grown: PullRequestReport = {
      ...ADDITIONS,
      subjects: ADDITIONS.subjects.map((subject) => ({ ...subject, added: subject.added.map(later) })),
      window: { ...window, lastEventUs: window.lastEventUs + DAY_US, daysWithEvents: 75, lateEvents: 13 },
    };
    expect(bodyOf(grown)).toBe(bodyOf(ADDITIONS));
  });

  test('while what it removes stays unused', () => {
    const days = REMOVALS.subjects.map(({ removed: cells, ...subject }) => ({
      ...subject,
      removed: cells.map((cell) => ({
        ...cell,
        unusedDays: cell.unusedDays + 1,
        observableDays: cell.observableDays + 1,
      })),
    }));
    expect(bodyOf({ ...REMOVALS, subjects: days })).toBe(bodyOf(REMOVALS));
  });
});

describe('the verdict', () => {
  test.each([
    [
      ADDITIONS,
      '**+4 grants** · 3 subjects · cluster `prod-eu` · owner `team-shop` · risk +1 HIGH +1 MEDIUM −1 LOW',
    ],
    [
      REMOVALS,
      '**−7 grants** · 1 subject · cluster `prod-eu` · owner `team-shop` · risk −1 CRITICAL −1 HIGH',
    ],
    [LARGE, '**+200 grants** · 40 subjects · cluster `prod-eu` · owner `team-shop`'],
    [
      withFirst(REMOVALS, {
        added: [observed({ resource: 'pods', namespace: 'shop' })],
        removed: [],
        risk: { before: [], after: [] },
      }),
      '**+1 grant** · 1 subject · cluster `prod-eu` · owner `team-shop` · risk as before',
    ],
    [
      withFirst(REMOVALS, { added: [observed({ path: '/x' })] }),
      '**+1 −7 grants** · 1 subject · cluster `prod-eu` · owner `team-shop` · risk −1 CRITICAL −1 HIGH',
    ],
  ])('is the first line (%#)', (report, line) => {
    expect(bodyOf(report).split('\n')[0]).toBe(line);
  });

  test.each([
    ['adds', ADDITIONS, 'Grants what was used; takes nothing away. Nothing breaks:'],
    ['removes', REMOVALS, 'Takes away what was not used; grants nothing new. Nothing breaks:'],
    [
      'does both',
      withFirst(REMOVALS, { added: [observed({ path: '/x' })] }),
      'Grants what was used and takes away',
    ],
    ['does neither', withFirst(REMOVALS, { removed: [] }), 'Changes the text of the files and no grant.'],
  ])('says what it does: %s', (_, report, words) => {
    expect(bodyOf(report).split('\n')[2]).toContain(words);
  });

  test('says what breaks, and lists it', () => {
    const body = bodyOf(
      withFirst(REMOVALS, { broken: [permission({ resource: 'pods', namespace: 'shop' })] }),
    );
    expect(body).toContain('**Breaks what was in use:** 1 permission, listed below.');
    expect(body).toContain('### Breaks\n\n#### `ServiceAccount shop/app`\n\n- `get pods` in `shop`\n');
    expect(body).not.toContain('Nothing breaks');
  });
});

describe('what a reviewer looks for', () => {
  test('removals of one target are one line, unless what makes them safe differs', () => {
    const secrets = (verb: string, unusedDays: number): ReturnType<typeof removed> =>
      removed({ verb, resource: 'secrets', namespace: 'shop' }, { unusedDays });
    const body = bodyOf(
      withFirst(REMOVALS, {
        removed: [secrets('update', 40), secrets('create', 40), secrets('delete', 100)],
      }),
    );
    expect(body).toMatch(/`create,update secrets` in `shop` +\| never seen \| +30–59 days/);
    expect(body).toMatch(/`delete secrets` in `shop` +\| never seen \| +90–179 days/);
  });

  test('lost events and a short window are blind spots', () => {
    const window = { ...ADDITIONS.window, lostEvents: 12, daysWithEvents: 29 };
    const body = bodyOf({ ...ADDITIONS, window });
    expect(body).toContain('- Events were lost (10–99): what only they showed is missing.');
    expect(body).toContain('- Events on fewer than 30 days');
    expect(body).toContain('lost events 10–99');
    expect(
      bodyOf({ ...ADDITIONS, window: { ...window, lostEvents: 0, daysWithEvents: 30 }, blindSpots: [] }),
    ).not.toContain('Blind spots');
  });

  test('refused rules come by how often they were asked for', () => {
    const refused = [
      { namespace: 'a', requests: 3, rule: { verbs: ['rare'] } },
      { namespace: 'b', requests: 300, rule: { verbs: ['often'] } },
      { namespace: 'c', requests: 1, rule: { verbs: ['once'] } },
    ];
    const body = bodyOf(withFirst(ADDITIONS, { refused }));
    const places = ['often', 'rare', 'once'].map((verb) => body.indexOf(`verbs: [${verb}]`));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(body).toContain('Not part of this change: 3 rules for refused requests');
    expect(body).toContain('in `c`, 1 refused request:');
  });

  test('more than 20 rows wait in a fold', () => {
    expect(bodyOf(LARGE)).toContain('<summary>20 more</summary>');
    expect(bodyOf(LARGE)).toContain('<summary>180 more</summary>');
    expect(bodyOf(ADDITIONS)).not.toContain('more</summary>');
  });

  test('of many namespaces five are named', () => {
    const namespaces = Array.from({ length: 8 }, (_, at) => `n${at}`);
    const { links, ...unlinked } = withFirst(ADDITIONS, { namespaces, hasClusterFolder: true });
    expect(links).toBeDefined();
    expect(bodyOf(unlinked)).toContain('| `cluster-wide`, `n0`, `n1`, `n2`, `n3`, 4 more |');
  });

  test('what goes away altogether is linked at the base, all else at the branch', () => {
    const gone = withFirst(REMOVALS, { proposed: 0 });
    expect(bodyOf(gone)).toContain('](https://forge.example/platform/rbac/src/branch/main/clusters/');
    expect(bodyOf(REMOVALS)).not.toContain('branch/main/clusters/');
  });

  test('nothing observed has no months', () => {
    const window = { firstEventUs: 0, lastEventUs: 0, daysWithEvents: 0, lateEvents: 0, lostEvents: 0 };
    expect(bodyOf({ ...REMOVALS, window })).toContain('Nothing was observed · late events 0');
  });
});

describe('limits', () => {
  test('what is left out of the body is said, and is whole in the file', () => {
    const { body, overflow } = renderPullRequest(LARGE, { title: 256, body: 20_000 });
    expect(body).toContain(
      '> **Shortened to fit.** The whole text: [`reports/prod-eu/pull-requests/team-shop-additions.md`](',
    );
    expect(body).toMatch(/Left out here: \d+ added grants\./);
    expect(body).toContain('Left out here: 80 rule lines.');
    // It has ten rows at least, so what matters less goes first.
    expect(body).toContain('The audit policy logs nothing of');
    expect(overflow?.text).not.toContain('Left out');
    expect(overflow?.text).not.toContain('Shortened');
    expect(overflow?.text.endsWith('\n')).toBe(true);
  });

  test('no forge, no links: the path is named', () => {
    const { links, ...unlinked } = LARGE;
    expect(links).toBeDefined();
    const { body } = renderPullRequest(unlinked, { title: 256, body: 12_288 });
    expect(body).toContain('The whole text: `reports/prod-eu/pull-requests/team-shop-additions.md`');
    expect(body).not.toContain('](');
  });

  test('a limit that takes nothing is a fault of the caller', () => {
    expect(() => renderPullRequest(ADDITIONS, { title: 256, body: 100 })).toThrow(InvariantError);
  });

  test('the path of the file is one of ours, whatever the group is called', () => {
    expect(pullRequestOverflowPath('prod-eu', 'team-shop', 'additions')).toBe(
      'reports/prod-eu/pull-requests/team-shop-additions.md',
    );
    expect(pullRequestOverflowPath('a', '../../@o/t', 'removals')).toMatch(
      /^reports\/a\/pull-requests\/[^/]+-removals\.md$/,
    );
  });
});
