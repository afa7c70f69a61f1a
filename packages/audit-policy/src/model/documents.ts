/** A YAML document with the line of its file on which it begins, from 1. */
export interface DocumentText {
  readonly text: string;
  readonly startLine: number;
}

const MARKER = /^---(?=\s|$)/;

/**
 * Splits a YAML stream at its markers, which YAML knows at the beginning of lines only, even inside of block scalars.
 * Parts that hold nothing are left out.
 */
export function splitDocuments(text: string): DocumentText[] {
  const lines = text.split('\n');
  const starts = lines.flatMap((line, i) => (MARKER.test(line) ? [i] : []));
  const bounds = [...new Set([0, ...starts]), lines.length];
  return bounds.slice(0, -1).flatMap((start, i) => {
    const part = lines.slice(start, bounds[i + 1]);
    return part.every(isEmpty) ? [] : [{ text: part.join('\n'), startLine: start + 1 }];
  });
}

/** Blank, a comment, a directive, or a bare marker. */
function isEmpty(line: string): boolean {
  return /^\s*(?:#.*)?$/.test(line) || line.startsWith('%') || /^(?:---|\.\.\.)\s*(?:#.*)?$/.test(line);
}
