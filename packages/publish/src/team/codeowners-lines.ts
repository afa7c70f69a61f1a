import { REVIEWER } from './words.ts';

/** Why a line of a CODEOWNERS file is passed over, in whole or in part. A closed set. */
export type OwnerProblemReason =
  'invalid-pattern' | 'invalid-owner' | 'invalid-section' | 'not-understood' | 'too-large';

/** A line of a CODEOWNERS file that does not say what it seems to. */
export interface OwnerProblem {
  /** From 1. */
  readonly line: number;
  readonly reason: OwnerProblemReason;
  /** For people; text of the file in it is escaped and cut. */
  readonly detail: string;
}

/** One line that names owners of paths. */
export interface OwnerRule {
  matches(path: string): boolean;
  readonly owners: readonly string[];
}

/** Characters of a glob: more than any path needs, and few enough for its matcher. */
export const MAX_GLOB = 1_000;

/** Lines that hold something, without the space around them. Lines that begin with `#` are comments. */
export function linesOf(text: string): { readonly content: string; readonly line: number }[] {
  return text
    .split('\n')
    .map((each, i) => ({ content: each.trim(), line: i + 1 }))
    .filter(({ content }) => content !== '' && !content.startsWith('#'));
}

/** The words of a line: apart by white space that no backslash stands before. Backslashes stay. */
export function wordsOf(content: string): string[] {
  return content.match(/(?:\\.|[^\s\\]|\\$)+/gsu) ?? [];
}

/** Tells owners (`@user`, `@org/team`, addresses) from other words, which are no owners. Each owner once. */
export function ownersAmong(words: readonly string[]): {
  readonly owners: readonly string[];
  readonly others: readonly string[];
} {
  const owners = new Set(words.filter((word) => REVIEWER.test(word)));
  return { owners: [...owners], others: words.filter((word) => !owners.has(word)) };
}
