/** What is wrong with a line; whoever reads the file adds where. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}

/**
 * Takes the values of a parsed JSON list one after the other, and believes none of them: a value of
 * another type or size throws {@link Malformed}. Lists instead of objects leave no keys to attack with.
 */
export class Fields {
  readonly #values: readonly unknown[];
  #at = 0;

  constructor(values: unknown) {
    if (!Array.isArray(values)) throw new Malformed('a list is missing');
    this.#values = values;
  }

  /** The fields of a line of JSON. */
  static parse(line: string): Fields {
    try {
      return new Fields(JSON.parse(line));
    } catch (error) {
      if (error instanceof Malformed) throw error;
      throw new Malformed('not JSON');
    }
  }

  #next(): unknown {
    if (!this.more()) throw new Malformed('a value is missing');
    this.#at += 1;
    return this.#values[this.#at - 1];
  }

  more(): boolean {
    return this.#at < this.#values.length;
  }

  string(): string {
    const value = this.#next();
    if (typeof value !== 'string') throw new Malformed('a text is missing');
    return value;
  }

  /** A whole number from `min` to `max`, both included. */
  integer(min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER): number {
    const value = this.#next();
    if (typeof value !== 'number' || !Number.isSafeInteger(value))
      throw new Malformed('a whole number is missing');
    if (value < min || value > max) throw new Malformed(`the number ${value} is out of range`);
    return value;
  }

  /** As {@link Fields.integer}, or `undefined` where `null` stands for it. */
  optionalInteger(min?: number, max?: number): number | undefined {
    if (this.#values[this.#at] !== null || !this.more()) return this.integer(min, max);
    this.#at += 1;
    return undefined;
  }

  list(): Fields {
    return new Fields(this.#next());
  }

  /** A list, where one comes next; otherwise nothing is taken. */
  listIfNext(): Fields | undefined {
    return Array.isArray(this.#values[this.#at]) ? this.list() : undefined;
  }

  /** A list, or `undefined` where `null` stands for it. */
  optionalList(): Fields | undefined {
    const value = this.#next();
    return value === null ? undefined : new Fields(value);
  }

  /** All that is left, which must be texts in strictly ascending order. */
  strings(): string[] {
    const texts: string[] = [];
    while (this.more()) {
      const text = this.string();
      const last = texts.at(-1);
      if (last !== undefined && text <= last) throw new Malformed('texts are out of order');
      texts.push(text);
    }
    return texts;
  }

  /** There must be nothing left. */
  end(): void {
    if (this.more()) throw new Malformed('there is a value too many');
  }
}
