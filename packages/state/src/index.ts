export * from './types.ts';
export { type EmbeddedStoreOptions, openEmbeddedStore } from './embedded-store.ts';
export { FingerprintSet } from './fingerprint-set.ts';
