import type { HttpClient } from '../http/client.ts';
import type { ForgePull } from '../pull-requests/review-api.ts';
import { isOfThisRepository, pullOf } from './gitea-pull.ts';

/** More than a year, which is what has to be known. */
const KEPT_MS = 400 * 86_400_000;

/**
 * The closed and merged pull requests of a Gitea repository, by branch. Gitea cannot be asked for those of one branch:
 * all are read once, and then only what was changed since, which the forge gives newest first.
 */
export class EndedPulls {
  readonly #client: HttpClient;
  readonly #path: string;
  readonly #now: () => number;
  readonly #byNumber = new Map<number, ForgePull>();
  /** All changes before this time are known. */
  #seenUs = 0;

  constructor(client: HttpClient, path: string, now: () => number) {
    this.#client = client;
    this.#path = path;
    this.#now = now;
  }

  /** Those of a branch that have ended. @throws ForgeError */
  async of(branch: string): Promise<readonly ForgePull[]> {
    await this.#catchUp();
    return [...this.#byNumber.values()].filter((pull) => pull.branch === branch && pull.state !== 'open');
  }

  async #catchUp(): Promise<void> {
    const oldestUs = (this.#now() - KEPT_MS) * 1000;
    const fromUs = Math.max(this.#seenUs, oldestUs);
    let newestUs = this.#seenUs;
    const query = { state: 'all', sort: 'recentupdate', limit: 50 };
    pages: for await (const page of this.#client.pages(this.#path, query)) {
      for (const pull of page) {
        const updatedUs = pull.timeUs('updated_at');
        if (updatedUs < fromUs) break pages;
        newestUs = Math.max(newestUs, updatedUs);
        // One that is open now may have been closed before.
        if (isOfThisRepository(pull)) this.#byNumber.set(pull.integer('number'), pullOf(pull));
      }
    }
    // Only now: a look that was broken off has seen the newest and not what lies between.
    this.#seenUs = newestUs;
    for (const [number, { endedUs = oldestUs }] of this.#byNumber) {
      if (endedUs < oldestUs) this.#byNumber.delete(number);
    }
  }
}
