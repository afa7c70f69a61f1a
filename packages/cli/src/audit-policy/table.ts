/** A column: its heading, and on which side its cells stand. */
export interface Column {
  readonly head: string;
  readonly align: 'left' | 'right';
}

/** Lines of cells that stand below each other, without a line feed at the end. Cells must be printable. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const all = [columns.map(({ head }) => head), ...rows];
  const widths = columns.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  return all.map((row) =>
    columns
      .map(({ align }, i) => {
        const cell = row[i] ?? '';
        return align === 'left' ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0);
      })
      .join('  ')
      .trimEnd(),
  );
}

/** The first few of a list, and how many more there are. */
export function firstOf(lines: readonly string[], count: number, noun: string): string[] {
  const more = lines.length - count;
  return more > 0 ? [...lines.slice(0, count), `… and ${String(more)} more ${noun}`] : [...lines];
}
