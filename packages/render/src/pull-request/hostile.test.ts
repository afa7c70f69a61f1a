import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { ObservedPermission } from '../policy-report.ts';
import { renderAfterMergeComment } from './comments.ts';
import { pullRequestOverflowPath, renderPullRequest } from './render-pull-request.ts';
import type { PullRequestReport, SubjectChange } from './report.ts';
import { type BindingOrigin, renderRetirementIssue } from './retirement.ts';
import { ADDITIONS, finding, observed, permission, removed, unchanged } from './testing/reports.ts';
import { COMMIT_COMMANDS, HOSTILE_MARKDOWN, skeletonOf } from './testing/skeleton.ts';

const LIMITS = { title: 256, body: 1_000_000 };
const hostile = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE_MARKDOWN) },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.constantFrom(...HOSTILE_MARKDOWN), { minLength: 2, maxLength: 5 })
      .map((texts) => texts.join('')),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  {
    weight: 2,
    arbitrary: fc.string({ unit: fc.constantFrom(...'`|\\\n\r#@<>[]()!-*_~:/$&"\' a1') }),
  },
);
/** A name of one's own: before or after what somebody else chose. */
const naming = fc.record({ text: hostile, isFirst: fc.boolean() });
type Naming = (at: number) => string;
function namesOf({ text, isFirst }: { readonly text: string; readonly isFirst: boolean }): Naming {
  return (at) => (isFirst ? `${text}${at}` : `${at}${text}`);
}
const harmless: Naming = (at) => `x${at}`;

function requestOf(n: Naming): ObservedPermission {
  const fields = { verb: n(3), apiGroup: n(4), resource: n(5), namespace: n(6), name: n(7) };
  return observed(fields, { clients: [n(8), n(9)], sampleAuditID: n(10) });
}

function changeOf(n: Naming): SubjectChange {
  const rule = { apiGroups: [n(11)], resources: [n(12)], resourceNames: [n(13), n(14)], verbs: [n(15)] };
  const { permission: asked } = requestOf(n);
  return {
    ...unchanged({ kind: 'ServiceAccount', namespace: n(1), name: n(2) }),
    namespaces: [n(16), n(17)],
    hasClusterFolder: true,
    added: [requestOf(n), observed({ verb: n(18), path: n(19) })],
    removed: [removed({ verb: n(20), resource: n(21), namespace: n(22) })],
    broken: [asked],
    unproven: [{ permission: asked, remark: n(23) }],
    withheld: [asked],
    refused: [{ namespace: n(24), requests: 3, rule }],
    risk: {
      before: [
        finding(n(46), 'LOW', { key: 'gone', what: n(47) }),
        finding(n(48), 'INFO', { key: 'same', what: n(49) }),
      ],
      after: [
        finding(n(25), 'HIGH', { what: n(50), remedy: n(51) }),
        finding(n(48), 'INFO', { key: 'same', what: n(49) }),
      ],
    },
    rules: [{ namespace: n(26), before: [rule], after: [{ nonResourceURLs: [n(27)], verbs: [n(28)] }] }],
  };
}

function reportOf(n: Naming): PullRequestReport {
  return {
    ...ADDITIONS,
    cluster: n(31),
    group: n(32),
    subjects: [changeOf(n)],
    heldBack: [{ subject: { kind: 'User', namespace: '', name: n(33) }, remark: n(34) }],
    blindSpots: [n(35)],
    version: n(36),
    overflowPath: n(37),
    evidencePath: n(38),
    controls: {
      stopLabel: n(39),
      teamFile: n(40),
      pin: { pinned: [{ subject: n(41), rules: [{ verbs: [n(42), n(43)] }] }] },
      ignore: { ignoredSubjects: [n(44), n(45)] },
    },
  };
}

/** The place of the first command for commits. */
function contextOf(text: string): string | undefined {
  const at = COMMIT_COMMANDS.exec(text)?.index;
  return at === undefined ? undefined : text.slice(Math.max(0, at - 40), at + 40);
}

/** What a sentence is made of depends on its words: text and code stand for each other there. */
function outline(text: string): string[] {
  return skeletonOf(text)
    .map((line) => (line === 'code' ? 'text' : line))
    .filter((line, at, all) => line !== 'text' || all[at - 1] !== 'text');
}

const ORIGINS: readonly ((n: Naming) => BindingOrigin)[] = [
  (n) => ({ by: 'helm', release: n(3), namespace: n(4) }),
  (n) => ({ by: 'argo-cd', application: n(3) }),
  (n) => ({ by: 'flux', kind: 'Kustomization', namespace: n(3), name: n(4) }),
  (n) => ({ by: 'olm', owner: n(3) }),
  (n) => ({ by: 'file', path: n(3) }),
];

describe('whatever names hold', () => {
  test('a pull request has the structure that it has with harmless ones', () => {
    const expected = outline(renderPullRequest(reportOf(harmless), LIMITS).body);
    expect(expected).toContain('fence diff');
    fc.assert(
      fc.property(naming, (chosen) => {
        const name = namesOf(chosen);
        const { body } = renderPullRequest(reportOf(name), LIMITS);
        expect(outline(body)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test('so has a shortened one, and the file with all of it', () => {
    const shortened = (name: Naming): { body: string; text: string } => {
      const many = { ...changeOf(name), added: Array.from({ length: 150 }, () => requestOf(name)) };
      const { body, overflow } = renderPullRequest(
        { ...reportOf(name), subjects: [many] },
        { title: 256, body: 12_288 },
      );
      return { body, text: overflow?.text ?? '' };
    };
    const expected = outline(shortened(harmless).text);
    fc.assert(
      fc.property(naming, (chosen) => {
        const name = namesOf(chosen);
        const { body, text } = shortened(name);
        expect(Buffer.byteLength(body)).toBeLessThanOrEqual(12_288);
        expect(() => outline(body)).not.toThrow();
        expect(outline(text)).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  test('an issue and a comment have the structure that they have with harmless ones', () => {
    const issue = (n: Naming, origin: (n: Naming) => BindingOrigin): string => {
      const binding = {
        kind: 'RoleBinding',
        namespace: n(1),
        name: n(2),
        role: { kind: 'ClusterRole', name: n(5) },
        subjects: [{ kind: 'User', namespace: '', name: n(6) }],
        isSharedWithOthers: true,
        excess: 3,
        origin: origin(n),
      } as const;
      const report = {
        cluster: n(7),
        group: n(8),
        bindings: [binding],
        links: ADDITIONS.links ?? { base: '', branch: '' },
      };
      return renderRetirementIssue(report, LIMITS).body;
    };
    const comment = (n: Naming): string =>
      renderAfterMergeComment(
        {
          cluster: n(1),
          subjects: [
            {
              subject: { kind: 'Group', namespace: '', name: n(2) },
              refused: [requestOf(n)],
              cures: [{ namespace: n(11), rule: { apiGroups: [n(12)], resources: [n(13)], verbs: [n(14)] } }],
            },
          ],
          merge: { commit: n(15), isMergeCommit: false },
        },
        100_000,
      );
    fc.assert(
      fc.property(naming, fc.constantFrom(...ORIGINS), (chosen, origin) => {
        const name = namesOf(chosen);
        expect(skeletonOf(issue(name, origin))).toEqual(skeletonOf(issue(harmless, origin)));
        expect(skeletonOf(comment(name))).toEqual(skeletonOf(comment(harmless)));
      }),
      { numRuns: 300 },
    );
  });

  test('nothing acts on a commit whose message is made of it', () => {
    fc.assert(
      fc.property(naming, (chosen) => {
        const name = namesOf(chosen);
        const overflowPath = pullRequestOverflowPath(name(37), name(38), 'removals');
        const report = { ...reportOf(name), overflowPath, evidencePath: overflowPath };
        const { title, body } = renderPullRequest(report, LIMITS);
        expect(title).toMatch(/^[A-Za-z0-9 ._/-]+…?( for [A-Za-z0-9._/-]+…?)?$/);
        expect(contextOf(`${title}\n${body}`)).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test('no line begins as a command, and no invisible character is left', () => {
    fc.assert(
      fc.property(naming, (chosen) => {
        const name = namesOf(chosen);
        const { body } = renderPullRequest(reportOf(name), LIMITS);
        expect(body).not.toMatch(/^[ \t]*(?:\/|::|>>>|\$\$|@|\[)/m);
        expect(body.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{DI}\p{Bidi_C}]/u);
      }),
    );
  });

  test('a permission reads as one', () => {
    const asked = permission({ verb: 'get pods named', resource: 'x, y', namespace: 'shop' });
    const { body } = renderPullRequest(
      { ...ADDITIONS, subjects: [{ ...changeOf(harmless), withheld: [asked] }] },
      LIMITS,
    );
    expect(body).toContain('`get\\u{20}pods\\u{20}named x\\u{2c}\\u{20}y` in `shop`');
  });
});
