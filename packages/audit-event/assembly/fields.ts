// The keys that are read. Names are compared as little-endian words, the last one overlapping the one before it.

import { CLUSTER_NAME } from './layout';

/** What a key names. The numbers tell the pieces of a shape apart, and are places in the set of fields that were seen. */
export namespace Field {
  export const KIND: u32 = 0;
  export const API_VERSION: u32 = 1;
  export const AUDIT_ID: u32 = 2;
  export const STAGE: u32 = 3;
  export const REQUEST_URI: u32 = 4;
  export const VERB: u32 = 5;
  export const USER: u32 = 6;
  export const IMPERSONATED_USER: u32 = 7;
  export const USER_AGENT: u32 = 8;
  export const OBJECT_REF: u32 = 9;
  export const RESPONSE_STATUS: u32 = 10;
  export const RECEIVED_AT: u32 = 11;
  export const ANNOTATIONS: u32 = 12;
  export const AUTHENTICATION_METADATA: u32 = 13;
  export const CLUSTER: u32 = 14;
  export const REF_API_GROUP: u32 = 15;
  export const REF_API_VERSION: u32 = 16;
  export const REF_RESOURCE: u32 = 17;
  export const REF_SUBRESOURCE: u32 = 18;
  export const REF_NAMESPACE: u32 = 19;
  export const REF_NAME: u32 = 20;
  export const CODE: u32 = 21;
  export const MESSAGE: u32 = 22;
  export const DECISION: u32 = 23;
  export const DECISION_UNDERSCORED: u32 = 24;
  export const REASON: u32 = 25;
  export const REASON_UNDERSCORED: u32 = 26;
  /** Any other key. */
  export const UNREAD: u32 = 27;
  // Pieces of a key that are no fields of their own.
  export const URI_BEFORE_NAME: u32 = 28;
  export const URI_AFTER_NAME: u32 = 29;
  export const PATTERN: u32 = 30;
}

/** Without these the plain scanner has no event. */
export const REQUIRED: u32 =
  (1 << Field.KIND) | (1 << Field.API_VERSION) | (1 << Field.STAGE) | (1 << Field.RECEIVED_AT);

let clusterLength: i32 = -1;

/** Sets the length of the cluster field's name, which stands at `CLUSTER_NAME`; -1 for no such field. */
export function setClusterLength(length: i32): void {
  clusterLength = length;
}

// The words of the names.
const W_KIND: u32 = 0x646e696b; // kind
const W_VERB: u32 = 0x62726576; // verb
const W_USER: u32 = 0x72657375; // user
const W_STAG: u32 = 0x67617473; // stag
const W_TAGE: u32 = 0x65676174; // tage
const W_AUDI: u32 = 0x69647561; // audi
const W_IT_ID: u32 = 0x44497469; // itID
const W_USER_AGEN: u64 = 0x6e65674172657375; // userAgen
const W_SER_AGENT: u64 = 0x746e656741726573; // serAgent
const W_OBJECT_RE: u64 = 0x65527463656a626f; // objectRe
const W_BJECT_REF: u64 = 0x6665527463656a62; // bjectRef
const W_API_VERSI: u64 = 0x6973726556697061; // apiVersi
const W_I_VERSION: u64 = 0x6e6f697372655669; // iVersion
const W_REQUEST_U: u64 = 0x5574736575716572; // requestU
const W_QUEST_URI: u64 = 0x4952557473657571; // questURI
const W_ANNOTATI: u64 = 0x697461746f6e6e61; // annotati
const W_OTATIONS: u64 = 0x736e6f697461746f; // otations
const W_RESPONSE: u64 = 0x65736e6f70736572; // response
const W_SE_STATUS: u64 = 0x7375746174536573; // seStatus
const W_IMPERSON: u64 = 0x6e6f737265706d69; // imperson
const W_ATED_USER: u64 = 0x7265735564657461; // atedUser
const W_AUTHENTI: u64 = 0x69746e6568747561; // authenti
const W_CATION_ME: u64 = 0x654d6e6f69746163; // cationMe
const W_METADATA: u64 = 0x617461646174654d; // Metadata
const W_REQUEST_R: u64 = 0x5274736575716572; // requestR
const W_ECEIVED_T: u64 = 0x5464657669656365; // eceivedT
const W_IMESTAMP: u64 = 0x706d617473656d69; // imestamp
const W_NAME: u32 = 0x656d616e; // name
const W_API_GROUP: u64 = 0x70756f7247697061; // apiGroup
const W_RESOURCE: u64 = 0x656372756f736572; // resource
const W_NAMESPAC: u64 = 0x63617073656d616e; // namespac
const W_AMESPACE: u64 = 0x6563617073656d61; // amespace
const W_SUBRESOU: u64 = 0x756f736572627573; // subresou
const W_CODE: u32 = 0x65646f63; // code
const W_MESS: u32 = 0x7373656d; // mess
const W_SAGE: u32 = 0x65676173; // sage
const W_AUTHORIZ: u64 = 0x7a69726f68747561; // authoriz
const W_ATION_DOT_K8: u64 = 0x386b2e6e6f697461; // ation.k8
const W_S_DOT_IO: u32 = 0x6f692e73; // s.io
const W_ATION_K8: u64 = 0x386b5f6e6f697461; // ation_k8
const W_S_IO: u32 = 0x6f695f73; // s_io
const W_DECISION: u64 = 0x6e6f697369636564; // decision
const W_O_SLASH_REASON: u64 = 0x6e6f736165722f6f; // o/reason

/** The field that a key of the event names, or the cluster field, between whose quotes the bytes stand. */
export function topLevelField(at: usize, length: usize): u32 {
  switch (<i32>length) {
    case 4:
      if (load<u32>(at) == W_KIND) return Field.KIND;
      if (load<u32>(at) == W_VERB) return Field.VERB;
      if (load<u32>(at) == W_USER) return Field.USER;
      break;
    case 5:
      if (load<u32>(at) == W_STAG && load<u32>(at, 1) == W_TAGE) return Field.STAGE;
      break;
    case 7:
      if (load<u32>(at) == W_AUDI && load<u32>(at, 3) == W_IT_ID) return Field.AUDIT_ID;
      break;
    case 9:
      if (load<u64>(at) == W_USER_AGEN && load<u64>(at, 1) == W_SER_AGENT) return Field.USER_AGENT;
      if (load<u64>(at) == W_OBJECT_RE && load<u64>(at, 1) == W_BJECT_REF) return Field.OBJECT_REF;
      break;
    case 10:
      if (load<u64>(at) == W_API_VERSI && load<u64>(at, 2) == W_I_VERSION) return Field.API_VERSION;
      if (load<u64>(at) == W_REQUEST_U && load<u64>(at, 2) == W_QUEST_URI) return Field.REQUEST_URI;
      break;
    case 11:
      if (load<u64>(at) == W_ANNOTATI && load<u64>(at, 3) == W_OTATIONS) return Field.ANNOTATIONS;
      break;
    case 14:
      if (load<u64>(at) == W_RESPONSE && load<u64>(at, 6) == W_SE_STATUS) return Field.RESPONSE_STATUS;
      break;
    case 16:
      if (load<u64>(at) == W_IMPERSON && load<u64>(at, 8) == W_ATED_USER) return Field.IMPERSONATED_USER;
      break;
    case 22:
      if (load<u64>(at) == W_AUTHENTI && load<u64>(at, 8) == W_CATION_ME && load<u64>(at, 14) == W_METADATA)
        return Field.AUTHENTICATION_METADATA;
      break;
    case 24:
      if (load<u64>(at) == W_REQUEST_R && load<u64>(at, 8) == W_ECEIVED_T && load<u64>(at, 16) == W_IMESTAMP)
        return Field.RECEIVED_AT;
      break;
  }
  return isCluster(at, length) ? Field.CLUSTER : Field.UNREAD;
}

function isCluster(at: usize, length: usize): bool {
  if (<i32>length != clusterLength) return false;
  for (let i: usize = 0; i < length; i++) if (load<u8>(at + i) != load<u8>(CLUSTER_NAME + i)) return false;
  return true;
}

/** The field that a key of the `objectRef` names. */
export function referenceField(at: usize, length: usize): u32 {
  switch (<i32>length) {
    case 4:
      if (load<u32>(at) == W_NAME) return Field.REF_NAME;
      break;
    case 8:
      if (load<u64>(at) == W_API_GROUP) return Field.REF_API_GROUP;
      if (load<u64>(at) == W_RESOURCE) return Field.REF_RESOURCE;
      break;
    case 9:
      if (load<u64>(at) == W_NAMESPAC && load<u64>(at, 1) == W_AMESPACE) return Field.REF_NAMESPACE;
      break;
    case 10:
      if (load<u64>(at) == W_API_VERSI && load<u64>(at, 2) == W_I_VERSION) return Field.REF_API_VERSION;
      break;
    case 11:
      if (load<u64>(at) == W_SUBRESOU && load<u64>(at, 3) == W_RESOURCE) return Field.REF_SUBRESOURCE;
      break;
  }
  return Field.UNREAD;
}

/** The field that a key of the `responseStatus` names. */
export function statusField(at: usize, length: usize): u32 {
  switch (<i32>length) {
    case 4:
      if (load<u32>(at) == W_CODE) return Field.CODE;
      break;
    case 7:
      if (load<u32>(at) == W_MESS && load<u32>(at, 3) == W_SAGE) return Field.MESSAGE;
      break;
  }
  return Field.UNREAD;
}

/** The field that a key of the annotations names: `authorization.k8s.io/…`, or with underscores for its dots. */
export function annotationField(at: usize, length: usize): u32 {
  if (length < 27 || load<u64>(at) != W_AUTHORIZ) return Field.UNREAD;
  const dotted = load<u64>(at, 8) == W_ATION_DOT_K8 && load<u32>(at, 16) == W_S_DOT_IO;
  const underscored = load<u64>(at, 8) == W_ATION_K8 && load<u32>(at, 16) == W_S_IO;
  if (!dotted && !underscored) return Field.UNREAD;
  if (length == 29 && load<u8>(at, 20) == 0x2f && load<u64>(at, 21) == W_DECISION) {
    return dotted ? Field.DECISION : Field.DECISION_UNDERSCORED;
  }
  if (length == 27 && load<u64>(at, 19) == W_O_SLASH_REASON)
    return dotted ? Field.REASON : Field.REASON_UNDERSCORED;
  return Field.UNREAD;
}
