import { inspect } from 'node:util';

import { followFile } from './follow-file.ts';

/** What stands in every text where a secret would. */
export const HIDDEN = '***';

/**
 * A value that prints as `***` wherever it lands: templates, JSON, logs, `console.log` and the debugger's
 * inspection. Only {@link Secret.reveal} gives it away, so that every use can be found.
 */
export class Secret {
  #current: () => string;

  constructor(value: string) {
    this.#current = () => value;
  }

  /**
   * The value itself, for the one call that needs it. That of a file is read anew: ask for it whenever it is used, and
   * keep it nowhere.
   */
  reveal(): string {
    return this.#current();
  }

  /** From now on the value is what the file holds, and this one until it can be read. */
  follow(file: string): void {
    this.#current = followFile(file, this.#current());
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}
