import { escapeInvisible, showCodePoint } from './escape-invisible.ts';
import { InvariantError } from './invariant-error.ts';

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
  return `[${markdownCode(text)}](${encodeSegments(segments)})`;
}

/**
 * A Markdown link to a file of a forge, with a code span as its text.
 * @param base - an absolute http or https URL of a folder, such as `https://forge.example/o/r/src/branch/main`
 * @param segments - of the file below it, as they are on disk
 * @throws InvariantError if the base is not such a URL, or holds credentials, a query or a fragment
 */
export function markdownUrl(text: string, base: string, segments: readonly string[]): string {
  if (!URL.canParse(base)) throw new InvariantError('a link base is no absolute URL');
  const { protocol, href, username, password, search, hash } = new URL(base);
  if (!/^https?:$/.test(protocol) || username + password + search + hash !== '') {
    throw new InvariantError('a link base is http or https, with no credentials, query or fragment');
  }
  const folder = href.replace(/\/$/, '').replace(/[()*'!|_~`<>[\]\\]/g, percent);
  return `[${markdownCode(text)}](${folder}/${encodeSegments(segments)})`;
}

/** Runs of backticks, which decide how long a fence has to be. */
const BACKTICKS = /`+/g;

/**
 * A fenced code block of any text. The fence is longer than any run of backticks in it, so that no line of it ends the
 * block; of invisible characters only line feeds stay, the others are shown by their numbers.
 * @param language - of the highlighting: a word of ours
 * @see https://spec.commonmark.org/0.31.2/#fenced-code-blocks
 */
export function markdownFence(language: 'diff' | 'sh' | 'yaml', text: string): string {
  const lines = text.split('\n').map(escapeInvisible);
  const content = lines.join('\n');
  const longest = (content.match(BACKTICKS) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${content}\n${fence}`;
}

/**
 * A word in which no forge finds anything: letters, or a number too short for a commit, with the marks of a sentence.
 * Marks inside a word are left out on purpose, since they make links, references, emphasis, emoji and lists.
 */
const PLAIN_WORD = /^\(?(?:[A-Za-z]+(?:['-][A-Za-z]+)*|\d{1,6})[,;:.!?)]*$/;
/** Forges link what looks like an abbreviated commit. */
const COMMIT_LIKE = /^\(?[0-9a-f]{7,}[,;:.!?)]*$/i;
const LIST_MARKER = /^\d+[.)]/;

/**
 * Makes a sentence one line of Markdown: plain words stay, every run of anything else becomes a code span. So a remark
 * that names something of an event reads as a sentence, and what it names cannot form Markdown, a mention, a reference
 * or a link. Empty text gives `(empty)`.
 */
export function markdownText(sentence: string): string {
  const words = sentence.split(/[ \n]+/).filter((word) => word !== '');
  if (words.length === 0) return '(empty)';
  const parts: { text: string; isPlain: boolean }[] = [];
  for (const [at, word] of words.entries()) {
    const isPlain = PLAIN_WORD.test(word) && !COMMIT_LIKE.test(word) && !(at === 0 && LIST_MARKER.test(word));
    const last = parts.at(-1);
    if (last?.isPlain === isPlain) last.text += ` ${word}`;
    else parts.push({ text: word, isPlain });
  }
  return parts.map(({ text, isPlain }) => (isPlain ? text : codeAndMarks(text))).join(' ');
}

/** The marks at the end of what is code belong to the sentence. */
function codeAndMarks(text: string): string {
  const end = text.length - (/(?<=[^,;:.!?)])[,;:.!?)]{1,3}$/.exec(text)?.[0].length ?? 0);
  return markdownCode(defuse(text.slice(0, end))) + text.slice(end);
}

/** The words by which a commit message closes an issue. @see https://docs.gitlab.com/user/project/issues/managing_issues/ */
const CLOSING =
  'clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|implement(?:s|ed|ing)?|reopen(?:s|ed|ing)?';

/**
 * What forges find in commit messages, which they read without Markdown: a mention, `#12`, `GH-12`, the address of an
 * issue, what follows a closing word, `[skip ci]`, `***NO_CI***`. The character that makes it one.
 */
const FUSE = new RegExp(
  [
    '(?<!\\w)@',
    '#(?=\\d)',
    '(?<=\\bgh)-(?=\\d)',
    '(?<=/(?:issues|pulls?|merge_requests|work_items))/(?=\\d)',
    `(?<=\\b(?:${CLOSING}):?) `,
    '\\[',
    '\\*(?=\\*\\*)',
  ].join('|'),
  'gi',
);

/**
 * Shows by its number each character that would make forges act on a commit message. Squashing may put the text of a
 * pull request into the message of a commit, where code spans mean nothing: a user named `fixes #1` must not close an
 * issue, nor one named `[skip ci]` keep the merge from being applied.
 * @param show - how to spell such a character
 * @see https://docs.github.com/issues/tracking-your-work-with-issues/linking-a-pull-request-to-an-issue and
 *   https://docs.github.com/actions/managing-workflow-runs/skipping-workflow-runs
 */
export function defuse(text: string, show: (character: string) => string = showCodePoint): string {
  return text.replace(FUSE, (character) => show(character));
}

/** Half a character has no place in a URL; paths on disk hold none. */
const SURROGATES = /[\ud800-\udfff]/gu;

function encodeSegments(segments: readonly string[]): string {
  return segments
    .map((segment) => encodeURIComponent(segment.replace(SURROGATES, '\ufffd')).replace(/[()*'!]/g, percent))
    .join('/');
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
