import { inspect } from 'node:util';

/** What stands in every text where a secret would. */
export const HIDDEN = '***';

/**
 * A value that prints as `***` wherever it lands: templates, JSON, logs, `console.log` and the debugger's
 * inspection. Only {@link Secret.reveal} gives it away, so that every use can be found.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself, for the one call that needs it. */
  reveal(): string {
    return this.#value;
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
