export { changeFingerprint, type ChangeDirection, type ProposedCells } from './fingerprint.ts';
export { objectKey } from './object-key.ts';
export { MAX_APPROVED_CELLS } from './ownership.ts';
export {
  proposeChange,
  type Change,
  type ChangeInput,
  type PinnedRules,
  type ProposedChange,
  type WantedPolicy,
} from './propose-change.ts';
