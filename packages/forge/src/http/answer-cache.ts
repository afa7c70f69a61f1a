/** An answer that the server may say is still good. */
export interface CachedAnswer {
  readonly etag: string;
  readonly body: string;
  readonly hasNext: boolean;
}

const MAX_ENTRIES = 256;
const MAX_CHARACTERS = 16 * 1024 * 1024;

/**
 * Answers by URL, for `If-None-Match`: an answer 304 costs nothing of GitHub's limit. Holds at most 256 answers and
 * 16 Mi characters; what was not asked for the longest time goes first.
 */
export class AnswerCache {
  readonly #entries = new Map<string, CachedAnswer>();
  #characters = 0;

  /** What is kept for a URL, which counts as asked for now. */
  get(url: string): CachedAnswer | undefined {
    const found = this.#entries.get(url);
    if (found === undefined) return undefined;
    this.#entries.delete(url);
    this.#entries.set(url, found);
    return found;
  }

  /** Keeps an answer in place of the one before. */
  set(url: string, answer: CachedAnswer): void {
    this.#drop(url);
    this.#entries.set(url, answer);
    this.#characters += answer.body.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= MAX_ENTRIES && this.#characters <= MAX_CHARACTERS) return;
      this.#drop(oldest);
    }
  }

  #drop(url: string): void {
    this.#characters -= this.#entries.get(url)?.body.length ?? 0;
    this.#entries.delete(url);
  }
}
