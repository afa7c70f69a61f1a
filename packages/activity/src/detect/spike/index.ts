export {
  type DecodedSpikeState,
  decodeSpikeState,
  encodeSpikeState,
  SPIKE_STATE_BYTES,
} from './encode-spike-state.ts';
export { explainSpike } from './explain-spike.ts';
export { DEFAULT_MINIMUM, minimumFor } from './minimum.ts';
export { nbTailLog10 } from './nb-tail.ts';
export { newSpikeState, type SpikeState } from './spike-state.ts';
export {
  passQuietly,
  skipSilence,
  type SpikeKind,
  type SpikeOptions,
  type SpikeStep,
  type SpikeVerdict,
  stepSpike,
  WARM_UP_WINDOWS,
} from './step-spike.ts';
