import type { AuditEvent, NamePattern, Occurrence, Shape } from '../types.ts';
import { NEWLINE } from './bytes.ts';
import { createScanModule } from './scan-module.ts';
import type { ScanModule } from './scan-module.ts';
import { isTopLevelField } from './scanner-keys.ts';
import { EventScanner } from './scanner.ts';

/** How much is remembered, and from when on. */
export interface ShapeScannerOptions {
  /** How many shapes are remembered; with one more, all are forgotten. Default: 65,536. */
  readonly shapes?: number;
  /** How many bytes the remembered shapes take at most, beside the events made of them. Default: 48 MiB. */
  readonly arenaBytes?: number;
  /** Of the hash, for callers that want another one in each process. */
  readonly seed?: bigint;
  /** How many objects are scanned the plain way first, because a small origin is not worth an instance. Default: 64. */
  readonly plainFirst?: number;
}

/** How much of a line is copied at first; a line may hold many objects. */
const FIRST_WINDOW = 16 * 1024;
const WINDOW_GROWTH = 8;

/** Indices of a scan's results, as `assembly/layout.ts` has them. */
const END = 0;
const STOP = 1;
const AUDIT_ID_START = 2;
const AUDIT_ID_END = 3;
/** Where the time lies, in bytes. */
const RECEIVED_AT = 16;
const PATTERN = 6;
const NAME_START = 7;
const NAME_END = 8;
const HOLE = 9;
const GENERATION = 10;

/** In place of an id: the plain scanner must decide. */
const UNDECIDED = -1;
/** A shape that was not known is told as this less its id. */
const NEW = -2;

/** An event that has the token of its shape. */
type ShapedEvent = AuditEvent & { readonly shape: Shape };

/** What the events of a shape have in common. */
interface Template {
  /** `undefined` where the plain decoder must decide about all events of the shape. */
  readonly event: ShapedEvent | undefined;
  readonly cluster: string | undefined;
}

/** What the events of several shapes have in common, that differ in the object's name. */
interface Pattern {
  /** Any of them. */
  readonly event: ShapedEvent;
  readonly cluster: string | undefined;
  readonly name: NamePattern;
}

const NO_BYTES = Buffer.alloc(0);

/** The one occurrence of a scanner, of the event that it met last. */
class Met implements Occurrence {
  bytes: Buffer = NO_BYTES;
  start = 0;
  end = 0;
  auditIDStart = 0;
  auditIDEnd = 0;
  receivedAtUs = 0;
  #template: ShapedEvent;

  constructor(template: ShapedEvent) {
    this.#template = template;
  }

  get shape(): Shape {
    return this.#template.shape;
  }

  set(template: ShapedEvent, wasm: Wasm, bytes: Buffer, start: number): void {
    const { results } = wasm;
    this.#template = template;
    this.bytes = bytes;
    this.start = start;
    this.end = start + (results[END] ?? 0);
    this.auditIDStart = start + (results[AUDIT_ID_START] ?? 0);
    this.auditIDEnd = start + (results[AUDIT_ID_END] ?? 0);
    this.receivedAtUs = wasm.receivedAtUs;
  }

  event(): AuditEvent {
    const auditID = this.bytes.toString('latin1', this.auditIDStart, this.auditIDEnd);
    return withOwn(this.#template, auditID, this.receivedAtUs, this.#template.shape);
  }
}

/** The instance, and views of its memory. */
class Wasm {
  readonly #module: ScanModule;
  #input = new Uint8Array(0);
  /** Of the last scan. */
  results = new Int32Array(0);
  #time = new Float64Array(0);

  constructor(module: ScanModule) {
    this.#module = module;
    this.refresh();
  }

  /** Growing the memory detaches its views. */
  refresh(): void {
    const { memory, INPUT, MAX_INPUT, RESULT } = this.#module;
    this.#input = new Uint8Array(memory.buffer, INPUT.value, MAX_INPUT.value);
    this.results = new Int32Array(memory.buffer, RESULT.value, GENERATION + 1);
    this.#time = new Float64Array(memory.buffer, RESULT.value + RECEIVED_AT, 1);
  }

  get maxLength(): number {
    return this.#input.length;
  }

  get receivedAtUs(): number {
    return this.#time[0] ?? 0;
  }

  /** The id of the shape, `UNDECIDED`, or `NEW` less the id, after which the views must be refreshed. */
  scan(bytes: Uint8Array, start: number, length: number): number {
    this.#input.set(new Uint8Array(bytes.buffer, bytes.byteOffset + start, length));
    return this.#module.scan(length);
  }
}

/**
 * The scanner for events that repeat. Two events have the same **shape** if all that is read of them
 * but their `auditID` and their time has the same JSON text. A WebAssembly module finds out the
 * shape, whole bytes compared; the first event of a shape is decoded by {@link EventScanner}, and
 * the others are copies of it with their own `auditID` and time. So is the first one of a shape that differs from another
 * shape in nothing but the object's name, where that is a segment of the URI: they have a **pattern** in common.
 *
 * For any bytes, result, `end` and `cluster` are those of `EventScanner`, which also decides
 * whatever is out of the ordinary.
 */
export class ShapeScanner {
  /** As `EventScanner.end`. */
  end = -1;
  /** As `EventScanner.cluster`. */
  cluster: string | undefined;
  /** What `meet` made, where it met no occurrence. */
  made: AuditEvent | undefined;

  readonly #plain: EventScanner;
  readonly #clusterField: string | undefined;
  readonly #options: ShapeScannerOptions;
  /** How many objects are still to be scanned the plain way. */
  #plainFirst: number;
  #wasm: Wasm | undefined;
  #isUnavailable = false;
  /** By the ids of shapes. */
  #templates: Template[] = [];
  /** By ids that no event has as its own. */
  #patterns: Pattern[] = [];
  /** Of the dictionary that the ids are from. */
  #generation = 0;
  #met: Met | undefined;

  constructor(clusterField: string | undefined, options: ShapeScannerOptions = {}) {
    this.#plain = new EventScanner(clusterField);
    this.#clusterField = clusterField;
    this.#options = options;
    this.#plainFirst = options.plainFirst ?? 64;
  }

  /** False where there is no WebAssembly with SIMD, or no memory for it, so that all goes the plain way. */
  get isFast(): boolean {
    return this.#start() !== undefined;
  }

  /**
   * As `EventScanner.scan`.
   *
   * @param limit - where the text ends: the next newline, or the end of the bytes
   */
  scan(bytes: Buffer, start: number, limit = endOfLine(bytes, start)): AuditEvent | undefined {
    return this.meet(bytes, start, limit)?.event() ?? this.made;
  }

  /** As `scan`, but an event that repeats is an occurrence, and any other one is in `made`. */
  meet(bytes: Buffer, start: number, limit: number): Occurrence | undefined {
    this.made = undefined;
    const wasm = this.#wasm ?? this.#startInTime();
    if (wasm === undefined) {
      this.#scanPlainly(bytes, start);
      return undefined;
    }
    const longest = Math.min(limit - start, wasm.maxLength);
    let length = Math.min(longest, FIRST_WINDOW);
    for (;;) {
      const id = wasm.scan(bytes, start, length);
      if (id >= 0) return this.#repeat(wasm, this.#templates[id], bytes, start);
      if (id !== UNDECIDED) {
        this.#remember(wasm, NEW - id, bytes, start);
        return undefined;
      }
      // Only what ran into the end of a part can do better with more.
      if (length === longest || (wasm.results[STOP] ?? 0) < length) {
        this.#scanPlainly(bytes, start);
        return undefined;
      }
      length = Math.min(longest, length * WINDOW_GROWTH);
    }
  }

  /** Decodes the first event of a shape. */
  #remember(wasm: Wasm, id: number, bytes: Buffer, start: number): void {
    wasm.refresh();
    const { results } = wasm;
    const generation = results[GENERATION] ?? 0;
    if (generation !== this.#generation) {
      this.#generation = generation;
      this.#templates = [];
      this.#patterns = [];
    }
    const pattern = results[PATTERN] ?? UNDECIDED;
    const known = this.#patterns[pattern];
    const event = known ? this.#rename(known, wasm, bytes, start) : this.#first(wasm, bytes, start);
    this.#templates[id] = { event, cluster: this.cluster };
    this.made = event;
  }

  /** Decodes an event, and keeps what it shares with those of other names. */
  #first(wasm: Wasm, bytes: Buffer, start: number): ShapedEvent | undefined {
    this.#scanPlainly(bytes, start);
    const { made, cluster } = this;
    if (made === undefined) return undefined;
    const { results } = wasm;
    const pattern = results[PATTERN] ?? UNDECIDED;
    if (pattern < 0) return withOwn(made, made.auditID, made.receivedAtUs, Object.freeze({}));
    const before = results[HOLE] ?? 0;
    const after = before + (results[NAME_END] ?? 0) - (results[NAME_START] ?? 0);
    const uri = made.requestURI;
    const name = Object.freeze({ before: uri.slice(0, before), after: uri.slice(after) });
    const event = withOwn(made, made.auditID, made.receivedAtUs, Object.freeze({ pattern: name }));
    this.#patterns[pattern] = { event, cluster, name };
    return event;
  }

  /** Makes an event of one of another name. */
  #rename({ event, cluster, name }: Pattern, wasm: Wasm, bytes: Buffer, start: number): ShapedEvent {
    const { results, receivedAtUs } = wasm;
    const at = (from: number, to: number): string =>
      bytes.toString('latin1', start + (results[from] ?? 0), start + (results[to] ?? 0));
    this.end = start + (results[END] ?? 0);
    this.cluster = cluster;
    const renamed = named(event, name, at(NAME_START, NAME_END));
    return withOwn(renamed, at(AUDIT_ID_START, AUDIT_ID_END), receivedAtUs, Object.freeze({ pattern: name }));
  }

  /** Tells of an event of a shape that was seen before. */
  #repeat(wasm: Wasm, template: Template | undefined, bytes: Buffer, start: number): Occurrence | undefined {
    const event = template?.event;
    if (event === undefined) {
      this.#scanPlainly(bytes, start);
      return undefined;
    }
    const met = (this.#met ??= new Met(event));
    met.set(event, wasm, bytes, start);
    this.end = met.end;
    this.cluster = template?.cluster;
    return met;
  }

  #scanPlainly(bytes: Buffer, start: number): void {
    this.made = this.#plain.scan(bytes, start);
    this.end = this.#plain.end;
    this.cluster = this.#plain.cluster;
  }

  #startInTime(): Wasm | undefined {
    if (this.#plainFirst === 0) return this.#start();
    this.#plainFirst--;
    return undefined;
  }

  #start(): Wasm | undefined {
    if (this.#wasm !== undefined || this.#isUnavailable) return this.#wasm;
    this.#wasm = this.#create();
    this.#isUnavailable = this.#wasm === undefined;
    return this.#wasm;
  }

  #create(): Wasm | undefined {
    // A cluster field that is one of the event's own is left to the plain decoder.
    if (isTopLevelField(this.#clusterField)) return undefined;
    const { shapes = 65_536, arenaBytes = 48 * 1024 * 1024, seed = 0n } = this.#options;
    const module = createScanModule();
    const name = this.#clusterField === undefined ? undefined : Buffer.from(this.#clusterField, 'utf8');
    if (module === undefined || (name?.length ?? 0) > module.MAX_CLUSTER_NAME.value) return undefined;
    if (module.setUp(shapes, arenaBytes, seed, name?.length ?? -1) === 0) return undefined;
    if (name) new Uint8Array(module.memory.buffer).set(name, module.CLUSTER_NAME.value);
    return new Wasm(module);
  }
}

/** The same event about an object of another name. */
function named(event: AuditEvent, { before, after }: NamePattern, name: string): AuditEvent {
  const requestURI = `${before}${name}${after}`;
  return { ...event, requestURI, objectRef: event.objectRef && { ...event.objectRef, name } };
}

/** A literal, so that all events have their fields in one order. */
function withOwn(event: AuditEvent, auditID: string, receivedAtUs: number, shape: Shape): ShapedEvent {
  return {
    auditID,
    stage: event.stage,
    requestURI: event.requestURI,
    verb: event.verb,
    user: event.user,
    impersonatedUser: event.impersonatedUser,
    userAgent: event.userAgent,
    objectRef: event.objectRef,
    code: event.code,
    statusMessage: event.statusMessage,
    receivedAtUs,
    decision: event.decision,
    reason: event.reason,
    impersonationConstraint: event.impersonationConstraint,
    shape,
  };
}

function endOfLine(bytes: Buffer, start: number): number {
  const end = bytes.indexOf(NEWLINE, start);
  return end < 0 ? bytes.length : end;
}
