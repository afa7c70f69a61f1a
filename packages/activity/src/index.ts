export { MAX_SUBJECTS } from './cap.ts';
export { type Cell, type CellCode, cellKey, cellKeyOf, parseCellKey } from './cell.ts';
export {
  OUTCOMES,
  RESOURCE_CLASSES,
  type ResourceClass,
  resourceClassOf,
  VERB_CLASSES,
  type VerbClass,
  verbClassOf,
} from './classes.ts';
export { observeActivity, observeActivityRun } from './observe.ts';
export {
  type ActivityState,
  type ActivityWindow,
  addTally,
  addTo,
  emptyActivity,
  mergeActivity,
  mergeWindows,
  talliesOf,
  tallyFor,
  type Tally,
  windowFor,
} from './state.ts';
export {
  type ActivityRetention,
  advanceWatermark,
  isLate,
  isWindowClosed,
  type Watermarks,
  WINDOW_KINDS,
  windowKey,
  type WindowKind,
  windowOf,
  windowStartUs,
  windowsToKeep,
} from './windows.ts';
export * from './alert/index.ts';
export * from './detect/index.ts';
export * from './client/index.ts';
export * from './traces/index.ts';
export * from './matches/index.ts';
export * from './report/index.ts';
