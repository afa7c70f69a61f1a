// Reads one audit event out of the bytes of a JSON object, 16 bytes at a time and more, and names its shape: what the
// event says but for its `auditID`, its time and what is not read at all. The grammar and its leniency are those of the
// plain scanner (`src/decode/scanner.ts`); what is unusual is undecided, and the plain scanner decides.

import { addNumber, addPiece, beginKey, idOfKey, NEW, NO_ID, setUpDictionary } from './dictionary';
import {
  annotationField,
  Field,
  referenceField,
  REQUIRED,
  setClusterLength,
  statusField,
  topLevelField,
} from './fields';
import {
  CLOSE_BRACE,
  CLUSTER_NAME,
  COLON,
  COMMA,
  INPUT,
  MAX_CLUSTER_NAME,
  MAX_INPUT,
  NEWLINE,
  OPEN_BRACE,
  QUESTION_MARK,
  QUOTE,
  RESULT,
  Result,
  UNDECIDED,
  undecided,
} from './layout';
import { endOfSegment, isAscii, isName, isSame, runEnd, skipString, skipValue, space } from './skip';
import { strictValue } from './strict';
import { timeOf } from './timestamp';

export { CLUSTER_NAME, INPUT, MAX_CLUSTER_NAME, MAX_INPUT, RESULT };

/** The objects whose members are read. */
namespace Level {
  export const EVENT: i32 = 0;
  export const REFERENCE: i32 = 1;
  /** From here on the plain scanner parses the object as a whole, so what is not read must be sound. */
  export const STATUS: i32 = 2;
  export const ANNOTATIONS: i32 = 3;
}

/** `"Event"` with its quotes, less the highest byte of the word. */
const EVENT: u64 = 0x0022_746e_6576_4522;
/** `"audit.k` */
const AUDIT_K: u64 = 0x6b2e_7469_6475_6122;
/** `8s.io/v1` */
const S_IO_V1: u64 = 0x3176_2f6f_692e_7338;
/** `v1beta1"` */
const V1BETA1: u64 = 0x2231_6174_6562_3176;
/** `1alpha1"` */
const V1ALPHA1: u64 = 0x2231_6168_706c_6131;

/** Which fields the event has shown. */
let seen: u32 = 0;
let keyStart: usize = 0;
let keyLength: usize = 0;
let codeStart: usize = 0;
let messageStart: usize = 0;
let messageEnd: usize = 0;
let uriStart: usize = 0;
let uriEnd: usize = 0;
let nameStart: usize = 0;
let nameEnd: usize = 0;
/** Where the name stands in the URI. */
let hole: usize = 0;

/**
 * Sets the scanner up, once. The cluster field's name stands at `CLUSTER_NAME`; a length of -1 means that there is none.
 * False where there is no memory.
 */
export function setUp(shapes: u32, arenaBytes: u32, seed: u64, clusterLength: i32): bool {
  setClusterLength(clusterLength);
  return setUpDictionary(shapes, arenaBytes, seed);
}

/**
 * Scans the object of which the first `length` bytes stand at `INPUT`, and writes what it finds to `RESULT`.
 *
 * @returns the id of its shape; -2 less the id where the shape was not known; or -1 where the plain scanner must decide.
 *   The memory may have grown where the shape was not known
 */
export function scan(length: u32): i32 {
  const limit = INPUT + <usize>length;
  // Newlines end every walk, and every block that is loaded before the walk ends lies inside of them.
  const newlines = i8x16.splat(NEWLINE);
  v128.store(limit, newlines);
  v128.store(limit, newlines, 16);
  v128.store(limit, newlines, 32);
  v128.store(limit, newlines, 48);
  store<u32>(RESULT + Result.STOP, 0);
  store<u32>(RESULT + Result.AUDIT_ID_START, 0);
  store<u32>(RESULT + Result.AUDIT_ID_END, 0);
  store<i32>(RESULT + Result.PATTERN, NO_ID);
  seen = 0;
  uriEnd = UNDECIDED;
  nameEnd = UNDECIDED;
  beginKey();
  const end = walk(Level.EVENT, INPUT);
  if (end == UNDECIDED || (seen & REQUIRED) != REQUIRED) return NO_ID;
  store<u32>(RESULT + Result.END, <u32>(end - INPUT));
  return findHole() ? idWithName() : idWithoutHole();
}

/** The last segment of the URI's path that is the object's name. Of other segments it does not matter whether they are. */
function findHole(): bool {
  hole = UNDECIDED;
  if (uriEnd == UNDECIDED || nameEnd == UNDECIDED) return false;
  const name = nameStart + 1;
  const length = nameEnd - 1 - name;
  if (!isName(name, length)) return false;
  let start = uriStart + 1;
  while (true) {
    const end = endOfSegment(start);
    if (end == UNDECIDED) return false;
    if (end - start == length && isSame(start, name, length)) hole = start;
    const byte: u32 = load<u8>(end);
    if (byte == QUOTE || byte == QUESTION_MARK) return hole != UNDECIDED;
    start = end + 1;
  }
}

function idWithoutHole(): i32 {
  if (uriEnd != UNDECIDED && addPiece(Field.REQUEST_URI, uriStart, uriEnd) == UNDECIDED) return NO_ID;
  if (nameEnd != UNDECIDED && addPiece(Field.REF_NAME, nameStart, nameEnd) == UNDECIDED) return NO_ID;
  return idOfKey();
}

/** First the id of all that is read but the name, and then that of the name together with it. */
function idWithName(): i32 {
  const length = nameEnd - nameStart - 2;
  if (addPiece(Field.URI_BEFORE_NAME, uriStart, hole) == UNDECIDED) return NO_ID;
  if (addPiece(Field.URI_AFTER_NAME, hole + length, uriEnd) == UNDECIDED) return NO_ID;
  const id = idOfKey();
  if (id == NO_ID) return NO_ID;
  const pattern = id <= NEW ? NEW - id : id;
  store<i32>(RESULT + Result.PATTERN, pattern);
  store<u32>(RESULT + Result.NAME_START, <u32>(nameStart + 1 - INPUT));
  store<u32>(RESULT + Result.NAME_END, <u32>(nameEnd - 1 - INPUT));
  store<u32>(RESULT + Result.HOLE, <u32>(hole - uriStart - 1));
  beginKey();
  addNumber(Field.PATTERN, pattern);
  if (addPiece(Field.REF_NAME, nameStart, nameEnd) == UNDECIDED) return NO_ID;
  return idOfKey(false);
}

/** Reads the members of the object at `start`, and returns the place after it. */
function walk(level: i32, start: usize): usize {
  let at = space(start + 1);
  if (load<u8>(at) == CLOSE_BRACE) return at + 1;
  while (true) {
    at = key(at);
    if (at == UNDECIDED) return UNDECIDED;
    at = member(level, at);
    if (at == UNDECIDED) return UNDECIDED;
    at = space(at);
    const byte: u32 = load<u8>(at);
    if (byte == CLOSE_BRACE) return at + 1;
    if (byte != COMMA) return undecided(at);
    at = space(at + 1);
  }
}

/** Reads a key and its colon, and returns the place of the value. */
function key(at: usize): usize {
  if (load<u8>(at) != QUOTE) return undecided(at);
  keyStart = at + 1;
  const end = runEnd(keyStart);
  if (load<u8>(end) != QUOTE) return undecided(end);
  keyLength = end - keyStart;
  const colon = space(end + 1);
  return load<u8>(colon) == COLON ? space(colon + 1) : undecided(colon);
}

/** Reads the value of the key that was read last, and returns the place after it. */
function member(level: i32, at: usize): usize {
  const field = fieldOf(level);
  if (field == Field.UNREAD) {
    if (level < Level.STATUS) return skipValue(at);
    return isAscii(keyStart, keyStart + keyLength) ? strictValue(at, 0) : undecided(keyStart);
  }
  const bit: u32 = 1 << field;
  if ((seen & bit) != 0) return undecided(at);
  seen |= bit;
  return read(field, at);
}

function fieldOf(level: i32): u32 {
  if (level == Level.EVENT) return topLevelField(keyStart, keyLength);
  if (level == Level.REFERENCE) return referenceField(keyStart, keyLength);
  return level == Level.STATUS ? statusField(keyStart, keyLength) : annotationField(keyStart, keyLength);
}

/** Reads a value, adds what it says to the key of the shape, and returns the place after it. */
function read(field: u32, at: usize): usize {
  const first: u32 = load<u8>(at);
  switch (field) {
    case Field.KIND:
      return (load<u64>(at) & 0x00ff_ffff_ffff_ffff) == EVENT ? at + 7 : undecided(at);
    case Field.API_VERSION:
      return skipVersion(at);
    case Field.AUDIT_ID:
      return readAuditID(at);
    case Field.RECEIVED_AT:
      return readReceivedAt(at);
    case Field.USER:
    case Field.IMPERSONATED_USER:
    case Field.AUTHENTICATION_METADATA:
      return first == OPEN_BRACE ? addPiece(field, at, skipValue(at)) : undecided(at);
    case Field.OBJECT_REF:
      if (first != OPEN_BRACE) return undecided(at);
      // An empty reference is not the same as none.
      return addPiece(field, at, at) == UNDECIDED ? UNDECIDED : walk(Level.REFERENCE, at);
    case Field.RESPONSE_STATUS:
      return first == OPEN_BRACE ? readStatus(at) : undecided(at);
    case Field.ANNOTATIONS:
      return first == OPEN_BRACE ? walk(Level.ANNOTATIONS, at) : undecided(at);
    case Field.CODE:
      return readCode(at);
    case Field.MESSAGE:
      messageStart = at;
      messageEnd = skipValue(at);
      return messageEnd;
    case Field.DECISION:
    case Field.DECISION_UNDERSCORED:
    case Field.REASON:
    case Field.REASON_UNDERSCORED:
      return addPiece(field, at, skipValue(at));
    case Field.REQUEST_URI:
      if (first != QUOTE) return undecided(at);
      uriStart = at;
      uriEnd = skipString(at + 1);
      return uriEnd;
    case Field.REF_NAME:
      if (first != QUOTE) return undecided(at);
      nameStart = at;
      nameEnd = skipString(at + 1);
      return nameEnd;
    case Field.CLUSTER:
      // What is no string names no cluster.
      if (first != QUOTE) return skipValue(at);
    // fall through
    default:
      return first == QUOTE ? addPiece(field, at, skipString(at + 1)) : undecided(at);
  }
}

/** All versions of an event are read alike. */
function skipVersion(at: usize): usize {
  if (load<u64>(at) == AUDIT_K && load<u64>(at, 8) == S_IO_V1) {
    if (load<u8>(at, 16) == QUOTE) return at + 17;
    if (load<u64>(at, 14) == V1BETA1) return at + 22;
    if (load<u64>(at, 15) == V1ALPHA1) return at + 23;
  }
  return undecided(at);
}

function readAuditID(at: usize): usize {
  if (load<u8>(at) != QUOTE) return undecided(at);
  const end = runEnd(at + 1);
  if (load<u8>(end) != QUOTE || !isAscii(at + 1, end)) return undecided(end);
  store<u32>(RESULT + Result.AUDIT_ID_START, <u32>(at + 1 - INPUT));
  store<u32>(RESULT + Result.AUDIT_ID_END, <u32>(end - INPUT));
  return end + 1;
}

function readReceivedAt(at: usize): usize {
  if (load<u8>(at) != QUOTE) return undecided(at);
  const end = runEnd(at + 1);
  const time = timeOf(at + 1, end);
  if (load<u8>(end) != QUOTE || time < 0) return undecided(end);
  store<f64>(RESULT + Result.RECEIVED_AT, time);
  return end + 1;
}

/** Of a status only the code matters, and the message of a refusal and of what was not found. */
function readStatus(at: usize): usize {
  codeStart = UNDECIDED;
  messageEnd = UNDECIDED;
  const end = walk(Level.STATUS, at);
  if (end == UNDECIDED || messageEnd == UNDECIDED) return end;
  if (hasMessage()) return addPiece(Field.MESSAGE, messageStart, messageEnd) == UNDECIDED ? UNDECIDED : end;
  return strictValue(messageStart, 0) == messageEnd ? end : undecided(messageStart);
}

/** True for 403 and 404. */
function hasMessage(): bool {
  if (codeStart == UNDECIDED) return false;
  const last: u32 = load<u8>(codeStart, 2);
  return load<u16>(codeStart) == 0x3034 && (last == 0x33 || last == 0x34);
}

/** Three digits; other numbers, and other ways to write these, are undecided. */
function readCode(at: usize): usize {
  const first = <u32>load<u8>(at) - 0x31;
  const second = <u32>load<u8>(at, 1) - 0x30;
  const third = <u32>load<u8>(at, 2) - 0x30;
  if (first > 8 || second > 9 || third > 9) return undecided(at);
  codeStart = at;
  // What follows must be a blank, a comma or a bracket, as after every value.
  return addPiece(Field.CODE, at, at + 3);
}
