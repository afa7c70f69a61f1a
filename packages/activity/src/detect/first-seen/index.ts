export {
  explainFirstSeen,
  firstSeenKeyOf,
  type FirstSeenState,
  type FirstSeenVerdict,
  forgetBefore,
  HORIZON_DAYS,
  MAX_KEYS,
  mergeFirstSeen,
  newFirstSeenState,
  observeFirstSeen,
  SETTLING_DAYS,
} from './first-seen.ts';
export {
  addToSketch,
  distinctIn,
  type KeyedHash,
  mergeSketch,
  newSketch,
  type Sketch,
  SKETCH_ERROR,
} from './hyper-log-log.ts';
