import { compareTraces, type Trace } from '../../traces/trace.ts';
import { type Command, commandOf, type Draft, type Near, type Rule } from './command.ts';
import { podRule } from './pods.ts';
import { describeRule, getRule, watchRule } from './reads.ts';
import { deleteRule, fieldManagerRule, nodeRule, reviewRule, subresourceRule, undoRule } from './writes.ts';

/** Reads that a command begins with come right before the request that it is about. */
const BEFORE_US = 1_500_000;
const AFTER_US = 10_000_000;
/** However many requests come at one time, so many neighbours are looked at. */
const MAX_NEIGHBOURS = 200;

/** Drains take deletions of pods to themselves, so they go first; then changes, for which most reads are made. */
const PASSES: readonly (readonly Rule[])[] = [
  [nodeRule],
  [podRule, reviewRule, deleteRule, subresourceRule, fieldManagerRule, undoRule],
  [describeRule],
  [watchRule],
  [getRule],
];

/** The traces of one actor in one name, in time, and which of them belong to a command already. */
class Sequence {
  readonly commands: { readonly at: number; readonly command: Command }[] = [];
  readonly #traces: readonly Trace[];
  readonly #isTaken: boolean[];

  constructor(traces: readonly Trace[]) {
    this.#traces = traces;
    // Where a command starts is no request of a person.
    this.#isTaken = traces.map(({ isStart }) => isStart);
  }

  /** Makes commands of what the rules know. */
  pass(rules: readonly Rule[]): void {
    for (const [at, trace] of this.#traces.entries()) {
      if (this.#isTaken[at] === true) continue;
      const near = this.#near(at);
      for (const rule of rules) {
        const draft = rule(trace, near);
        if (draft === undefined) continue;
        this.#take(at, trace, draft);
        break;
      }
    }
  }

  /** What no rule knows is told as it is. */
  rest(): void {
    for (const [at, trace] of this.#traces.entries()) {
      if (this.#isTaken[at] === true) continue;
      const words = trace.path === '' ? [] : [trace.path];
      this.#take(at, trace, { verb: trace.verb, certainty: 'request', words });
    }
  }

  #take(at: number, trace: Trace, draft: Draft): void {
    this.#isTaken[at] = true;
    let requests = 1;
    const absorbed = [...this.#before(at, draft), ...this.#after(at, draft)];
    for (const other of absorbed) {
      this.#isTaken[other] = true;
      requests += 1;
    }
    this.commands.push({ at, command: commandOf(trace, draft, requests) });
  }

  #before(at: number, { before, beforeUs }: Draft): number[] {
    if (before === undefined) return [];
    const found = [...this.#around(at, { step: -1, withinUs: beforeUs ?? BEFORE_US, isWanted: before })];
    return beforeUs === undefined ? found : found.slice(0, 1);
  }

  #after(at: number, { after, afterUs, until = isStart }: Draft): number[] {
    if (after === undefined) return [];
    return [...this.#around(at, { step: 1, withinUs: afterUs ?? AFTER_US, isWanted: after, isEnd: until })];
  }

  #near(at: number): Near {
    const first = (
      step: 1 | -1,
      withinUs: number,
      isWanted: (other: Trace) => boolean,
    ): Trace | undefined => {
      for (const index of this.#around(at, { step, withinUs, isWanted })) return this.#traces[index];
      return undefined;
    };
    return {
      before: (isWanted) => first(-1, BEFORE_US, isWanted),
      after: (isWanted) => first(1, AFTER_US, isWanted),
    };
  }

  /** Indexes of free neighbours that are wanted, the nearest one first. */
  *#around(at: number, { step, withinUs, isWanted, isEnd = isStart }: Neighbourhood): Generator<number> {
    const startUs = this.#traces[at]?.atUs ?? 0;
    for (let seen = 1; seen <= MAX_NEIGHBOURS; seen += 1) {
      const index = at + step * seen;
      const other = this.#traces[index];
      if (other === undefined || Math.abs(other.atUs - startUs) > withinUs || isEnd(other)) return;
      if (this.#isTaken[index] !== true && isWanted(other)) yield index;
    }
  }
}

interface Neighbourhood {
  readonly step: 1 | -1;
  readonly withinUs: number;
  readonly isWanted: (other: Trace) => boolean;
  readonly isEnd?: (other: Trace) => boolean;
}

function isStart(other: Trace): boolean {
  return other.isStart;
}

/**
 * The commands behind the requests of one actor who used kubectl, in time. kubectl makes several requests for most
 * commands: it reads what it is about to change, watches what it waits for, and says in the query of a write which
 * command it is. All of that is self-reported. What cannot be told is given as the request itself.
 * @param traces - in any order; of discovery only where a command starts
 * @remarks Pure; linear in the number of requests.
 */
export function inferCommands(traces: readonly Trace[]): Command[] {
  const byName = new Map<string, Trace[]>();
  for (const trace of [...traces].sort(compareTraces)) {
    const known = byName.get(trace.as);
    if (known === undefined) byName.set(trace.as, [trace]);
    else known.push(trace);
  }
  return [...byName.keys()]
    .sort()
    .flatMap((as) => commandsOf(byName.get(as) ?? []))
    .sort((a, b) => a.atUs - b.atUs);
}

function commandsOf(traces: readonly Trace[]): Command[] {
  const sequence = new Sequence(traces);
  for (const rules of PASSES) sequence.pass(rules);
  sequence.rest();
  return sequence.commands.sort((a, b) => a.at - b.at).map(({ command }) => command);
}

/** Requests of clients that are no kubectl, each as it is. */
export function plainCommands(traces: readonly Trace[]): Command[] {
  return [...traces]
    .sort(compareTraces)
    .map((trace) =>
      commandOf(
        trace,
        { verb: trace.verb, certainty: 'request', words: trace.path === '' ? [] : [trace.path] },
        1,
      ),
    );
}
