export { type DayFindings, dayFindings } from './day-findings.ts';
export {
  type DayMatches,
  evidenceOf,
  type FoundInRequests,
  forgetMatches,
  keysOf,
  MAX_MATCHED_KEYS,
  MAX_MATCHED_SUBJECTS,
  noMatches,
  type SubjectMatches,
} from './day-matches.ts';
export { MatchReader } from './match-reader.ts';
export { type MatchedRequests, observeMatches } from './observe-matches.ts';
export {
  matchKey,
  MAX_WINDOW_MATCHES,
  mergeWindowMatches,
  noWindowMatches,
  readMatchKey,
  type WindowMatches,
} from './window-matches.ts';
