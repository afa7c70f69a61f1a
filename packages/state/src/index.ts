export * from './types.ts';
export type { DescribedStore, SourceDescription, StateDescription } from './description.ts';
export { type EmbeddedStoreOptions, openEmbeddedStore } from './embedded-store.ts';
export { exportEvidence, importEvidence, type ImportOutcome, isImportSource } from './evidence-transfer.ts';
export { FINGERPRINT_BYTES, FingerprintSet } from './fingerprint-set.ts';
export { type Gathered, Gathering, type GatherOptions, hourOf } from './gathering.ts';
export { encodeEvidence, evidenceText, readEvidence } from './evidence-codec.ts';
export { Fields, Malformed } from './fields.ts';
export { checkBatch, isEmpty } from './checks.ts';
export { encodeMatches, encodeMatchKeys, encodeTold, readMatches, readTold } from './match-codec.ts';
export { isIdentityKey } from './content.ts';
export { ACTIVITY_RETENTION, isIdle, newestOf, pruneActivity } from './retention.ts';
export {
  encodeActor,
  encodeDay,
  type IdentifiedTrace,
  readActor,
  readDay,
  readTraces,
  traceHour,
  tracesByHour,
  tracesText,
} from './day-codec.ts';
