/**
 * Whether two texts say the same. Forges and their editors change line ends (to CRLF) and white space at the end of a
 * text: that is no difference to write for.
 */
export function isSameText(a: string, b: string): boolean {
  return settled(a) === settled(b);
}

function settled(text: string): string {
  return text.replace(/\r\n?/g, '\n').trim();
}

/** The labels of `wanted` that are not among `present`. GitHub's labels are one whatever their letter case. */
export function missingLabels(wanted: readonly string[], present: readonly string[]): readonly string[] {
  const known = new Set(present.map((label) => label.toLowerCase()));
  return wanted.filter((label) => {
    const folded = label.toLowerCase();
    return !known.has(folded) && known.add(folded);
  });
}
