import {
  decodeHoursState,
  decodeSpikeState,
  encodeHoursState,
  encodeSpikeState,
  type HoursState,
  type SpikeState,
} from '../detect/index.ts';
import type { Gap } from '../detect/detecting/watch.ts';

/** What is remembered of a cluster as a whole. */
export interface ClusterMemory {
  /** The window that was judged last; `undefined` before the first. */
  readonly last: number | undefined;
  /** The last window with a request; `-Infinity` before the first. */
  readonly active: number;
  /** In time. */
  readonly gaps: readonly Gap[];
}

/** What is remembered between windows, as fields with their values: for a store to keep, whatever they mean. */
export interface JudgeMemory {
  cluster: ClusterMemory;
  /** By subject's key, the first window in which it sent a request. */
  readonly firsts: Map<string, number>;
  /** By series. */
  readonly spikes: Map<string, SpikeState>;
  /** By subject's key. */
  readonly hours: Map<string, HoursState>;
}

const CLUSTER_FIELD = 'm';
const VERSION = 1;

/** The field of each thing that is remembered; the letter says what it is. */
export const fieldOf = {
  cluster: (): string => CLUSTER_FIELD,
  first: (subject: string): string => `f${subject}`,
  spike: (series: string): string => `s${series}`,
  hours: (subject: string): string => `h${subject}`,
} as const;

/** The memory of a cluster of which nothing is known. */
export function newMemory(): JudgeMemory {
  return {
    cluster: { last: undefined, active: -Infinity, gaps: [] },
    firsts: new Map(),
    spikes: new Map(),
    hours: new Map(),
  };
}

/** The value of the cluster's own field. */
export function encodeCluster({ last, active, gaps }: ClusterMemory): Uint8Array {
  const numbers = [VERSION, last ?? null, Number.isFinite(active) ? active : null];
  return Buffer.from(JSON.stringify([...numbers, ...gaps.flatMap(({ from, to }) => [from, to])]));
}

function decodeCluster(value: Uint8Array): ClusterMemory | undefined {
  const parts = parsed(value);
  if (parts === undefined) return undefined;
  const [version, last, active, ...places] = parts;
  if (version !== VERSION || places.length % 2 !== 0) return undefined;
  if (!places.every((place) => Number.isSafeInteger(place))) return undefined;
  const numbers = places as number[];
  return {
    last: Number.isSafeInteger(last) ? Number(last) : undefined,
    active: Number.isSafeInteger(active) ? Number(active) : -Infinity,
    gaps: numbers.flatMap((from, at) => (at % 2 === 0 ? [{ from, to: numbers[at + 1] ?? from }] : [])),
  };
}

function parsed(value: Uint8Array): readonly unknown[] | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(value).toString('utf8'));
    return Array.isArray(parts) ? (parts as unknown[]) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The memory that fields hold.
 * @returns how many fields could not be read besides: what they were about is learnt anew
 */
export function readMemory(fields: Iterable<readonly [field: string, value: Uint8Array]>): {
  readonly memory: JudgeMemory;
  readonly unreadable: number;
} {
  const memory = newMemory();
  let unreadable = 0;
  for (const [field, value] of fields) {
    // What was given up stands there without a value until it is dropped.
    if (value.length === 0) continue;
    if (!readField(memory, field, value)) unreadable += 1;
  }
  return { memory, unreadable };
}

function readField(memory: JudgeMemory, field: string, value: Uint8Array): boolean {
  const key = field.slice(1);
  switch (field.slice(0, 1)) {
    case CLUSTER_FIELD: {
      const cluster = key === '' ? decodeCluster(value) : undefined;
      if (cluster) memory.cluster = cluster;
      return cluster !== undefined;
    }
    case 'f': {
      const first = Number(Buffer.from(value).toString('latin1'));
      if (Number.isSafeInteger(first)) memory.firsts.set(key, first);
      return Number.isSafeInteger(first);
    }
    case 's': {
      const spike = decodeSpikeState(value);
      if (spike.ok) memory.spikes.set(key, spike.state);
      return spike.ok;
    }
    case 'h': {
      const hours = decodeHoursState(Buffer.from(value).toString('utf8'));
      if (hours.ok) memory.hours.set(key, hours.state);
      return hours.ok;
    }
    default:
      return false;
  }
}

/** The value of a field; empty where nothing is remembered under it any more. @see readMemory */
export function valueOf(memory: JudgeMemory, field: string): Uint8Array {
  const key = field.slice(1);
  switch (field.slice(0, 1)) {
    case CLUSTER_FIELD:
      return encodeCluster(memory.cluster);
    case 'f': {
      const first = memory.firsts.get(key);
      return Buffer.from(first === undefined ? '' : String(first));
    }
    case 's': {
      const spike = memory.spikes.get(key);
      return spike === undefined ? new Uint8Array() : encodeSpikeState(spike);
    }
    default: {
      const hours = memory.hours.get(key);
      return hours === undefined ? new Uint8Array() : Buffer.from(encodeHoursState(hours));
    }
  }
}
