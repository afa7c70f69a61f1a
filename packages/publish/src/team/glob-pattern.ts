import { type CharacterSet, EMPTY, literal, type Pattern, repeat, sequence } from './pattern.ts';

const SLASH = 0x2f;

/** Any character of one segment of a path. */
const IN_SEGMENT: Pattern = { kind: 'one', set: { ranges: [[SLASH, SLASH]], isNegated: true } };
const ANYTHING: Pattern = repeat({ kind: 'one', set: { ranges: [], isNegated: true } }, 0);
const START: Pattern = { kind: 'start' };
const END: Pattern = { kind: 'end' };
/** No folder, or any number of them, with the slash after the last. */
const FOLDERS: Pattern = repeat(sequence(repeat(IN_SEGMENT, 1), literal('/')), 0);

/** One segment of a glob: `*`, `?`, escapes, and sets where the dialect has them. `undefined` where it is damaged. */
function segmentPattern(segment: string, hasSets: boolean): Pattern | undefined {
  const parts: Pattern[] = [];
  const characters = Array.from(segment);
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? '';
    if (character === '*') parts.push(repeat(IN_SEGMENT, 0));
    else if (character === '?') parts.push(IN_SEGMENT);
    else if (character === '[' && hasSets) {
      const set = setAt(characters, at);
      if (set === undefined) return undefined;
      parts.push({ kind: 'one', set: set.set });
      at = set.end;
    } else if (character === '\\') {
      at += 1;
      const escaped = characters[at];
      if (escaped === undefined) return undefined;
      parts.push(literal(escaped));
    } else parts.push(literal(character));
  }
  return sequence(...parts);
}

/** The set that begins at a `[`, and where it ends. A slash is in no set. */
function setAt(
  characters: readonly string[],
  start: number,
): { readonly set: CharacterSet; readonly end: number } | undefined {
  let at = start + 1;
  const isNegated = characters[at] === '!' || characters[at] === '^';
  if (isNegated) at += 1;
  const ranges: (readonly [number, number])[] = [];
  const codeAt = (): number | undefined => {
    if (characters[at] === '\\') at += 1;
    return characters[at]?.codePointAt(0);
  };
  while (at < characters.length && characters[at] !== ']') {
    const from = codeAt();
    let to = from;
    if (characters[at + 1] === '-' && characters[at + 2] !== ']') {
      at += 2;
      to = codeAt();
    }
    if (from === undefined || to === undefined) return undefined;
    ranges.push([from, to]);
    at += 1;
  }
  if (at >= characters.length || ranges.length === 0) return undefined;
  if (isNegated) return { set: { ranges: [...ranges, [SLASH, SLASH]], isNegated }, end: at };
  const inside = ranges.filter(([from, to]) => from <= to).flatMap(withoutSlash);
  return { set: { ranges: inside, isNegated }, end: at };
}

function withoutSlash([from, to]: readonly [number, number]): (readonly [number, number])[] {
  if (from > SLASH || to < SLASH) return [[from, to]];
  const parts: [number, number][] = [
    [from, SLASH - 1],
    [SLASH + 1, to],
  ];
  return parts.filter(([first, last]) => first <= last);
}

/** Segments one after the other; `**` between slashes is any number of folders. `undefined` where one is damaged. */
function segmentsPattern(segments: readonly string[], hasSets: boolean): Pattern | undefined {
  const parts: Pattern[] = [];
  for (const [i, segment] of segments.entries()) {
    const isLast = i === segments.length - 1;
    if (segment === '**' && !isLast) {
      parts.push(FOLDERS);
      continue;
    }
    const part = segmentPattern(segment, hasSets);
    if (part === undefined) return undefined;
    parts.push(part, isLast ? EMPTY : literal('/'));
  }
  return sequence(...parts);
}

/**
 * A pattern of GitHub's CODEOWNERS: as in a gitignore file, but that `folder/*` means what stands directly in the
 * folder, and that there is no `!` and no `[ ]`. `undefined` where GitHub would call it invalid.
 * @see https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
 * @see https://git-scm.com/docs/gitignore#_pattern_format
 */
export function githubPattern(glob: string): Pattern | undefined {
  if (/^[!]|^\\#|[[\]]/.test(glob) || glob === '/') return undefined;
  const isFolder = glob.endsWith('/');
  const body = glob.replace(/^\//, '').replace(/\/$/, '');
  const isAnchored = glob.startsWith('/') || body.includes('/');
  const segments = body.split('/');
  if (segments.includes('')) return undefined;
  const last = segments.at(-1);
  const pattern = segmentsPattern(last === '**' ? [...segments.slice(0, -1), '*'] : segments, false);
  if (pattern === undefined) return undefined;
  const below = sequence(literal('/'), repeat({ kind: 'one', set: { ranges: [], isNegated: true } }, 1));
  const isDirect = last === '*' && isAnchored && !isFolder;
  const tail = isFolder ? below : isDirect ? EMPTY : repeat(below, 0, 1);
  return sequence(START, isAnchored ? EMPTY : FOLDERS, pattern, tail, END);
}

/**
 * A pattern of GitLab's CODEOWNERS: a path from the root, a path anywhere, or a folder with all that is in it, matched as Ruby's
 * `File.fnmatch` does with FNM_PATHNAME and FNM_DOTMATCH. A name without a slash at its end is a file, never a folder.
 * `undefined` where it is damaged.
 * @see https://docs.gitlab.com/user/project/codeowners/reference/#path-matching
 * @see https://docs.ruby-lang.org/en/master/File.html#method-c-fnmatch
 */
export function gitlabPattern(glob: string): Pattern | undefined {
  if (glob === '*') return sequence(START, ANYTHING, END);
  // The space that a backslash keeps in the path, and the number sign that it keeps from being a comment.
  const plain = glob.replace(/^\\#/, '#').replace(/\\\s+/g, ' ');
  const rooted = plain.startsWith('/') ? plain.slice(1) : `**/${plain}`;
  const whole = rooted.endsWith('/') || rooted === '' ? `${rooted}**/*` : rooted;
  const pattern = segmentsPattern(whole.split('/'), true);
  return pattern === undefined ? undefined : sequence(START, pattern, END);
}
