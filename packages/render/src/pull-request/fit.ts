import { InvariantError } from '../invariant-error.ts';
import { counted } from './markdown.ts';

/** A part of a text that can be shortened, row by row from its end. */
export interface Section {
  /** What one row is: `added grant`. */
  readonly noun: string;
  /** How many rows there are; without any there is no section. */
  readonly size: number;
  /** The higher, the later it is shortened. No two sections of a text share it. */
  readonly importance: number;
  /** So many rows stay while any section has more than its own; none where it is absent. */
  readonly least?: number;
  /** The Markdown of the first rows; with none, what is said all the same. */
  readonly render: (shown: number) => string;
}

/** A text in the order in which it is read. */
export type Part = string | Section;

/** A text that fits. */
export interface Fitted {
  readonly text: string;
  /** Whether nothing was left out. */
  readonly isWhole: boolean;
}

/**
 * Shortens a text until it fits: the least important section loses as many of its rows as it takes, then the next one,
 * each down to the rows that it is to keep; if that is not enough, once more down to none. Each shortened section says
 * how much is left out, and the note stands after the first part.
 * @param limit - in bytes of UTF-8, of which there are never fewer than UTF-16 code units
 * @throws InvariantError if it does not fit even without any row
 */
export function fit(parts: readonly Part[], note: string, limit: number): Fitted {
  const sections = parts.filter((part) => typeof part !== 'string').filter(({ size }) => size > 0);
  const shown = new Map(sections.map((section) => [section, section.size]));
  // Each look changes one section: all others are as they were rendered before.
  const rendered = new Map(parts.map((part) => [part, blocksOf(part, shown)]));
  const show = (section: Section, rows: number): void => {
    shown.set(section, rows);
    rendered.set(section, blocksOf(section, shown));
  };
  const render = (): Fitted => {
    const isWhole = sections.every((section) => shown.get(section) === section.size);
    const [first = '', ...others] = parts.flatMap((part) => rendered.get(part) ?? []);
    return { text: [first, ...(isWhole ? [] : [note]), ...others].join('\n\n'), isWhole };
  };
  const fits = (): boolean => Buffer.byteLength(render().text) <= limit;
  if (fits()) return render();

  const steps = sections.sort((a, b) => a.importance - b.importance);
  for (const { section, least } of [
    ...steps.map((section) => ({ section, least: Math.min(section.least ?? 0, section.size) })),
    ...steps.map((section) => ({ section, least: 0 })),
  ]) {
    let tooMany = shown.get(section) ?? 0;
    let enough = least;
    show(section, enough);
    if (!fits()) continue;
    while (tooMany - enough > 1) {
      const middle = Math.floor((enough + tooMany) / 2);
      show(section, middle);
      if (fits()) enough = middle;
      else tooMany = middle;
    }
    show(section, enough);
    return render();
  }
  throw new InvariantError(`not even the least that is always said fits into ${limit} bytes`);
}

function blocksOf(part: Part, shown: ReadonlyMap<Section, number>): string[] {
  if (typeof part === 'string') return part === '' ? [] : [part];
  const rows = shown.get(part);
  if (rows === undefined) return [];
  const rendered = part.render(rows);
  const blocks = rendered === '' ? [] : [rendered];
  if (rows < part.size) blocks.push(`Left out here: ${counted(part.size - rows, part.noun)}.`);
  return blocks;
}
