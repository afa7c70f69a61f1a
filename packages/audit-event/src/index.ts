export type * from './types.ts';
export {
  attribute,
  type AttributeContext,
  type Attribution,
  createAttributeContext,
  type GroupSelection,
} from './attribute.ts';
export { boundedSubject, boundedText, MAX_TEXT, STAND_IN } from './bounded-text.ts';
export { capHash } from './cap-hash.ts';
export { createFilter, type FilterAction, type FilterRule, parseFilter } from './filter.ts';
export { createIdentityHasher, type IdentityFrame, type IdentityHasher } from './identity.ts';
export { parseRequestURI, type RequestInfo } from './request-info.ts';
export {
  impliedGroups,
  parseServiceAccountFlag,
  subjectFromUsername,
  subjectKey,
  usernameOf,
} from './subject.ts';
export { CLIENT_KINDS, clientKindOf } from './user-agent.ts';
export { encodeEvent } from './encode-event.ts';
export { decodeRecord, RecordReader, type RecordReaderOptions } from './decode/index.ts';
