import {
  linesOf,
  MAX_GLOB,
  type OwnerProblem,
  type OwnerRule,
  ownersAmong,
  wordsOf,
} from './codeowners-lines.ts';
import { gitlabPattern } from './glob-pattern.ts';
import { matcherOf } from './pattern.ts';
import { quoted } from './problem.ts';

/** A line of GitLab's CODEOWNERS; an exclusion names nobody. */
interface Entry extends OwnerRule {
  readonly isExclusion: boolean;
}

/** The lines of one section: each section speaks for itself. */
type Section = Entry[];

/** `^[Name][2] @owner`: optional or not, a name, how many approvals, owners of the lines that name none. */
const HEADER = /^\^?\[([^\]]*)\](?:\[\d*\])?(.*)$/u;

/** Whether a line was meant to be the head of a section. */
const LIKE_A_HEADER = /^\^?\[/u;

/**
 * Reads the sections of a GitLab CODEOWNERS file. Sections of one name, in any case of letters, are one section;
 * lines before the first one are a section of their own. Whether a section is optional, and how many have to
 * approve, makes no difference to who is asked.
 * @see https://docs.gitlab.com/user/project/codeowners/reference/
 */
export function parseGitlab(text: string, problems: OwnerProblem[]): readonly Section[] {
  let section: Section = [];
  let defaults: readonly string[] = [];
  const sections = new Map([['', section]]);
  for (const { content, line } of linesOf(text)) {
    const header = HEADER.exec(content);
    if (header !== null) {
      const name = (header[1] ?? '').trim().toLowerCase();
      if (name === '') {
        problems.push({ line, reason: 'invalid-section', detail: 'a section has no name' });
        continue;
      }
      // The section without a name has a key that no other can have.
      section = sections.get(name) ?? [];
      sections.set(name, section);
      defaults = ownersOn(line, wordsOf(header[2] ?? ''), problems);
    } else if (LIKE_A_HEADER.test(content)) {
      problems.push({ line, reason: 'invalid-section', detail: 'the head of a section is not closed by ]' });
    } else {
      section.push(...entryOf({ content, line, defaults }, problems));
    }
  }
  return [...sections.values()];
}

interface EntryLine {
  readonly content: string;
  readonly line: number;
  readonly defaults: readonly string[];
}

function entryOf({ content, line, defaults }: EntryLine, problems: OwnerProblem[]): Entry[] {
  const [word = '', ...names] = wordsOf(content);
  const isExclusion = word.startsWith('!');
  const glob = isExclusion ? word.slice(1) : word;
  const pattern = glob === '' || glob.length > MAX_GLOB ? undefined : gitlabPattern(glob);
  if (pattern === undefined) {
    problems.push({ line, reason: 'invalid-pattern', detail: `GitLab takes no pattern ${quoted(glob)}` });
    return [];
  }
  const matches = matcherOf(pattern);
  if (isExclusion) return [{ matches, owners: [], isExclusion }];
  const owners = names.length === 0 ? defaults : ownersOn(line, names, problems);
  if (names.length === 0 && defaults.length === 0) {
    problems.push({ line, reason: 'invalid-owner', detail: 'nobody is named' });
  }
  return [{ matches, owners, isExclusion }];
}

/** GitLab passes over words that are no owners. A role (`@@developer`) cannot be asked to review. */
function ownersOn(line: number, words: readonly string[], problems: OwnerProblem[]): readonly string[] {
  const { owners, others } = ownersAmong(words);
  const [first] = others;
  if (first !== undefined) {
    const what = first.startsWith('@@') ? 'a role, and no reviewer' : 'no owner';
    problems.push({ line, reason: 'invalid-owner', detail: `${quoted(first)} is ${what}` });
  }
  return owners;
}

/** The owners of a path: of each section those of its last line that matches. */
export function gitlabOwners(sections: readonly Section[], path: string): readonly string[] {
  const owners = sections.flatMap((section) => {
    const matching = section.filter((entry) => entry.matches(path));
    return matching.some(({ isExclusion }) => isExclusion) ? [] : (matching.at(-1)?.owners ?? []);
  });
  return [...new Set(owners)];
}
