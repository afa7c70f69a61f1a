import { WEEK_BUCKETS } from '../calendar.ts';
import { newSpikeState, type SpikeState, UNKNOWN_COUNT } from './spike-state.ts';

const VERSION = 1;
const NUMBERS = 9;
const NUMBERS_AT = 1;
const BUCKETS_AT = NUMBERS_AT + NUMBERS * 8;
const ARRAYS = ['weights', 'sums', 'maxima'] as const;

/** The length of every encoded state, in bytes. */
export const SPIKE_STATE_BYTES = BUCKETS_AT + ARRAYS.length * WEEK_BUCKETS * 4;

/** What is read of an encoded state, or why it cannot be. */
export type DecodedSpikeState =
  | { readonly ok: true; readonly state: SpikeState }
  | { readonly ok: false; readonly reason: 'unknown-version' | 'wrong-length' | 'invalid-number' };

/** A state as {@link SPIKE_STATE_BYTES} bytes, little-endian, the first of them the version. Nothing is rounded. */
export function encodeSpikeState(state: SpikeState): Uint8Array {
  const bytes = new Uint8Array(SPIKE_STATE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  for (const [index, number] of numbersOf(state).entries()) {
    view.setFloat64(NUMBERS_AT + index * 8, number, true);
  }
  for (const [array, name] of ARRAYS.entries()) {
    for (const [bucket, value] of state[name].entries()) {
      view.setFloat32(BUCKETS_AT + (array * WEEK_BUCKETS + bucket) * 4, value, true);
    }
  }
  return bytes;
}

function numbersOf(state: SpikeState): readonly number[] {
  const { window, learnt, silent, pagedWindow, level, highest, dispersion, guard } = state;
  return [window, learnt, silent, pagedWindow, level, highest, dispersion, ...guard];
}

/** The state that bytes of {@link encodeSpikeState} hold. Another version is refused, and so is what no state can hold. */
export function decodeSpikeState(bytes: Uint8Array): DecodedSpikeState {
  if (bytes[0] !== VERSION) return { ok: false, reason: 'unknown-version' };
  if (bytes.length !== SPIKE_STATE_BYTES) return { ok: false, reason: 'wrong-length' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const number = (index: number): number => view.getFloat64(NUMBERS_AT + index * 8, true);
  const state: SpikeState = {
    ...newSpikeState(0),
    window: number(0),
    learnt: number(1),
    silent: number(2),
    pagedWindow: number(3),
    level: number(4),
    highest: number(5),
    dispersion: number(6),
    guard: [number(7), number(8)],
  };
  for (const [array, name] of ARRAYS.entries()) {
    for (let bucket = 0; bucket < WEEK_BUCKETS; bucket += 1) {
      state[name][bucket] = view.getFloat32(BUCKETS_AT + (array * WEEK_BUCKETS + bucket) * 4, true);
    }
  }
  return isPossible(state) ? { ok: true, state } : { ok: false, reason: 'invalid-number' };
}

function isPossible(state: SpikeState): boolean {
  const { window, pagedWindow, learnt, silent, level, highest, dispersion, guard } = state;
  const counts = guard.filter((count) => count !== UNKNOWN_COUNT);
  const measures = [level, highest, dispersion, ...counts, ...ARRAYS.flatMap((name) => [...state[name]])];
  return (
    Number.isSafeInteger(window) &&
    (pagedWindow === -Infinity || Number.isSafeInteger(pagedWindow)) &&
    [learnt, silent].every((count) => Number.isSafeInteger(count) && count >= 0) &&
    measures.every((value) => Number.isFinite(value) && value >= 0)
  );
}
