import {
  type ActivityState,
  type Cell,
  type CellCode,
  cellKeyOf,
  OUTCOMES,
  parseCellKey,
  RESOURCE_CLASSES,
  type ResourceClass,
  VERB_CLASSES,
  type VerbClass,
} from '@leastwise/activity';
import type { Counter, Metrics } from '@leastwise/runtime';

/** Most installations have far fewer; what is beyond is counted as `other`. */
const MAX_CLUSTERS = 100;
/** So many kinds of requests of a cluster are shown as the most refused ones. */
export const TOP_REFUSED = 10;

const SLOT_MS = 300_000;
const SLOTS = 12;

type RequestCounter = Counter<{ cluster: string; verb: string; outcome: string }>;

/** A kind of refused requests. */
interface Refused {
  readonly verb: VerbClass;
  readonly resource: ResourceClass;
  /** By number of the slot of wall-clock time in which they were stored. */
  readonly slots: Map<number, number>;
}

/**
 * Counts the requests that were stored, by classes alone: nothing that an event says becomes a label. Requests that came
 * too late to be told from a copy, and copies, are not among them.
 */
export class RequestMetrics {
  readonly #all: RequestCounter;
  readonly #kubectl: RequestCounter;
  readonly #now: () => number;
  readonly #cells = new Map<CellCode, Cell | undefined>();
  /** By cluster, then by kind of request. Beyond the bound of clusters everything is one of them, `other`. */
  readonly #refused = new Map<string, Map<string, Refused>>();

  /** @param now - milliseconds since the epoch */
  constructor(metrics: Metrics, now: () => number) {
    this.#now = now;
    const labels = { verb: VERB_CLASSES, outcome: OUTCOMES };
    const openLabels = { cluster: { max: MAX_CLUSTERS } };
    this.#all = metrics.counter({
      name: 'leastwise_requests_total',
      help: 'Requests by what they do and what the authorizer said, each once. A rise of denied deletes wants a look.',
      labels,
      openLabels,
    });
    this.#kubectl = metrics.counter({
      name: 'leastwise_kubectl_requests_total',
      help: 'Those of them whose client called itself kubectl, or one of its kind. A client may call itself anything.',
      labels,
      openLabels,
    });
    metrics.gauge({
      name: 'leastwise_top_refused_requests',
      help: 'Refused requests that this process stored within the hour: the kinds of each cluster that there were most of.',
      labels: { verb: VERB_CLASSES, resource: RESOURCE_CLASSES },
      openLabels,
      collect: (gauge) => {
        gauge.reset();
        for (const { cluster, verb, resource, count } of this.topRefused()) {
          gauge.set({ cluster, verb, resource }, count);
        }
      },
    });
  }

  /** Counts what a batch brought, once it is stored. */
  add(activity: ReadonlyMap<string, ActivityState>): void {
    for (const [cluster, state] of activity) {
      const refused = this.#clusterOf(cluster);
      for (const [cell, count] of this.#sums(state)) {
        const { verb, resource, outcome, sender } = cell;
        this.#all.inc({ cluster, verb, outcome }, count);
        if (sender?.client === 'kubectl') this.#kubectl.inc({ cluster, verb, outcome }, count);
        if (outcome === 'denied') this.#addRefused(refused, { verb, resource }, count);
      }
    }
  }

  /** Of each cluster the kinds of requests that were refused most within the hour, at most {@link TOP_REFUSED} of them. */
  topRefused(): { cluster: string; verb: VerbClass; resource: ResourceClass; count: number }[] {
    const oldest = this.#slot() - SLOTS + 1;
    return [...this.#refused].flatMap(([cluster, kinds]) => {
      const counted = [...kinds.values()].map(({ verb, resource, slots }) => {
        for (const slot of slots.keys()) if (slot < oldest) slots.delete(slot);
        return { cluster, verb, resource, count: [...slots.values()].reduce((sum, each) => sum + each, 0) };
      });
      return counted
        .filter(({ count }) => count > 0)
        .sort((a, b) => b.count - a.count || orderOf(a) - orderOf(b))
        .slice(0, TOP_REFUSED);
    });
  }

  /** Sums are made by code first: there are few codes, whatever the number of subjects is. */
  #sums({ windows }: ActivityState): Map<Cell, number> {
    const sums = new Map<Cell, number>();
    const add = (code: CellCode, subject: string | undefined, count: number): void => {
      const cell = this.#cellOf(code, subject);
      if (cell !== undefined) sums.set(cell, (sums.get(cell) ?? 0) + count);
    };
    for (const { subjects, other } of windows.values()) {
      for (const [subject, tallies] of subjects) {
        for (const [code, { count }] of tallies) add(code, subject, count);
      }
      for (const [code, { count }] of other) add(code, undefined, count);
    }
    return sums;
  }

  /** What a code counts, the subject left aside: whose requests came first under it does not matter. */
  #cellOf(code: CellCode, subject: string | undefined): Cell | undefined {
    const known = this.#cells.get(code);
    if (known !== undefined) return known;
    const cell = parseCellKey(cellKeyOf(code, subject));
    this.#cells.set(code, cell);
    return cell;
  }

  /** The first time that a cluster is met its counters begin at 0, so that the first rise of each shows as one. */
  #clusterOf(name: string): Map<string, Refused> {
    const isOneTooMany = !this.#refused.has(name) && this.#refused.size >= MAX_CLUSTERS;
    const cluster = isOneTooMany ? 'other' : name;
    const known = this.#refused.get(cluster);
    if (known !== undefined) return known;
    const fresh = new Map<string, Refused>();
    this.#refused.set(cluster, fresh);
    for (const verb of VERB_CLASSES) {
      for (const outcome of OUTCOMES) {
        this.#all.inc({ cluster, verb, outcome }, 0);
        this.#kubectl.inc({ cluster, verb, outcome }, 0);
      }
    }
    return fresh;
  }

  #addRefused(
    kinds: Map<string, Refused>,
    { verb, resource }: Pick<Refused, 'verb' | 'resource'>,
    count: number,
  ): void {
    const key = `${verb} ${resource}`;
    const { slots } = kinds.get(key) ?? { slots: new Map<number, number>() };
    const slot = this.#slot();
    slots.set(slot, (slots.get(slot) ?? 0) + count);
    // One that nobody scrapes does not grow.
    for (const each of slots.keys()) if (each <= slot - SLOTS) slots.delete(each);
    kinds.set(key, { verb, resource, slots });
  }

  #slot(): number {
    return Math.floor(this.#now() / SLOT_MS);
  }
}

/** So that what is shown of equal ones does not depend on what came first. */
function orderOf({ verb, resource }: Pick<Refused, 'verb' | 'resource'>): number {
  return VERB_CLASSES.indexOf(verb) * RESOURCE_CLASSES.length + RESOURCE_CLASSES.indexOf(resource);
}
