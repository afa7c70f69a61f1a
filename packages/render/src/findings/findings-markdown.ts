import type { RbacFinding } from '@leastwise/findings';

import { fit, type Part } from '../pull-request/fit.ts';
import { code, counted, fold, table } from '../pull-request/markdown.ts';
import { markdownText } from '../escape-markdown.ts';
import {
  checkOf,
  type FindingsReport,
  isSuppressed,
  openFindings,
  type SuppressedFinding,
  originOf,
} from './report.ts';
import { nameText, objectText, pathTexts, sentenceText, summaryText, whereText } from './text.ts';

const COLUMNS = [{ title: 'severity' }, { title: 'check' }, { title: 'object' }, { title: 'where' }];

/** Bytes that a comment on a pull request may have: GitHub takes 65,536 characters, GitLab and Gitea more. */
export const MARKDOWN_LIMIT = 60_000;

/**
 * Renders findings as Markdown, for a comment on a pull request: a line that counts, a table, and below folds what is
 * wrong, by which way, and how it is put right. What does not fit is counted. Names are shown as code, so that
 * they form no Markdown, mention, reference or command of a forge.
 * @param limit - in bytes of UTF-8
 * @remarks Pure.
 * @throws InvariantError if the limit is too small for the heading
 */
export function renderFindingsMarkdown(report: FindingsReport, limit = MARKDOWN_LIMIT): string {
  const open = openFindings(report);
  const suppressed = report.findings.filter(isSuppressed);
  const parts: Part[] = [
    `## RBAC findings\n\n**${summaryText(report)}**`,
    {
      noun: 'finding',
      size: open.length,
      importance: 3,
      render: (shown) => (shown === 0 ? '' : table(COLUMNS, open.slice(0, shown).map(rowOf))),
    },
    {
      noun: 'detail',
      size: open.length,
      importance: 1,
      render: (shown) => (shown === 0 ? '' : detailsFold(report, open.slice(0, shown))),
    },
    {
      noun: 'suppressed finding',
      size: suppressed.length,
      importance: 2,
      render: (shown) =>
        shown === 0
          ? ''
          : fold(
              counted(suppressed.length, 'suppressed finding'),
              suppressed.slice(0, shown).map(suppressedItem).join('\n'),
            ),
    },
  ];
  // The line feed at the end counts too.
  return `${fit(parts, '> **Shortened to fit.**', limit - 1).text}\n`;
}

function rowOf(finding: RbacFinding): string[] {
  const { severity, check, object } = finding;
  return [severity, code(check), code(objectText(object)), code(whereText(originOf(finding)))];
}

function detailsFold(report: FindingsReport, findings: readonly RbacFinding[]): string {
  const ids = [...new Set(findings.map(({ check }) => check))];
  const blocks = ids.flatMap((id) => {
    const info = checkOf(report, id);
    const items = findings.filter(({ check }) => check === id).map(detailItem);
    return [
      `### ${code(id)}${info === undefined ? '' : ` ${markdownText(info.title)}`}`,
      ...(info === undefined ? [] : [markdownText(info.why)]),
      items.join('\n'),
      ...(info === undefined ? [] : [`To put it right: ${markdownText(info.remedy)}`]),
    ];
  });
  return fold('What is wrong, and what to do', blocks.join('\n\n'));
}

function detailItem(finding: RbacFinding): string {
  const paths = pathTexts(finding).map((path) => `  - ${code(path, path.length)}`);
  return [`- ${markdownText(sentenceText(finding.message))}`, ...paths].join('\n');
}

function suppressedItem({ check, object, suppressed }: SuppressedFinding): string {
  const { owner, until, reason } = suppressed;
  const what = `${code(check)} ${code(objectText(object))}`;
  return `- ${what} by ${code(owner)} until ${code(nameText(until))}: ${markdownText(sentenceText(reason))}`;
}
