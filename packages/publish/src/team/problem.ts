/** Why something in a team's file cannot be used. A closed set. */
export type TeamProblemReason =
  | 'unreadable'
  | 'duplicate-key'
  | 'unsupported'
  | 'unknown-key'
  | 'missing'
  | 'wrong-type'
  | 'not-allowed'
  | 'contradiction';

/** Something in `leastwise.yaml` that is not as it has to be. */
export interface TeamProblem {
  /** From 1. */
  readonly line: number;
  /** From the root, such as `owners[0].group`; `''` for the file as a whole. Escaped. */
  readonly path: string;
  readonly reason: TeamProblemReason;
  /** For people; text of the file in it is escaped and cut. */
  readonly detail: string;
}

const MAX_QUOTED = 80;

/** Text of a file, for a message: on one line, with nothing hidden in it, and cut. */
export function quoted(text: string): string {
  const cut = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
  return escapeHidden(JSON.stringify(cut));
}

/** Shows each character that shows nothing by its number. */
export function escapeHidden(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
