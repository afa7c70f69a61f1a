import { isChanging } from './commands/command.ts';
import { compareTraces, isSecretRead, laterStage, type Trace } from './trace.ts';

/** How many requests of one actor are told apart into commands. The others are counted. */
export const MAX_TRACES = 10_000;

/** What was done is kept before what was read or refused, so that no flood of these hides it; then what came first. */
function rankOf(trace: Trace): number {
  return trace.outcome === 'allowed' && (isChanging(trace) || isSecretRead(trace)) ? 0 : 1;
}

/** The requests of one actor: of too many the ones to keep are the same in any order. */
export class TraceLog {
  #byIdentity = new Map<string, Trace>();
  readonly #max: number;

  constructor(max = MAX_TRACES) {
    this.#max = max;
  }

  /** Adds a request that is new. */
  add(identity: string, trace: Trace): void {
    this.#byIdentity.set(identity, trace);
    // Seldom, so that a flood costs a sort for every so many requests.
    if (this.#byIdentity.size >= 2 * this.#max) this.#trim();
  }

  /** A further event of a request that was added before. */
  again(identity: string, trace: Trace): void {
    const known = this.#byIdentity.get(identity);
    if (known !== undefined) this.#byIdentity.set(identity, laterStage(known, trace));
  }

  /** What is kept. */
  traces(): Trace[] {
    this.#trim();
    return [...this.#byIdentity.values()];
  }

  #trim(): void {
    if (this.#byIdentity.size <= this.#max) return;
    const ranked = [...this.#byIdentity].sort(([, a], [, b]) => rankOf(a) - rankOf(b) || compareTraces(a, b));
    this.#byIdentity = new Map(ranked.slice(0, this.#max));
  }
}
