/** Why part of a manifest could not be used. A closed set. */
export type ManifestReason =
  | 'unreadable'
  | 'templated'
  | 'not-an-object'
  | 'missing-field'
  | 'wrong-type'
  | 'unsupported-value'
  | 'no-namespace'
  | 'too-many-problems';

/** Something in a manifest that is not as the API server would take it. */
export interface ManifestProblem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly reason: ManifestReason;
  /** For people; text of the file in it is escaped and cut. */
  readonly detail: string;
}

/** Keys and indices from the document's root. */
export type Path = readonly (string | number)[];

/** A problem before its line is known. */
export interface Finding {
  readonly path: Path;
  readonly reason: ManifestReason;
  readonly detail: string;
}

/** Text of a file, for a message. */
export function quoted(text: string): string {
  const cut = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return JSON.stringify(cut).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}
