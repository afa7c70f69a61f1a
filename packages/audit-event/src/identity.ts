import { absorbHalfSip, beginHalfSip, endHalfSip, halfSipHash, parseHalfSipKey } from './half-sip-hash.ts';
import type { HalfSipKey, HalfSipState } from './half-sip-hash.ts';
import type { AuditEvent, Identity, Occurrence, UserInfo } from './types.ts';

/** What goes into the identities of all events of one shape in a cluster. */
export interface IdentityFrame {
  /** What the words before auditID and time make of the key, and how many they are. */
  readonly state: Readonly<HalfSipState>;
  readonly head: number;
  /** The words behind them. A plain list, for there are as many as shapes. */
  readonly tail: readonly number[];
}

/** Recognises the stages and copies of one request. Not re-entrant, but every hasher has its own buffer. */
export interface IdentityHasher {
  /**
   * The identity of the request: a hash over cluster, auditID, time received, verb, request URI and username, and,
   * where it impersonates, the impersonated username, UID, groups and extra.
   */
  identityOf(event: AuditEvent, cluster: string): Identity;
  /**
   * The same without the impersonated user, whom the stage RequestReceived does not know yet. Equal to `identityOf`
   * for a request that does not impersonate.
   */
  baseIdentityOf(event: AuditEvent, cluster: string): Identity;
  /** What {@link IdentityHasher.repeatedIdentity} needs to know of a shape: of any of its events. */
  frameOf(event: AuditEvent, cluster: string): IdentityFrame;
  /** Writes what `baseIdentityOf` would say of an event of a frame's shape, without the event. */
  repeatedIdentity(frame: IdentityFrame, occurrence: Occurrence, into: { hi: number; lo: number }): void;
}

/** The key of an identity hasher is not 16 hexadecimal digits. */
export class IdentityKeyError extends Error {
  override readonly name = 'IdentityKeyError';
  readonly code = 'LW_IDENTITY_KEY';
}

const TWO_POW_32 = 4_294_967_296;
const WORDS_KEPT = 4096;

/**
 * A hasher with a secret key, so that clients (who choose auditID, URI and names) cannot make requests collide and
 * so hide one behind another. Equal keys give equal identities everywhere.
 *
 * The message is a sequence of 32-bit words. A text is one word of (length in UTF-16 units) × 2 + width, then its
 * units, four a word if all are below 256 (width 0), else two a word (width 1), the last word padded with zeros. A
 * list is its number of elements, then the elements; the time is two words, low one first. Reading it forwards
 * gives the fields back, so no two sets of fields share a message.
 *
 * @param keyHex - 16 hexadecimal digits
 * @throws {@link IdentityKeyError} if they are not
 */
export function createIdentityHasher(keyHex: string): IdentityHasher {
  const key = parseHalfSipKey(keyHex);
  if (key === undefined) throw new IdentityKeyError('The identity key must be 16 hexadecimal digits.');
  const message = new Message(key);
  return {
    identityOf(event, cluster) {
      writeBase(message, event, cluster);
      if (event.impersonatedUser !== undefined) writeImpersonated(message, event.impersonatedUser);
      return message.finish();
    },
    baseIdentityOf(event, cluster) {
      writeBase(message, event, cluster);
      return message.finish();
    },
    frameOf(event, cluster) {
      message.text(cluster);
      message.cut();
      writeTail(message, event);
      return message.takeFrame();
    },
    repeatedIdentity(frame, { bytes, auditIDStart, auditIDEnd, receivedAtUs }, into) {
      message.ascii(bytes, auditIDStart, auditIDEnd);
      writeTime(message, receivedAtUs);
      message.finishFrame(frame, into);
    },
  };
}

function writeBase(message: Message, event: AuditEvent, cluster: string): void {
  message.text(cluster);
  message.text(event.auditID);
  writeTime(message, event.receivedAtUs);
  writeTail(message, event);
}

function writeTail(message: Message, event: AuditEvent): void {
  message.text(event.verb);
  message.text(event.requestURI);
  message.text(event.user.username);
}

function writeTime(message: Message, us: number): void {
  message.word(us % TWO_POW_32);
  message.word(Math.floor(us / TWO_POW_32));
}

function writeImpersonated(message: Message, user: UserInfo): void {
  message.text(user.username);
  message.text(user.uid);
  writeList(message, user.groups);
  // A shipper may change the order of an object's keys.
  const extra = user.extra.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  message.word(extra.length);
  for (const [name, values] of extra) {
    message.text(name);
    writeList(message, values);
  }
}

function writeList(message: Message, values: readonly string[]): void {
  message.word(values.length);
  for (const value of values) message.text(value);
}

/** The words of one message after the other. */
class Message {
  readonly #key: HalfSipKey;
  readonly #working: HalfSipState = [0, 0, 0, 0];
  #words = new Int32Array(WORDS_KEPT);
  #count = 0;
  /** How many of the words stand before the cut. */
  #head = 0;

  constructor(key: HalfSipKey) {
    this.#key = key;
  }

  text(value: string): void {
    this.#reserve(1 + ((value.length + 1) >> 1));
    const start = this.#count + 1;
    const narrowEnd = packNarrow(this.#words, start, value);
    const isWide = narrowEnd < 0;
    this.#words[this.#count] = (value.length << 1) | (isWide ? 1 : 0);
    this.#count = isWide ? packWide(this.#words, start, value) : narrowEnd;
  }

  /** A text whose units are bytes. */
  ascii(bytes: Uint8Array, start: number, end: number): void {
    this.#reserve(1 + ((end - start + 3) >> 2));
    const words = this.#words;
    let at = this.#count;
    words[at++] = (end - start) << 1;
    let i = start;
    for (const whole = start + ((end - start) & ~3); i < whole; i += 4) {
      const low = (bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8);
      const high = (bytes[i + 2] ?? 0) | ((bytes[i + 3] ?? 0) << 8);
      words[at++] = low | (high << 16);
    }
    if (i < end) {
      let rest = 0;
      for (let shift = 0; i < end; i += 1, shift += 8) rest |= (bytes[i] ?? 0) << shift;
      words[at++] = rest;
    }
    this.#count = at;
  }

  word(value: number): void {
    this.#reserve(1);
    this.#words[this.#count++] = value;
  }

  /** What follows is the tail of a frame. */
  cut(): void {
    this.#head = this.#count;
  }

  /** What was written before and behind the cut; begins anew. */
  takeFrame(): IdentityFrame {
    const state = beginHalfSip(this.#key);
    absorbHalfSip(state, this.#words, this.#head);
    const tail = Array.from(this.#words.subarray(this.#head, this.#count));
    this.#reset();
    return { state, head: this.#head, tail };
  }

  /** Hashes what was written and begins anew. */
  finish(): Identity {
    const identity = halfSipHash(this.#words, this.#count, lengthBlock(this.#count), this.#key);
    this.#reset();
    return identity;
  }

  /** As `finish`, as if the frame stood around what was written. */
  finishFrame({ state, head, tail }: IdentityFrame, into: { hi: number; lo: number }): void {
    this.#reserve(tail.length);
    const words = this.#words;
    for (let i = 0; i < tail.length; i += 1) words[this.#count + i] = tail[i] ?? 0;
    const count = this.#count + tail.length;
    [this.#working[0], this.#working[1], this.#working[2], this.#working[3]] = state;
    absorbHalfSip(this.#working, words, count);
    endHalfSip(this.#working, lengthBlock(head + count), into);
    this.#reset();
  }

  #reserve(more: number): void {
    if (this.#count + more <= this.#words.length) return;
    const larger = new Int32Array((this.#count + more) * 2);
    larger.set(this.#words);
    this.#words = larger;
  }

  #reset(): void {
    this.#count = 0;
    if (this.#words.length > WORDS_KEPT) this.#words = new Int32Array(WORDS_KEPT);
  }
}

/** The last block of a message of whole words. */
function lengthBlock(words: number): number {
  return ((words * 4) & 0xff) << 24;
}

/** Writes four units a word; -1, having written rubbish, if a unit needs more than a byte. */
function packNarrow(words: Int32Array, start: number, text: string): number {
  const whole = text.length & ~3;
  let at = start;
  let all = 0;
  let i = 0;
  for (; i < whole; i += 4) {
    const a = text.charCodeAt(i);
    const b = text.charCodeAt(i + 1);
    const c = text.charCodeAt(i + 2);
    const d = text.charCodeAt(i + 3);
    all |= a | b | c | d;
    words[at] = a | (b << 8) | (c << 16) | (d << 24);
    at += 1;
  }
  if (i < text.length) {
    let rest = 0;
    for (let shift = 0; i < text.length; i += 1, shift += 8) {
      const unit = text.charCodeAt(i);
      all |= unit;
      rest |= unit << shift;
    }
    words[at] = rest;
    at += 1;
  }
  return all > 0xff ? -1 : at;
}

/** Writes two units a word. */
function packWide(words: Int32Array, start: number, text: string): number {
  let at = start;
  for (let i = 0; i < text.length; i += 2) {
    const second = i + 1 < text.length ? text.charCodeAt(i + 1) : 0;
    words[at] = text.charCodeAt(i) | (second << 16);
    at += 1;
  }
  return at;
}
