import type { BadReason, DecodeSink } from '../types.ts';
import { asBuffer, OPEN_BRACE, OPEN_BRACKET, skipBlank } from './bytes.ts';
import { unwrapAzure } from './forms/azure.ts';
import { unwrapAwsLogs, unwrapCloudWatch } from './forms/cloudwatch.ts';
import { unwrapGke } from './forms/gke.ts';
import { unwrapKubernetes } from './forms/kubernetes.ts';
import type { Part, Unwrapped } from './forms/part.ts';
import { partOf } from './forms/part.ts';
import { unwrapShipper } from './forms/shipper.ts';
import { isObject, parseJson } from './json.ts';
import type { JsonObject, Parsed } from './json.ts';
import type { LineRange } from './line-window.ts';
import { mayEndAt, skipSeparators } from './separators.ts';
import type { ShapeScanner } from './shape-scanner.ts';
import { skipValue } from './skip.ts';
import { classifyLine } from './text-line.ts';

/** How many wrappings inside each other are followed: Docker around CRI around an event hub's record is three. */
const MAX_NESTING = 8;

/** By what JSON other than an object can begin. */
const BEGINS_JSON = /["[\d\-tfn]/;

/** One record, or one element of it, on its way through the wire forms. */
interface Scope {
  readonly line: number;
  readonly depth: number;
  readonly cluster: string | undefined;
  /** True while no record was entered whose keys may name the cluster. */
  readonly outermost: boolean;
  /** Whether all bytes were UTF-8. */
  readonly wellFormed: boolean;
  /** The reason for JSON that ends too early. */
  readonly cutReason: BadReason;
  /** The bytes for the dead letters. */
  readonly raw: () => Uint8Array;
}

/** Decodes records that have been cut out of their origin already, whatever their wire form. */
export class RecordDecoder {
  readonly #sink: DecodeSink;
  readonly #clusterField: string | undefined;
  readonly #scanner: ShapeScanner | undefined;

  /** Without a scanner everything goes the plain way. */
  constructor(sink: DecodeSink, clusterField: string | undefined, scanner: ShapeScanner | undefined) {
    this.#sink = sink;
    this.#clusterField = clusterField;
    this.#scanner = scanner;
  }

  /**
   * Decodes the JSON object at `start`, if it ends within its line, and where a record may end.
   *
   * @param arrays - how many arrays are open around it
   * @returns the index after it, or -1 where it does not end so, and nothing was told
   */
  object(range: LineRange, start: number, arrays: number): number {
    const { bytes, end, line } = range;
    const scanner = this.#scanner;
    const occurrence = scanner?.meet(bytes, start, end);
    const close = this.#closeOf(bytes, start);
    if (close < 0 || !mayEndAt(bytes, close, end, arrays)) return -1;
    if (occurrence && this.#sink.repeated?.(occurrence, scanner?.cluster) === true) return close;
    const event = occurrence?.event() ?? scanner?.made;
    if (event === undefined) this.json({ ...range, end: close }, start);
    else this.#sink.event(event, scanner?.cluster, line);
    return close;
  }

  /** The index after the object that was scanned last, or -1 where it does not end in its line. */
  #closeOf(bytes: Buffer, start: number): number {
    const scanned = this.#scanner?.end ?? -1;
    return scanned < 0 ? skipValue(bytes, start) : scanned;
  }

  /** Decodes what stands from `start` to the end of the range, one JSON document, by the plain way. */
  json(range: LineRange, start: number): void {
    const record = range.bytes.subarray(start, range.end);
    const scope = outermostScope(range.line, record, 'invalid-json');
    const parsed = parseJson(record);
    if (parsed === undefined) this.#bad(scope, 'invalid-json', 'not valid JSON');
    else this.#value(parsed, scope);
  }

  /** Decodes what a YAML document holds. */
  yaml(parsed: Parsed, line: number, raw: Uint8Array): void {
    this.#value(parsed, outermostScope(line, raw, 'invalid-json'));
  }

  /**
   * Decodes a line that does not begin with a JSON object.
   *
   * @returns false where it is nothing known, which was told
   */
  text(range: LineRange): boolean {
    const text = range.bytes.subarray(range.start, range.end);
    const scope = outermostScope(range.line, text, range.isCut ? 'truncated' : 'invalid-json');
    const start = skipBlank(text, 0, text.length);
    const parsed = BEGINS_JSON.test(text.toString('latin1', start, start + 1))
      ? parseJson(text.subarray(start))
      : undefined;
    if (parsed === undefined) return this.#prefixed(range.bytes, range.start, range.end, scope);
    this.#value(parsed, scope);
    return true;
  }

  /** Decodes a line of a container's log, its prefix taken off. */
  message(range: LineRange): void {
    const text = range.bytes.subarray(range.start, range.end);
    const scope = outermostScope(range.line, text, range.isCut ? 'truncated' : 'invalid-json');
    this.#innerText(range.bytes, range.start, range.end, { ...scope, depth: 1 });
  }

  #value(parsed: Parsed, scope: Scope): void {
    const inner = { ...scope, wellFormed: parsed.wellFormed, depth: scope.depth + 1 };
    if (inner.depth > MAX_NESTING) return this.#sink.skipped('not-an-audit-event', scope.line);
    const { value } = parsed;
    if (Array.isArray(value)) {
      this.#parts({ parts: value.map(partOf), isList: true }, inner);
    } else if (typeof value === 'string') {
      this.#innerString(value, inner);
    } else if (isObject(value)) {
      this.#record(value, inner);
    } else {
      this.#sink.skipped('not-an-audit-event', scope.line);
    }
  }

  #record(record: JsonObject, scope: Scope): void {
    const cluster = scope.outermost ? this.#clusterOf(record) : scope.cluster;
    const unwrapped =
      unwrapKubernetes(record, scope.wellFormed) ??
      unwrapAzure(record) ??
      unwrapCloudWatch(record) ??
      (scope.outermost ? unwrapAwsLogs(record) : undefined) ??
      unwrapGke(record, scope.wellFormed) ??
      unwrapShipper(record);
    if (!unwrapped) return this.#sink.skipped('not-an-audit-event', scope.line);
    const outermost = scope.outermost && unwrapped.isList && cluster === undefined;
    this.#parts(unwrapped, { ...scope, cluster, outermost });
  }

  #parts(unwrapped: Unwrapped, scope: Scope): void {
    const single = unwrapped.parts.length === 1 && !unwrapped.isList;
    for (const part of unwrapped.parts) {
      // Each element of a list is its own dead letter, so that these stay as small as the input.
      this.#part(part, single ? scope : { ...scope, raw: () => rawOf(part) });
    }
  }

  #part(part: Part, scope: Scope): void {
    switch (part.kind) {
      case 'event':
        return this.#sink.event(part.event, scope.cluster, scope.line);
      case 'skipped':
        return this.#sink.skipped(part.reason, scope.line);
      case 'bad':
        return this.#bad(scope, part.reason, part.detail);
      case 'value':
        return this.#value({ value: part.value, wellFormed: scope.wellFormed }, scope);
      case 'text':
        return this.#innerString(part.text, { ...scope, outermost: false });
      case 'bytes':
        return this.#innerText(asBuffer(part.bytes), 0, part.bytes.byteLength, scope);
    }
  }

  #innerString(text: string, scope: Scope): void {
    const bytes = Buffer.from(`${text}\n`, 'utf8');
    this.#innerText(bytes, 0, bytes.length - 1, scope);
  }

  /** Text inside of something else: one or more JSON documents, perhaps behind a prefix. */
  #innerText(bytes: Buffer, from: number, end: number, scope: Scope): void {
    const start = skipBlank(bytes, from, end);
    const first = bytes[start];
    if (start === end) return this.#sink.skipped('blank', scope.line);
    if (first === OPEN_BRACE) return this.#innerDocuments(bytes, start, end, scope);
    const parsed = first === OPEN_BRACKET ? this.#parse(bytes.subarray(start, end), scope) : undefined;
    if (parsed) this.#value(parsed, scope);
    else this.#prefixed(bytes, start, end, scope);
  }

  #innerDocuments(bytes: Buffer, start: number, end: number, scope: Scope): void {
    let at = start;
    while (at < end) {
      const event = this.#scanner?.scan(bytes, at, end);
      const close = this.#closeOf(bytes, at);
      const isWhole = close >= 0 && mayEndAt(bytes, close, end, 0);
      // A document that does not end in its line must be all the rest.
      const stop = isWhole ? close : end;
      if (event !== undefined && isWhole && scope.depth < MAX_NESTING) {
        const own = this.#scanner?.cluster;
        const cluster = scope.outermost ? own : scope.cluster;
        // Its shape was seen together with its own cluster field.
        this.#sink.event(cluster === own ? event : { ...event, shape: undefined }, cluster, scope.line);
      } else {
        const document = bytes.subarray(at, stop);
        const isOnly = at === start && skipBlank(bytes, stop, end) === end;
        const own = isOnly ? scope : { ...scope, raw: () => document };
        const parsed = this.#parse(document, scope);
        if (parsed) this.#value(parsed, own);
        else this.#bad(own, close < 0 ? scope.cutReason : 'invalid-json', 'not valid JSON');
      }
      at = skipSeparators(bytes, stop, end, 0).at;
    }
  }

  #parse(bytes: Buffer, scope: Scope): Parsed | undefined {
    const parsed = parseJson(bytes);
    return parsed && { value: parsed.value, wellFormed: parsed.wellFormed && scope.wellFormed };
  }

  /** Text that is not JSON from its first byte on. Inside another record that is some program's log line. */
  #prefixed(bytes: Buffer, start: number, end: number, scope: Scope): boolean {
    const line = classifyLine(bytes, start, end);
    const rest = skipBlank(bytes, 'offset' in line ? start + line.offset : end, end);
    const isUnknown = line.kind === 'unknown' && scope.depth === 0;
    if (bytes[rest] === OPEN_BRACE && rest < end) this.#innerDocuments(bytes, rest, end, scope);
    else if (isUnknown) this.#bad(scope, 'invalid-json', 'neither JSON nor a known log line');
    else this.#sink.skipped('other-log-stream', scope.line);
    return !isUnknown;
  }

  #clusterOf(record: JsonObject): string | undefined {
    const field = this.#clusterField;
    if (field === undefined || !Object.hasOwn(record, field)) return undefined;
    const value = record[field];
    return typeof value === 'string' ? value : undefined;
  }

  #bad(scope: Scope, reason: BadReason, detail: string): void {
    this.#sink.bad(reason, scope.line, detail, scope.raw());
  }
}

function outermostScope(line: number, raw: Uint8Array, cutReason: BadReason): Scope {
  return { line, depth: 0, cluster: undefined, outermost: true, wellFormed: true, cutReason, raw: () => raw };
}

/** An element of a list as JSON, since it has no bytes of its own. */
function rawOf(part: Part): Uint8Array {
  switch (part.kind) {
    case 'text':
      return Buffer.from(part.text, 'utf8');
    case 'bytes':
      return part.bytes;
    case 'value':
      return jsonOf(part.value);
    case 'event':
    case 'skipped':
    case 'bad':
      return new Uint8Array(0);
  }
}

/** Empty where the value nests too deep to be written by a recursive writer. */
function jsonOf(value: unknown): Uint8Array {
  try {
    return Buffer.from(JSON.stringify(value), 'utf8');
  } catch {
    return new Uint8Array(0);
  }
}
