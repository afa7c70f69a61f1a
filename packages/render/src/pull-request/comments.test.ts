import { describe, expect, test } from 'vitest';

import { type AfterMergeReport, renderAfterMergeComment, renderHeldComment } from './comments.ts';
import { observed, serviceAccount } from './testing/reports.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const REPORT: AfterMergeReport = {
  cluster: 'prod-eu',
  subjects: [
    {
      subject: serviceAccount('shop', 'app'),
      refused: [
        observed({ verb: 'list', resource: 'jobs', apiGroup: 'batch', namespace: 'shop' }, { count: 4 }),
        observed({ verb: 'delete', resource: 'jobs', apiGroup: 'batch', namespace: 'shop' }, { count: 1 }),
      ],
      cures: [
        { namespace: 'shop', rule: { apiGroups: ['batch'], resources: ['jobs'], verbs: ['list', 'delete'] } },
      ],
    },
    {
      subject: { kind: 'User', namespace: '', name: 'ci@example.com' },
      refused: [observed({ path: '/metrics' }, { clients: [] })],
      cures: [{ namespace: '', rule: { nonResourceURLs: ['/metrics'], verbs: ['get'] } }],
    },
  ],
  merge: { commit: COMMIT, isMergeCommit: true },
};

describe('renderAfterMergeComment', () => {
  test('golden: what is refused, what would allow it, and how to go back', async () => {
    await expect(`${renderAfterMergeComment(REPORT, 65_536)}\n`).toMatchFileSnapshot(
      'testing/golden/after-merge.md',
    );
  });

  test('the order makes no difference, nor do a few requests more', () => {
    const turned: AfterMergeReport = {
      ...REPORT,
      subjects: REPORT.subjects.toReversed().map((subject) => ({
        ...subject,
        refused: subject.refused
          .toReversed()
          .map((each) => ({ ...each, count: each.count + (each.count > 1 ? 1 : 0) })),
      })),
    };
    expect(renderAfterMergeComment(turned, 65_536)).toBe(renderAfterMergeComment(REPORT, 65_536));
  });

  test.each([
    [{ commit: COMMIT, isMergeCommit: true }, `git revert --no-edit -m 1 ${COMMIT}`],
    [{ commit: COMMIT, isMergeCommit: false }, `git revert --no-edit ${COMMIT}`],
    [{ commit: COMMIT }, `git revert --no-edit -m 1 ${COMMIT}`],
    [{ commit: COMMIT }, `git revert --no-edit ${COMMIT}`],
    [{ commit: `${COMMIT}; rm -rf /`, isMergeCommit: false }, 'revert the merge.'],
    [{ commit: '', isMergeCommit: false }, 'revert the merge.'],
  ])('%o is taken back by: %s', (merge, words) => {
    const comment = renderAfterMergeComment({ ...REPORT, merge }, 65_536);
    expect(comment).toContain(words);
    expect(comment).not.toContain('rm -rf');
  });

  test('a flood of refusals fits, and is counted', () => {
    const refused = Array.from({ length: 500 }, (_, at) =>
      observed({ resource: `r${at}`, namespace: 'shop' }),
    );
    const [first] = REPORT.subjects;
    const subjects = first === undefined ? [] : [{ ...first, refused }];
    const comment = renderAfterMergeComment({ ...REPORT, subjects }, 10_000);
    expect(Buffer.byteLength(comment)).toBeLessThanOrEqual(10_000);
    expect(comment).toContain('500 permissions that it took from 1 subject');
    expect(comment).toMatch(/Left out here: \d+ refused permissions\./);
    expect(comment).toContain('git revert');
  });
});

test('a pull request that is left alone says why, and how that ends', () => {
  expect(renderHeldComment('foreign-commits')).toContain('commits of other people');
  expect(renderHeldComment('foreign-base')).toContain('another branch');
  expect(renderHeldComment('stopped')).toContain('Take the label off');
});
