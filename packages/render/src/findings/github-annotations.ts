import type { FindingSeverity, RbacFinding } from '@leastwise/findings';

import { escapeInvisible } from '../escape-invisible.ts';
import { checkOf, type FindingsReport, openFindings, originOf } from './report.ts';
import { objectText, pathTexts, sentenceText, summaryText } from './text.ts';

const COMMANDS: Readonly<Record<FindingSeverity, 'error' | 'warning' | 'notice'>> = {
  CRITICAL: 'error',
  HIGH: 'error',
  MEDIUM: 'warning',
  LOW: 'notice',
  INFO: 'notice',
};

/**
 * Renders open findings as workflow commands of GitHub Actions, which annotate the lines of a pull request, and a last
 * line that counts. GitHub shows ten annotations of a kind for each step; the log has all of them.
 * @remarks Pure. No name can end a command, add a property to it or begin another one.
 * @see https://docs.github.com/actions/reference/workflow-commands-for-github-actions#setting-an-error-message
 */
export function renderGithubAnnotations(report: FindingsReport): string {
  const commands = openFindings(report).map((finding) => commandOf(report, finding));
  return [...commands, summaryText(report), ''].join('\n');
}

function commandOf(report: FindingsReport, finding: RbacFinding): string {
  const { severity, check, object, message } = finding;
  const info = checkOf(report, check);
  const origin = originOf(finding);
  const properties = [
    ...(origin === undefined ? [] : [`file=${property(origin.file)}`, `line=${origin.line}`]),
    `title=${property(`${severity} ${check}${info === undefined ? '' : `: ${info.title}`}`)}`,
  ];
  const lines = [
    `${objectText(object)}: ${sentenceText(message)}`,
    ...pathTexts(finding),
    ...(info === undefined ? [] : [`To put it right: ${sentenceText(info.remedy)}`]),
  ];
  return `::${COMMANDS[severity]} ${properties.join(',')}::${lines.map(data).join('%0A')}`;
}

/** What a reader would not see is shown by its number, so of what ends a command only the percent sign is left. */
function data(text: string): string {
  return escapeInvisible(text).replaceAll('%', '%25');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
