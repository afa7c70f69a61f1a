import { gitlabOwners, parseGitlab } from './codeowners-gitlab.ts';
import {
  linesOf,
  MAX_GLOB,
  type OwnerProblem,
  type OwnerRule,
  ownersAmong,
  wordsOf,
} from './codeowners-lines.ts';
import { githubPattern } from './glob-pattern.ts';
import { matcherOf, type Pattern, PatternTooLargeError } from './pattern.ts';
import { quoted } from './problem.ts';
import { parseRegexp } from './regexp-pattern.ts';

/** Whose rules a CODEOWNERS file follows: those of the forge that it stands on. */
export type CodeownersDialect = 'github' | 'gitlab' | 'gitea';

/** Where a forge looks for the file, in its order: the first one that is there counts, alone. */
export const CODEOWNERS_PATHS: Readonly<Record<CodeownersDialect, readonly string[]>> = {
  github: ['.github/CODEOWNERS', 'CODEOWNERS', 'docs/CODEOWNERS'],
  gitlab: ['CODEOWNERS', 'docs/CODEOWNERS', '.gitlab/CODEOWNERS'],
  gitea: ['CODEOWNERS', 'docs/CODEOWNERS', '.gitea/CODEOWNERS'],
};

/** Who owns the files of a repository. */
export interface Codeowners {
  /** The owners of a file, in the order in which the CODEOWNERS file names them, each once; as it spells them, but always with `@`. */
  ownersOf(path: string): readonly string[];
  /** Lines that say nothing, or not all they seem to, in their order: the forge would pass over them as well. */
  readonly problems: readonly OwnerProblem[];
}

/** As GitHub's: a larger file is not read. */
const MAX_BYTES = 3_000_000;

/** The file of a forge that has none. */
export const NO_CODEOWNERS: Codeowners = { ownersOf: () => [], problems: [] };

/**
 * Reads a CODEOWNERS file as its forge does. Lines that are damaged are told and passed over.
 * GitHub: the last line that matches counts, also where it names nobody. GitLab: in each section the last line that
 * matches, and none where a line of the section excludes the file. Gitea: every line that matches.
 * @remarks Pure. A path may hold what an attacker chose: matching takes time linear in its length.
 */
export function parseCodeowners(text: string, dialect: CodeownersDialect): Codeowners {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_BYTES) {
    const detail = `it has ${bytes} bytes, and forges read no more than ${MAX_BYTES}: nobody owns anything`;
    return { ...NO_CODEOWNERS, problems: [{ line: 1, reason: 'too-large', detail }] };
  }
  const problems: OwnerProblem[] = [];
  switch (dialect) {
    case 'github': {
      const rules = parseGithub(text, problems);
      return { ownersOf: (path) => rules.findLast((rule) => rule.matches(path))?.owners ?? [], problems };
    }
    case 'gitlab': {
      const sections = parseGitlab(text, problems);
      return { ownersOf: (path) => gitlabOwners(sections, path), problems };
    }
    case 'gitea': {
      const rules = parseGitea(text, problems);
      const ownersOf = (path: string): string[] =>
        rules.filter((rule) => rule.matches(path)).flatMap(({ owners }) => owners);
      return { ownersOf: (path) => [...new Set(ownersOf(path))], problems };
    }
  }
}

/** @see https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners */
function parseGithub(text: string, problems: OwnerProblem[]): OwnerRule[] {
  return linesOf(text).flatMap(({ content, line }): OwnerRule[] => {
    const words = wordsOf(content);
    const comment = words.findIndex((word) => word.startsWith('#'));
    const [glob, ...names] = comment === -1 ? words : words.slice(0, comment);
    if (glob === undefined) return [];
    const pattern = glob.length > MAX_GLOB ? undefined : githubPattern(glob);
    if (pattern === undefined) {
      problems.push({ line, reason: 'invalid-pattern', detail: `GitHub takes no pattern ${quoted(glob)}` });
      return [];
    }
    const { owners, others } = ownersAmong(names);
    if (others.length > 0) {
      problems.push({ line, reason: 'invalid-owner', detail: `${quoted(others[0] ?? '')} is no owner` });
      return [];
    }
    return [{ matches: matcherOf(pattern), owners }];
  });
}

/**
 * Each line is a regular expression for whole paths, `!` in front of it for all others. Backslashes are taken once
 * by the line, and again by the expression. `^a|b$` is what Gitea makes of `a|b`.
 * @see https://docs.gitea.com/usage/code-owners
 */
function parseGitea(text: string, problems: OwnerProblem[]): OwnerRule[] {
  return text.split('\n').flatMap((content, i): OwnerRule[] => {
    const line = i + 1;
    const [expression, ...names] = giteaWords(content);
    if (expression === undefined) return [];
    const note = (reason: OwnerProblem['reason'], detail: string): [] => {
      problems.push({ line, reason, detail });
      return [];
    };
    const isNegative = expression.startsWith('!');
    const parsed = parseRegexp(`^${isNegative ? expression.slice(1) : expression}$`);
    if ('problem' in parsed) return note('not-understood', parsed.problem);
    const matches = matcherOfBounded(parsed.pattern);
    if (matches === undefined) return note('not-understood', 'the expression repeats too much');
    const { owners, others } = ownersAmong(names.map((name) => (name.startsWith('@') ? name : `@${name}`)));
    if (others.length > 0) note('invalid-owner', `${quoted(others[0] ?? '')} is no owner`);
    if (owners.length === 0) return others.length > 0 ? [] : note('invalid-owner', 'nobody is named');
    return [{ matches: isNegative ? (path) => !matches(path) : matches, owners }];
  });
}

/** `undefined` where the pattern is too large. */
function matcherOfBounded(pattern: Pattern): ((text: string) => boolean) | undefined {
  try {
    return matcherOf(pattern);
  } catch (error) {
    if (error instanceof PatternTooLargeError) return undefined;
    throw error;
  }
}

/** The words of a line: a backslash keeps the character after it, and is gone. */
function giteaWords(content: string): string[] {
  const words: string[] = [];
  let word = '';
  let isEscaped = false;
  for (const character of content.trim().replaceAll('\t', ' ')) {
    if (isEscaped || (character !== '\\' && character !== '#' && character !== ' ')) {
      word += character;
      isEscaped = false;
    } else if (character === '\\') {
      isEscaped = true;
    } else if (character === '#') {
      break;
    } else if (word !== '') {
      words.push(word);
      word = '';
    }
  }
  return word === '' ? words : [...words, word];
}
