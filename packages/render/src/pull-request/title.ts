import type { PullRequestReport } from './report.ts';
import { counted, shorten } from './markdown.ts';

const NAME_CHARACTERS = 63;

/**
 * A title: what is done to how many, where and whose. It changes with what is proposed and with nothing else. Forges put
 * titles into commit messages, so names keep only letters, digits and `. _ / -`: no mention, reference or command.
 * @param limit - in bytes of UTF-8
 */
export function pullRequestTitle(
  { kind, subjects, cluster, group }: PullRequestReport,
  limit: number,
): string {
  const sum = (what: 'added' | 'removed'): number =>
    subjects.reduce((total, subject) => total + subject[what].length, 0);
  const whom = counted(subjects.length, 'subject');
  const where = `in ${titleName(cluster)} for ${titleName(group)}`;
  switch (kind) {
    case 'additions':
      return cut(`Grant ${counted(sum('added'), 'used permission')} to ${whom} ${where}`, limit);
    case 'removals':
      return cut(`Remove ${counted(sum('removed'), 'unused permission')} from ${whom} ${where}`, limit);
  }
}

/** A name as far as a title may hold it; different names may look the same. */
export function titleName(name: string): string {
  const kept = shorten(name, 2 * NAME_CHARACTERS)
    .replace(/[^A-Za-z0-9._/-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '')
    // An address without a scheme, an issue by its number, and the address of one become links in some places.
    .replace(/^www\./i, 'www-')
    .replace(/\b(gh)-(?=\d)/gi, '$1')
    .replace(/\/(?=\d)/g, '-');
  return kept === '' ? 'unnamed' : shorten(kept, NAME_CHARACTERS);
}

/** Cuts a title that is too long, at a character. */
export function cut(title: string, limit: number): string {
  if (Buffer.byteLength(title) <= limit) return title;
  let kept = title;
  while (kept !== '' && Buffer.byteLength(`${kept}…`) > limit) kept = kept.slice(0, -1);
  return `${kept}…`;
}
