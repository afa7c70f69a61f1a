/** Characters, by code points; both ends of a range are in it. */
export interface CharacterSet {
  readonly ranges: readonly (readonly [from: number, to: number])[];
  /** Whether all but these are meant. */
  readonly isNegated: boolean;
}

/** A regular expression as a tree: what globs and expressions of CODEOWNERS are read into. */
export type Pattern =
  | { readonly kind: 'one'; readonly set: CharacterSet }
  | { readonly kind: 'sequence'; readonly parts: readonly Pattern[] }
  | { readonly kind: 'choice'; readonly options: readonly Pattern[] }
  | { readonly kind: 'repeat'; readonly part: Pattern; readonly min: number; readonly max: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' };

/** Nothing at all: matches between any two characters. */
export const EMPTY: Pattern = { kind: 'sequence', parts: [] };

function character(code: number): Pattern {
  return { kind: 'one', set: { ranges: [[code, code]], isNegated: false } };
}

/** Shared, since a large file consists of them. */
const ASCII: readonly Pattern[] = Array.from({ length: 0x80 }, (_, code) => character(code));

/** Exactly this text. */
export function literal(text: string): Pattern {
  const codes = Array.from(text, (each) => each.codePointAt(0) ?? 0);
  return { kind: 'sequence', parts: codes.map((code) => ASCII[code] ?? character(code)) };
}

/** The parts one after the other. */
export function sequence(...parts: readonly Pattern[]): Pattern {
  return { kind: 'sequence', parts };
}

/** A part so many times. */
export function repeat(part: Pattern, min: number, max = Infinity): Pattern {
  return { kind: 'repeat', part, min, max };
}

type Step =
  | { readonly op: 'one'; readonly set: CharacterSet; readonly next: number }
  | { readonly op: 'start' | 'end'; readonly next: number }
  | { readonly op: 'split'; next: readonly number[] }
  | { readonly op: 'found' };

/** Steps of one pattern: what a person writes has a few dozen. */
const MAX_STEPS = 10_000;

/** A pattern that would take too many steps. */
export class PatternTooLargeError extends Error {
  override readonly name = 'PatternTooLargeError';
}

/** How many steps a pattern takes: as many as {@link Compiler} makes of it. */
function stepsOf(pattern: Pattern): number {
  switch (pattern.kind) {
    case 'one':
    case 'start':
    case 'end':
      return 1;
    case 'sequence':
      return pattern.parts.reduce((sum, part) => sum + stepsOf(part), 0);
    case 'choice':
      return pattern.options.reduce((sum, option) => sum + stepsOf(option), 1);
    case 'repeat': {
      const { part, min, max } = pattern;
      return max === Infinity ? (min + 1) * stepsOf(part) + 1 : max * stepsOf(part) + (max - min);
    }
  }
}

class Compiler {
  readonly steps: Step[] = [{ op: 'found' }];

  add(step: Step): number {
    return this.steps.push(step) - 1;
  }

  /** Puts the steps of a pattern before `next`; returns the first of them. */
  compile(pattern: Pattern, next: number): number {
    switch (pattern.kind) {
      case 'one':
        return this.add({ op: 'one', set: pattern.set, next });
      case 'start':
      case 'end':
        return this.add({ op: pattern.kind, next });
      case 'sequence':
        return pattern.parts.reduceRight((at, part) => this.compile(part, at), next);
      case 'choice':
        return this.add({ op: 'split', next: pattern.options.map((option) => this.compile(option, next)) });
      case 'repeat':
        return this.#repeat(pattern, next);
    }
  }

  #repeat({ part, min, max }: Extract<Pattern, { kind: 'repeat' }>, next: number): number {
    let at = next;
    if (max === Infinity) {
      const loop: Step = { op: 'split', next: [] };
      at = this.add(loop);
      loop.next = [this.compile(part, at), next];
    } else {
      for (let i = min; i < max; i += 1) at = this.add({ op: 'split', next: [this.compile(part, at), next] });
    }
    for (let i = 0; i < min; i += 1) at = this.compile(part, at);
    return at;
  }
}

function holds({ ranges, isNegated }: CharacterSet, code: number): boolean {
  return ranges.some(([from, to]) => code >= from && code <= to) !== isNegated;
}

/** The text that every match begins with; `undefined` where a match may begin anywhere. */
function prefixOf(pattern: Pattern): string | undefined {
  if (pattern.kind !== 'sequence' || pattern.parts[0]?.kind !== 'start') return undefined;
  let prefix = '';
  for (const part of flat(pattern.parts.slice(1))) {
    const [range, ...others] = part.kind === 'one' && !part.set.isNegated ? part.set.ranges : [];
    if (range === undefined || others.length > 0 || range[0] !== range[1]) break;
    prefix += String.fromCodePoint(range[0]);
  }
  return prefix;
}

function flat(parts: readonly Pattern[]): readonly Pattern[] {
  return parts.flatMap((part) => (part.kind === 'sequence' ? flat(part.parts) : [part]));
}

interface Program {
  readonly steps: readonly Step[];
  readonly first: number;
}

function compiled(pattern: Pattern): Program {
  const compiler = new Compiler();
  const first = compiler.compile(pattern, 0);
  return { steps: compiler.steps, first };
}

/**
 * Makes a test of a pattern: whether it matches anywhere in a text, unless `start` and `end` pin it down.
 * @remarks The test follows all ways through the pattern at once, so it takes time linear in the length of the text
 *   times that of the pattern, whatever the two hold: there is no backtracking to be led astray. A pattern that
 *   begins with plain text is compiled when a text first begins so.
 * @throws PatternTooLargeError where the pattern takes more than ten thousand steps
 * @see https://swtch.com/~rsc/regexp/regexp1.html
 */
export function matcherOf(pattern: Pattern): (text: string) => boolean {
  if (stepsOf(pattern) > MAX_STEPS) throw new PatternTooLargeError('the pattern is too large');
  const prefix = prefixOf(pattern);
  let program: Program | undefined;
  return (text) => {
    if (prefix !== undefined && !text.startsWith(prefix)) return false;
    program ??= compiled(pattern);
    return run(program, text, prefix !== undefined);
  };
}

function run({ steps, first }: Program, text: string, isPinned: boolean): boolean {
  const codes = Array.from(text, (each) => each.codePointAt(0) ?? 0);
  let ways = new Set([first]);
  for (let at = 0; at <= codes.length && ways.size > 0; at += 1) {
    const isEnd = at === codes.length;
    const reached = reachable(steps, ways, { isStart: at === 0, isEnd });
    if (reached === 'found') return true;
    const code = codes[at] ?? 0;
    // What is not pinned to the start may as well begin at the next character.
    ways = new Set(isPinned ? [] : [first]);
    for (const step of reached) if (holds(step.set, code)) ways.add(step.next);
  }
  return false;
}

type OneStep = Extract<Step, { op: 'one' }>;

/** All steps that wait for a character, reached without one. */
function reachable(
  steps: readonly Step[],
  from: ReadonlySet<number>,
  { isStart, isEnd }: { readonly isStart: boolean; readonly isEnd: boolean },
): readonly OneStep[] | 'found' {
  const seen = new Set(from);
  const waiting: OneStep[] = [];
  for (const index of seen) {
    const step = steps[index];
    switch (step?.op) {
      case undefined:
      case 'found':
        return 'found';
      case 'one':
        waiting.push(step);
        break;
      case 'split':
        for (const next of step.next) seen.add(next);
        break;
      case 'start':
      case 'end':
        if (step.op === 'start' ? isStart : isEnd) seen.add(step.next);
        break;
    }
  }
  return waiting;
}
