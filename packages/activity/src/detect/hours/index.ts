export { explainHours } from './explain-hours.ts';
export {
  type DecodedHoursState,
  decodeHoursState,
  encodeHoursState,
  type HoursState,
  newHoursState,
  type PendingDay,
} from './hours-state.ts';
export { type HoursKind, type HoursStep, type HoursVerdict, stepHours } from './step-hours.ts';
