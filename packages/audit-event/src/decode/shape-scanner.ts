import type { AuditEvent, Occurrence } from '../types.ts';
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

/** In place of an id: the plain scanner must decide. */
const UNDECIDED = -1;
/** A shape that was not known is told as this less its id. */
const NEW = -2;

/** An event that has the token of its shape. */
type ShapedEvent = AuditEvent & { readonly shape: object };

/** What the events of a shape have in common. */
interface Template {
  /** `undefined` where the plain decoder must decide about all events of the shape. */
  readonly event: ShapedEvent | undefined;
  readonly cluster: string | undefined;
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

  get shape(): object {
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
    this.results = new Int32Array(memory.buffer, RESULT.value, AUDIT_ID_END + 1);
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
 * the others are copies of it with their own `auditID` and time.
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
    // Ids begin again after the dictionary was full and emptied itself.
    if (id === 0) this.#templates = [];
    this.#scanPlainly(bytes, start);
    const { made, cluster } = this;
    const event = made && withOwn(made, made.auditID, made.receivedAtUs, Object.freeze({}));
    this.#templates[id] = { event, cluster };
    this.made = event;
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

/** A literal, so that all events have their fields in one order. */
function withOwn(event: AuditEvent, auditID: string, receivedAtUs: number, shape: object): ShapedEvent {
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
