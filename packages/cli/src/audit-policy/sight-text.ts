import { describeRequest, type DetectionVisibility, type SubjectSights } from '@leastwise/audit-policy';

import { printable } from '../output.ts';
import { formatCount } from '../progress.ts';
import { firstOf } from './table.ts';

const MAX_LISTED = 20;

/** A user's name for people; failed authentication has none. */
export function userText(username: string): string {
  return username === '' ? '(failed authentication)' : printable(username);
}

/** A rule as people count them, from 1. */
export function ruleText(rule: number | undefined): string {
  return rule === undefined ? '-' : String(rule + 1);
}

/** Lines about the users of whom requests are hidden; none where there are none. */
export function hiddenLines(title: string, { subjects, others }: SubjectSights): string[] {
  const hidden = subjects.filter((each) => each.hidden > 0);
  if (hidden.length === 0 && others.hidden === 0) return [];
  const lines = hidden.map(
    ({ username, hidden: count, requests }) =>
      `  ${userText(username)}: ${formatCount(count)} of ${formatCount(requests)}${count === requests ? ', all' : ''}`,
  );
  const rest =
    others.hidden === 0
      ? []
      : [`  all others: ${formatCount(others.hidden)} of ${formatCount(others.requests)}`];
  return ['', title, ...firstOf(lines, MAX_LISTED, 'users'), ...rest];
}

/** A detection with what it misses, for people. */
export function detectionText({ need, sight, missing }: DetectionVisibility): string {
  const extent = sight === 'blind' ? 'sees nothing' : sight === 'partial' ? 'sees a part' : 'sees all';
  const example =
    missing === undefined ? '' : `: ${printable(describeRequest(missing.request))} ${missing.why}`;
  return `${need.id} ${need.title}: ${extent}${example}`;
}

/** A detection with what it misses, for machines. */
export function detectionJson({ need, sight, missing }: DetectionVisibility): unknown {
  return {
    id: need.id,
    title: need.title,
    needs: need.level,
    sight,
    ...(missing === undefined
      ? {}
      : { missing: describeRequest(missing.request), ruleIndex: missing.rule ?? null }),
  };
}
