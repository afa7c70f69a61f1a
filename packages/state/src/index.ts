export * from './types.ts';
export { type EmbeddedStoreOptions, openEmbeddedStore } from './embedded-store.ts';
export { FingerprintSet } from './fingerprint-set.ts';
export { type Gathered, Gathering, type GatherOptions, hourOf } from './gathering.ts';
export { encodeEvidence, readEvidence } from './evidence-codec.ts';
export { Fields, Malformed } from './fields.ts';
export { checkBatch, isEmpty } from './checks.ts';
export { isIdentityKey } from './content.ts';
