import { escapeInvisible, showCodePoint } from './escape-invisible.ts';

/**
 * Makes text of unknown origin a Markdown code span, for a line of text, a heading or a table cell. Inside a code
 * span GitHub, GitLab and Gitea know no HTML, mentions, references, links, math or emoji; what could end the span
 * or the table cell (a backtick, a pipe, a line break) is shown by its number. Empty text gives `(empty)`.
 * @see https://github.github.com/gfm/#code-spans and https://github.github.com/gfm/#tables-extension-
 */
export function markdownCode(text: string): string {
  if (text === '') return '(empty)';
  return `\`${escapeInvisible(text).replace(/[`|]/g, showCodePoint)}\``;
}

/**
 * A Markdown link with a code span as its text.
 * @param segments - of the relative target, as they are on disk; whatever a URL or Markdown would read in them is
 *   percent-encoded.
 */
export function markdownLink(text: string, segments: readonly string[]): string {
  const target = segments
    .map((segment) => encodeURIComponent(segment).replace(/[()*'!]/g, percent))
    .join('/');
  return `[${markdownCode(text)}](${target})`;
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
