/** What was started, to be ended in the opposite order. */
export class Started implements AsyncDisposable {
  readonly #ends: (() => PromiseLike<void>)[] = [];

  /** Notes how something is ended. */
  defer(end: () => PromiseLike<void>): void {
    this.#ends.push(end);
  }

  /** Notes something that ends itself, and returns it. */
  use<T extends AsyncDisposable>(thing: T): T {
    this.defer(() => thing[Symbol.asyncDispose]());
    return thing;
  }

  /** Ends all of it, whatever becomes of each. @throws AggregateError of what did not end well */
  async [Symbol.asyncDispose](): Promise<void> {
    const errors: unknown[] = [];
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) {
      try {
        await end();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'not everything ended well');
  }
}
