import { boundedText, capHash } from '@leastwise/audit-event';

/** How much of a user's requests a policy hides. */
export interface SubjectSight {
  /** Authenticated, not impersonated; `''` for failed authentication. */
  readonly username: string;
  readonly requests: number;
  /** Those of them of which the outcome is not logged. */
  readonly hidden: number;
}

/** What is known of the users of a log. */
export interface SubjectSights {
  /** By hidden requests, most first. */
  readonly subjects: readonly SubjectSight[];
  /** All users beyond the number that is kept, together. */
  readonly others: Omit<SubjectSight, 'username'>;
}

const MAX_SUBJECTS = 10_000;

interface Counts {
  requests: number;
  hidden: number;
}

/**
 * Counts by user, in bounded memory: the users with the smallest hashes are kept, whatever the order. One that was given
 * up may come again, and is given up again: what is kept in the end never was.
 */
export class SeenSubjects {
  readonly #max: number;
  #counts = new Map<string, Counts>();
  readonly #others: Counts = { requests: 0, hidden: 0 };

  constructor(max = MAX_SUBJECTS) {
    this.#max = max;
  }

  /** Counts a request. */
  add(user: string, isHidden: boolean): void {
    const username = boundedText(user);
    const counts = this.#counts.get(username) ?? this.#begin(username);
    counts.requests += 1;
    if (isHidden) counts.hidden += 1;
    if (this.#counts.size > 2 * this.#max) this.#trim();
  }

  /** What was counted so far. */
  result(): SubjectSights {
    this.#trim();
    const subjects = [...this.#counts].map(([username, counts]) => ({ username, ...counts }));
    subjects.sort((a, b) => b.hidden - a.hidden || (a.username < b.username ? -1 : 1));
    return { subjects, others: { ...this.#others } };
  }

  #begin(username: string): Counts {
    const counts = { requests: 0, hidden: 0 };
    this.#counts.set(username, counts);
    return counts;
  }

  #trim(): void {
    if (this.#counts.size <= this.#max) return;
    const byHash = [...this.#counts]
      .map((entry) => [capHash(entry[0]), entry] as const)
      .sort(([a, [x]], [b, [y]]) => a - b || (x < y ? -1 : 1));
    for (const [, [, { requests, hidden }]] of byHash.slice(this.#max)) {
      this.#others.requests += requests;
      this.#others.hidden += hidden;
    }
    this.#counts = new Map(byHash.slice(0, this.#max).map(([, entry]) => entry));
  }
}
