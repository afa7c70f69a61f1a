/**
 * A comment or an issue of ours is found again by a line that readers do not see, at the start of its text. Everybody
 * can write such a line: it counts only in what our own account wrote.
 */

/** What becomes of an issue when there is nothing left to do. */
export type HiddenState = 'open' | 'done';

/** A text with its key hidden before it. */
export function withHiddenKey(key: string, text: string, state: HiddenState = 'open'): string {
  return `${line(key, state)}\n${text}`;
}

/** Whether a text begins with this very key, in whatever state. */
export function hasHiddenKey(key: string, text: string): boolean {
  return text.startsWith(line(key, 'open')) || text.startsWith(line(key, 'done'));
}

function line(key: string, state: HiddenState): string {
  return `<!-- leastwise:${encoded(key)}${state === 'done' ? ' done' : ''} -->`;
}

/** No white space, no `>` and no `--`: nothing ends the comment, no key is the beginning of another. */
function encoded(key: string): string {
  return encodeURIComponent(Buffer.from(key).toString('utf8')).replaceAll('-', '%2D');
}
