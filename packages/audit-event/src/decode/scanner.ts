import type { AuditEvent, ObjectRef, Stage, UserInfo } from '../types.ts';
import { CLOSE_BRACE, COLON, COMMA, NEWLINE, OPEN_BRACE, QUOTE } from './bytes.ts';
import * as plain from './event-fields.ts';
import { Memo } from './memo.ts';
import { isTopLevelField, keyAt, REF_KEYS, REQUIRED_BITS, topLevelKeys } from './scanner-keys.ts';
import type { Field, Keys } from './scanner-keys.ts';
import { ENDS_STRING_RUN, skipString, skipValue } from './skip.ts';
import { readTimestamp } from './timestamp.ts';

/** In place of an index: the plain decoder must decide. */
const UNDECIDED = -1;

/**
 * Reads the fields of a bare audit event out of the bytes of one JSON object, without parsing the
 * rest: request and response bodies, managed fields and unknown keys are skipped by their brackets
 * and strings. Whatever is out of the ordinary (an escaped key, a key that comes twice, an
 * unexpected type or value) makes it give up, and the plain decoder decides; so what it does give
 * is what the plain decoder gives.
 *
 * **Malformed records** whose malformation lies wholly inside a skipped value are accepted, as long as
 * its strings and brackets are balanced and only JSON's tokens stand between them (see `skipValue`):
 * `"requestObject":{"a":01,,}`. Their own fields and structure are sound, so they are used.
 *
 * Values are looked up by their JSON text in bounded memos before anything is made of them.
 */
export class EventScanner {
  /** The index after the object that was scanned last, or -1 where the scan was given up before. */
  end = -1;
  /** The string value of the cluster field, valid after a scan that gave an event. */
  cluster: string | undefined;

  readonly #keys: Keys;
  /** A cluster field that is one of the event's own is left to the plain decoder. */
  readonly #usable: boolean;
  readonly #strings = new Memo<string>(4096, 192);
  readonly #users = new Memo<UserInfo>(1024, 768);
  readonly #statuses = new Memo<plain.ResponseStatus>(256, 256);
  readonly #annotations = new Memo<plain.Annotations>(1024, 512);
  readonly #constraints = new Memo<string>(64, 256);

  #bytes: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #seen = 0;
  #auditID = '';
  #stage: Stage = 'Panic';
  #requestURI = '';
  #verb = '';
  #user = plain.NO_USER;
  #impersonatedUser: UserInfo | undefined;
  #userAgent = '';
  #objectRef: ObjectRef | undefined;
  readonly #ref = { apiGroup: '', apiVersion: '', resource: '', subresource: '', namespace: '', name: '' };
  #status = plain.NO_STATUS;
  #receivedAtUs = 0;
  #annotated = plain.NO_ANNOTATIONS;
  #constraint = '';

  constructor(clusterField: string | undefined) {
    this.#usable = !isTopLevelField(clusterField);
    this.#keys = topLevelKeys(clusterField);
  }

  /**
   * The event at `start`, the place of an opening brace in a text that ends with a newline;
   * `undefined` where the plain decoder must decide.
   */
  scan(bytes: Buffer, start: number): AuditEvent | undefined {
    this.end = -1;
    if (!this.#usable) return undefined;
    this.#reset(bytes);
    this.#walk(this.#keys, start);
    this.end = this.#at;
    return this.#at < 0 || (this.#seen & REQUIRED_BITS) !== REQUIRED_BITS ? undefined : this.#event();
  }

  /** Reads the members that `keys` names of the object at `start`, and moves the cursor behind it. */
  #walk(keys: Keys, start: number): void {
    const bytes = this.#bytes;
    let seen = 0;
    let at = skipSpace(bytes, start + 1);
    this.#at = UNDECIDED;
    if (bytes[at] !== CLOSE_BRACE) {
      for (;;) {
        if (bytes[at] !== QUOTE) return;
        const keyStart = at + 1;
        at = keyStart;
        while (ENDS_STRING_RUN[bytes[at] ?? NEWLINE] === 0) at++;
        if (bytes[at] !== QUOTE) return;
        const key = keyAt(bytes, keyStart, at, keys);
        at = skipSpace(bytes, at + 1);
        if (bytes[at] !== COLON) return;
        at = skipSpace(bytes, at + 1);
        if (key === undefined) {
          at = skipValue(bytes, at);
        } else if ((seen & key.bit) !== 0) {
          at = UNDECIDED;
        } else {
          seen |= key.bit;
          this.#at = at;
          this.#read(key.field);
          at = this.#at;
          this.#at = UNDECIDED;
        }
        if (at < 0) return;
        at = skipSpace(bytes, at);
        if (bytes[at] === CLOSE_BRACE) break;
        if (bytes[at] !== COMMA) return;
        at = skipSpace(bytes, at + 1);
      }
    }
    this.#at = at + 1;
    this.#seen = seen;
  }

  #reset(bytes: Buffer): void {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.cluster = undefined;
    this.#auditID = '';
    this.#requestURI = '';
    this.#verb = '';
    this.#user = plain.NO_USER;
    this.#impersonatedUser = undefined;
    this.#userAgent = '';
    this.#objectRef = undefined;
    this.#status = plain.NO_STATUS;
    this.#annotated = plain.NO_ANNOTATIONS;
    this.#constraint = '';
  }

  #event(): AuditEvent {
    return {
      auditID: this.#auditID,
      stage: this.#stage,
      requestURI: this.#requestURI,
      verb: this.#verb,
      user: this.#user,
      impersonatedUser: this.#impersonatedUser,
      userAgent: this.#userAgent,
      objectRef: this.#objectRef,
      code: this.#status.code,
      statusMessage: this.#status.message,
      receivedAtUs: this.#receivedAtUs,
      decision: this.#annotated.decision,
      reason: this.#annotated.reason,
      impersonationConstraint: this.#constraint,
      shape: undefined,
    };
  }

  /** Reads the value at the cursor and moves the cursor behind it. */
  // eslint-disable-next-line complexity, max-lines-per-function -- one flat case for each field
  #read(field: Field): void {
    switch (field) {
      case 'kind':
        if (this.#string(this.#strings) !== 'Event') this.#at = UNDECIDED;
        return;
      case 'apiVersion':
        if (!plain.isKnownVersion(this.#string(this.#strings))) this.#at = UNDECIDED;
        return;
      case 'auditID':
        this.#auditID = this.#string(undefined);
        return;
      case 'stage': {
        const stage = plain.stageOf(this.#string(this.#strings));
        if (stage === undefined) this.#at = UNDECIDED;
        else this.#stage = stage;
        return;
      }
      case 'requestURI':
        this.#requestURI = this.#string(this.#strings);
        return;
      case 'verb':
        this.#verb = this.#string(this.#strings);
        return;
      case 'user':
        this.#user = this.#object(this.#users, plain.readUser) ?? plain.NO_USER;
        return;
      case 'impersonatedUser':
        this.#impersonatedUser = this.#object(this.#users, plain.readUser);
        return;
      case 'userAgent':
        this.#userAgent = this.#string(this.#strings);
        return;
      case 'objectRef':
        this.#readObjectRef();
        return;
      case 'responseStatus':
        this.#status = this.#object(this.#statuses, plain.readStatus) ?? plain.NO_STATUS;
        return;
      case 'requestReceivedTimestamp':
        this.#receivedAtUs = this.#time();
        return;
      case 'annotations':
        this.#annotated = this.#object(this.#annotations, plain.readAnnotations) ?? plain.NO_ANNOTATIONS;
        return;
      case 'authenticationMetadata':
        this.#constraint = this.#object(this.#constraints, plain.readConstraint) ?? '';
        return;
      case 'ref.apiGroup':
        this.#ref.apiGroup = this.#string(this.#strings);
        return;
      case 'ref.apiVersion':
        this.#ref.apiVersion = this.#string(this.#strings);
        return;
      case 'ref.resource':
        this.#ref.resource = this.#string(this.#strings);
        return;
      case 'ref.subresource':
        this.#ref.subresource = this.#string(this.#strings);
        return;
      case 'ref.namespace':
        this.#ref.namespace = this.#string(this.#strings);
        return;
      case 'ref.name':
        this.#ref.name = this.#string(this.#strings);
        return;
      case 'cluster':
        // What is no string names no cluster.
        if (this.#bytes[this.#at] === QUOTE) this.cluster = this.#string(this.#strings);
        else this.#at = skipValue(this.#bytes, this.#at);
    }
  }

  #readObjectRef(): void {
    if (this.#bytes[this.#at] !== OPEN_BRACE) {
      this.#at = UNDECIDED;
      return;
    }
    const ref = this.#ref;
    ref.apiGroup = ref.apiVersion = ref.resource = ref.subresource = ref.namespace = ref.name = '';
    this.#walk(REF_KEYS, this.#at);
    this.#objectRef = {
      apiGroup: plain.groupOf(ref.apiGroup, ref.apiVersion),
      resource: ref.resource,
      subresource: ref.subresource,
      namespace: ref.namespace,
      name: ref.name,
    };
  }

  #string(memo: Memo<string> | undefined): string {
    const bytes = this.#bytes;
    const start = this.#at;
    if (bytes[start] !== QUOTE) return this.#undecided();
    let at = start + 1;
    let all = 0;
    let byte = bytes[at] ?? NEWLINE;
    while (ENDS_STRING_RUN[byte] === 0) {
      all |= byte;
      byte = bytes[++at] ?? NEWLINE;
    }
    const escaped = byte !== QUOTE;
    const end = escaped ? skipString(bytes, at) : at + 1;
    this.#at = end;
    if (end < 0) return '';
    const known = memo?.find(this.#view, start, end);
    if (known !== undefined) return known;
    const text =
      escaped || all >= 0x80 ? parseRange(bytes, start, end) : bytes.toString('latin1', start + 1, end - 1);
    if (typeof text !== 'string') return this.#undecided();
    memo?.keep(this.#view, start, end, text);
    return text;
  }

  #object<T>(memo: Memo<T>, read: (value: unknown, fields: plain.FieldReader) => T): T | undefined {
    const bytes = this.#bytes;
    const start = this.#at;
    const end = bytes[start] === OPEN_BRACE ? skipValue(bytes, start) : UNDECIDED;
    this.#at = end;
    if (end < 0) return undefined;
    const known = memo.find(this.#view, start, end);
    if (known !== undefined) return known;
    const parsed = parseRange(bytes, start, end);
    // The text is not known to be UTF-8 here, so a U+FFFD in it is a fault and leads to the plain decoder.
    const fields = new plain.FieldReader(false);
    const value = read(parsed, fields);
    if (parsed === undefined || fields.fault !== undefined) {
      this.#at = UNDECIDED;
      return undefined;
    }
    memo.keep(this.#view, start, end, value);
    return value;
  }

  #time(): number {
    const start = this.#at;
    const end = this.#bytes[start] === QUOTE ? skipString(this.#bytes, start + 1) : UNDECIDED;
    const us = end < 0 ? UNDECIDED : readTimestamp(this.#bytes, start + 1, end - 1);
    this.#at = us < 0 ? UNDECIDED : end;
    return us;
  }

  #undecided(): string {
    this.#at = UNDECIDED;
    return '';
  }
}

/** JSON's whitespace but the newline, which ends the text. */
function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return at;
    at++;
  }
}

/** `undefined` where the range is not JSON, or holds a string of which bytes may have been lost as U+FFFD. */
function parseRange(bytes: Buffer, start: number, end: number): unknown {
  const text = bytes.toString('utf8', start, end);
  if (text.includes('\ufffd')) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
