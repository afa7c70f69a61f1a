import { type CharacterSet, EMPTY, literal, type Pattern, repeat } from './pattern.ts';

/** What a regular expression of CODEOWNERS means, or why it is not understood. */
export type ParsedRegexp = { readonly pattern: Pattern } | { readonly problem: string };

const MAX_LENGTH = 1_000;
const MAX_DEPTH = 50;
/** Of Go: what is counted higher is no expression. */
const MAX_COUNT = 1_000;

const DIGITS: readonly Range[] = [[0x30, 0x39]];
const WORDS: readonly Range[] = [...DIGITS, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
const SPACES: readonly Range[] = [
  [0x09, 0x0a],
  [0x0c, 0x0d],
  [0x20, 0x20],
];
const CLASSES: Readonly<Record<string, readonly Range[]>> = { d: DIGITS, w: WORDS, s: SPACES };
const CONTROLS: Readonly<Record<string, number>> = { a: 0x07, t: 0x09, n: 0x0a, v: 0x0b, f: 0x0c, r: 0x0d };

type Range = readonly [from: number, to: number];

class NotUnderstood extends Error {}

class Parser {
  readonly #text: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#text = Array.from(text);
  }

  whole(): Pattern {
    const pattern = this.#choice(0);
    if (this.#at < this.#text.length) throw new NotUnderstood('a ) closes nothing');
    return pattern;
  }

  get #next(): string | undefined {
    return this.#text[this.#at];
  }

  #take(expected: string): boolean {
    if (this.#next !== expected) return false;
    this.#at += 1;
    return true;
  }

  #choice(depth: number): Pattern {
    if (depth > MAX_DEPTH) throw new NotUnderstood('it is nested too deeply');
    const options = [this.#sequence(depth)];
    while (this.#take('|')) options.push(this.#sequence(depth));
    const [only = EMPTY] = options;
    return options.length === 1 ? only : { kind: 'choice', options };
  }

  #sequence(depth: number): Pattern {
    const parts: Pattern[] = [];
    while (this.#next !== undefined && this.#next !== '|' && this.#next !== ')') {
      parts.push(this.#repeated(this.#atom(depth)));
    }
    return { kind: 'sequence', parts };
  }

  #atom(depth: number): Pattern {
    const character = this.#next ?? '';
    if (this.#times() !== undefined) throw new NotUnderstood(`${character} repeats nothing`);
    this.#at += 1;
    switch (character) {
      case '.':
        return { kind: 'one', set: { ranges: [[0x0a, 0x0a]], isNegated: true } };
      case '^':
        return { kind: 'start' };
      case '$':
        return { kind: 'end' };
      case '(':
        return this.#group(depth);
      case '[':
        return { kind: 'one', set: this.#set() };
      case '\\':
        return this.#escape();
      default:
        return literal(character);
    }
  }

  #group(depth: number): Pattern {
    if (this.#take('?') && !this.#take(':')) throw new NotUnderstood('a group (?…) other than (?:…)');
    const pattern = this.#choice(depth + 1);
    if (!this.#take(')')) throw new NotUnderstood('a ( is not closed');
    return pattern;
  }

  #escape(): Pattern {
    const character = this.#next ?? '';
    this.#at += 1;
    if (character === 'A') return { kind: 'start' };
    if (character === 'z') return { kind: 'end' };
    const ranges = CLASSES[character.toLowerCase()];
    if (ranges !== undefined) {
      return { kind: 'one', set: { ranges, isNegated: character !== character.toLowerCase() } };
    }
    return literal(String.fromCodePoint(escapedCode(character)));
  }

  #set(): CharacterSet {
    const isNegated = this.#take('^');
    const ranges: Range[] = [];
    // A bracket that comes first is one of the characters.
    for (let isFirst = true; isFirst || this.#next !== ']'; isFirst = false) {
      if (this.#next === undefined) throw new NotUnderstood('a [ is not closed');
      ranges.push(...this.#members());
    }
    this.#at += 1;
    return { ranges, isNegated };
  }

  #members(): readonly Range[] {
    if (this.#next === '[' && this.#text[this.#at + 1] === ':') throw new NotUnderstood('a class [:…:]');
    if (this.#next === '\\') {
      const inClass = CLASSES[this.#text[this.#at + 1] ?? ''];
      if (inClass !== undefined) {
        this.#at += 2;
        return inClass;
      }
    }
    const from = this.#member();
    if (this.#next !== '-' || this.#text[this.#at + 1] === ']') return [[from, from]];
    this.#at += 1;
    const to = this.#member();
    if (to < from) throw new NotUnderstood('a range ends before it begins');
    return [[from, to]];
  }

  #member(): number {
    const character = this.#next;
    this.#at += 1;
    if (character === undefined) throw new NotUnderstood('a [ is not closed');
    if (character !== '\\') return character.codePointAt(0) ?? 0;
    this.#at += 1;
    return escapedCode(this.#text[this.#at - 1] ?? '');
  }

  #repeated(part: Pattern): Pattern {
    const times = this.#times();
    if (times === undefined) return part;
    // Whether as few or as many as possible: it matches or it does not.
    this.#take('?');
    if (this.#times() !== undefined) throw new NotUnderstood('what is repeated is repeated once more');
    return repeat(part, times[0], times[1]);
  }

  #times(): readonly [min: number, max: number] | undefined {
    if (this.#take('*')) return [0, Infinity];
    if (this.#take('+')) return [1, Infinity];
    if (this.#take('?')) return [0, 1];
    if (this.#next !== '{') return undefined;
    const rest = this.#text.slice(this.#at, this.#at + 12).join('');
    const counted = /^\{(\d{1,4})(?:(,)(\d{0,4}))?\}/.exec(rest);
    // A brace that counts nothing is a character like any other.
    if (counted === null) return undefined;
    this.#at += counted[0].length;
    const min = Number(counted[1]);
    const max = counted[2] === undefined ? min : counted[3] === '' ? Infinity : Number(counted[3]);
    const highest = max === Infinity ? min : max;
    if (highest > MAX_COUNT || max < min) throw new NotUnderstood(`${counted[0]} cannot be counted`);
    return [min, max];
  }
}

function escapedCode(character: string): number {
  const control = CONTROLS[character];
  if (control !== undefined) return control;
  if (/^[!-/:-@[-`{-~]$/.test(character)) return character.codePointAt(0) ?? 0;
  throw new NotUnderstood(`the escape \\${character}`);
}

/**
 * Reads a regular expression in Go's syntax, as Gitea's CODEOWNERS has them, as far as owners of paths need it:
 * characters, `.`, sets, `\d \w \s`, groups, choices, repetitions, `^` and `$`. What is not understood, such as `(?i)`,
 * `\b` or `[[:alpha:]]`, is said; it is never guessed.
 * @see https://pkg.go.dev/regexp/syntax
 */
export function parseRegexp(text: string): ParsedRegexp {
  if (text.length > MAX_LENGTH) return { problem: `an expression of over ${MAX_LENGTH} characters` };
  try {
    return { pattern: new Parser(text).whole() };
  } catch (error) {
    if (error instanceof NotUnderstood) return { problem: error.message };
    throw error;
  }
}
