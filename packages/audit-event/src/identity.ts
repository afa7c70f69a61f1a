import { halfSipHash, parseHalfSipKey } from './half-sip-hash.ts';
import type { HalfSipKey } from './half-sip-hash.ts';
import type { AuditEvent, Identity, UserInfo } from './types.ts';

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
  const message = createMessage(key);
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
  };
}

interface Message {
  text(value: string): void;
  word(value: number): void;
  /** Hashes what was written and begins anew. */
  finish(): Identity;
}

function writeBase(message: Message, event: AuditEvent, cluster: string): void {
  message.text(cluster);
  message.text(event.auditID);
  message.word(event.receivedAtUs % TWO_POW_32);
  message.word(Math.floor(event.receivedAtUs / TWO_POW_32));
  message.text(event.verb);
  message.text(event.requestURI);
  message.text(event.user.username);
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

function createMessage(key: HalfSipKey): Message {
  let words = new Int32Array(WORDS_KEPT);
  let count = 0;

  function reserve(more: number): void {
    if (count + more <= words.length) return;
    const larger = new Int32Array((count + more) * 2);
    larger.set(words);
    words = larger;
  }

  return {
    text(value) {
      reserve(1 + ((value.length + 1) >> 1));
      const start = count + 1;
      const narrowEnd = packNarrow(words, start, value);
      const isWide = narrowEnd < 0;
      words[count] = (value.length << 1) | (isWide ? 1 : 0);
      count = isWide ? packWide(words, start, value) : narrowEnd;
    },
    word(value) {
      reserve(1);
      words[count] = value;
      count += 1;
    },
    finish() {
      const identity = halfSipHash(words, count, ((count * 4) & 0xff) << 24, key);
      count = 0;
      if (words.length > WORDS_KEPT) words = new Int32Array(WORDS_KEPT);
      return identity;
    },
  };
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
