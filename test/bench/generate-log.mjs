// usage: node generate-log.mjs --events N [--subjects 200] [--names 120000] [--mix metadata|mixed|bodies]
//                              [--seed 1] --out FILE|-
//
// Writes an audit log as kube-apiserver would: N lines over 40 days, in the order of their stage timestamps. The same
// arguments give the same bytes. About 26 % of the lines belong to watches, which are logged at two stages.
//   metadata  no bodies
//   mixed     22 % of the lines have bodies; about 1.5 KB a line
//   bodies    all requests on resources have bodies; about 7 KB a line
import { closeSync, openSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { bodyPieces } from './log-bodies.mjs';
import { createInt, createShapes, createSubjects, objectNames } from './log-shapes.mjs';

const { values } = parseArgs({
  options: {
    events: { type: 'string' },
    subjects: { type: 'string', default: '200' },
    names: { type: 'string', default: '120000' },
    mix: { type: 'string', default: 'mixed' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string' },
  },
});
/** Share of lines with bodies, in percent, and the bytes of these bodies. */
const MIXES = { metadata: [0, 1], mixed: [22, 2300], bodies: [100, 6400] };
const events = Number(values.events);
if (
  !Number.isSafeInteger(events) ||
  events < 1 ||
  values.out === undefined ||
  !Object.hasOwn(MIXES, values.mix)
) {
  console.error('usage: generate-log.mjs --events N [--mix metadata|mixed|bodies] [--seed 1] --out FILE|-');
  process.exit(2);
}

const START_US = Date.UTC(2026, 0, 5) * 1000;
const STEP_US = Math.max(1, Math.floor((40 * 86_400_000_000) / events));
/** With two lines each, 15 % of the requests make 26 % of the lines. */
const WATCH_PER_MILLE = 150;
const FLUSH_BYTES = 8 << 20;

const int = createInt(Number(values.seed));
const names = objectNames(Number(values.names));
const shapesOf = createSubjects(Number(values.subjects), int).map((subject) => createShapes(subject, int));
const [bodyPercent, bodyBytes] = MIXES[values.mix];
const bodies = bodyPieces(bodyBytes);
const hex = Array.from({ length: 65_536 }, (_, i) => i.toString(16).padStart(4, '0'));
const micros = Array.from({ length: 1000 }, (_, i) => String(i).padStart(3, '0'));
const secondTexts = new Map();

function auditID() {
  const [a, b, c, d] = [int(0x1000000), int(0x1000000), int(0x1000000), int(0x1000000)];
  return `${hex[a & 0xffff]}${hex[b & 0xffff]}-${hex[c & 0xffff]}-4${hex[d & 0xfff].slice(1)}-a${hex[a >>> 12].slice(1)}-${hex[b >>> 8]}${hex[c >>> 8]}${hex[d >>> 8]}`;
}

function timeText(us) {
  const second = Math.floor(us / 1_000_000);
  let text = secondTexts.get(second);
  if (text === undefined) {
    if (secondTexts.size > 4096) secondTexts.clear();
    text = `${new Date(second * 1000).toISOString().slice(0, 19)}.`;
    secondTexts.set(second, text);
  }
  const rest = us - second * 1_000_000;
  const milliseconds = Math.floor(rest / 1000);
  return `${text}${micros[milliseconds]}${micros[rest - milliseconds * 1000]}Z`;
}

/** Generated names come from the whole pool, the others from a few per shape. */
function nameFor(shape) {
  if (shape.isGenerated) return names[int(names.length)];
  return `${shape.verb === 'update' ? 'leader' : 'config'}-${int(4)}`;
}

function failure(code, reason, message) {
  return `,"responseStatus":{"metadata":{},"status":"Failure","message":"${message}","reason":"${reason}","code":${code}}`;
}

const FORBIDDEN =
  '","annotations":{"authorization.k8s.io/decision":"forbid","authorization.k8s.io/reason":""}}\n';

/** How a request ends: mostly well, 3 % refused, 4 % not found, 1 % in conflict. */
function answer(shape, name) {
  const dice = int(100);
  if (dice < 3) return [failure(403, 'Forbidden', shape.refusal), FORBIDDEN];
  if (dice < 7 && shape.hasNameInURI)
    return [failure(404, 'NotFound', `\\"${name}\\" not found`), shape.allowed];
  if (dice < 8 && shape.hasNameInRef)
    return [failure(409, 'Conflict', `\\"${name}\\" changed`), shape.allowed];
  const code = shape.verb === 'patch' && dice < 9 ? 201 : shape.code;
  return [`,"responseStatus":{"metadata":{},"code":${code}}`, shape.allowed];
}

function line(level, id, stage, uri, rest) {
  return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"${level}","auditID":"${id}","stage":"${stage}","requestURI":"${uri}${rest}`;
}

function times(receivedUs, stageUs) {
  return `,"requestReceivedTimestamp":"${timeText(receivedUs)}","stageTimestamp":"${timeText(stageUs)}`;
}

function requestLine(shape, nowUs) {
  const name = shape.hasNameInRef ? nameFor(shape) : '';
  const [status, annotations] = answer(shape, name);
  // Of a mix with few bodies, lines of watches have none, so that the others have more.
  const hasBody = !shape.isPath && int(100) < (bodyPercent === 22 ? 32 : bodyPercent);
  const body = hasBody ? bodies.join(name) : '';
  const ref = shape.hasNameInRef ? `,"name":"${name}"` : '';
  const uri = shape.uriHead + (shape.hasNameInURI ? name : '') + shape.uriTail;
  const rest = `${shape.afterURI}${ref}${shape.refTail}${status}${body}${times(nowUs - 1000 - int(20_000), nowUs)}${annotations}`;
  return line(hasBody ? 'RequestResponse' : 'Metadata', auditID(), 'ResponseComplete', uri, rest);
}

function watchLine(watch, stage, nowUs) {
  const { shape, id, receivedUs } = watch;
  const status = ',"responseStatus":{"metadata":{},"code":200}';
  const body = bodyPercent === 100 && stage === 'ResponseComplete' ? bodies.join('bookmark') : '';
  const rest = `${shape.afterURI}${shape.refTail}${status}${body}${times(receivedUs, nowUs)}${shape.allowed}`;
  return line(body === '' ? 'Metadata' : 'RequestResponse', id, stage, shape.uriHead + shape.uriTail, rest);
}

/** Failed authentications have no user, no decision, and are logged at this stage only. */
function unauthenticatedLine(shape, nowUs) {
  const rest = `","verb":"${shape.verb}","user":{},"sourceIPs":["203.0.113.9"],"userAgent":"curl/8.9.1"${failure(401, 'Unauthorized', 'Unauthorized')}${times(nowUs - 300, nowUs)}"}\n`;
  return line('Metadata', auditID(), 'ResponseStarted', shape.uriHead + shape.uriTail, rest);
}

/** Few subjects send most requests. */
function pickShapes() {
  const r = int(1_000_000) / 1_000_000;
  return shapesOf[Math.floor(r * r * shapesOf.length)];
}

/** Watches that go on, in the order of their ends; `first` is the oldest one not yet ended. */
let open = [];
let first = 0;

function nextLine(nowUs) {
  if (first < open.length && open[first].endUs <= nowUs) {
    const watch = open[first];
    first += 1;
    if (first > 10_000) {
      open = open.slice(first);
      first = 0;
    }
    return watchLine(watch, 'ResponseComplete', nowUs);
  }
  const { watches, others } = pickShapes();
  const dice = int(1000);
  if (dice >= WATCH_PER_MILLE) {
    const shape = others[int(others.length)];
    return dice === 999 ? unauthenticatedLine(shape, nowUs) : requestLine(shape, nowUs);
  }
  const endUs = Math.max(nowUs + 300_000_000 + int(276_000_000), open.at(-1)?.endUs ?? 0);
  const watch = {
    shape: watches[int(watches.length)],
    id: auditID(),
    receivedUs: nowUs - 1000 - int(5000),
    endUs,
  };
  open.push(watch);
  return watchLine(watch, 'ResponseStarted', nowUs);
}

const file = values.out === '-' ? 1 : openSync(values.out, 'w');
const buffer = Buffer.allocUnsafe(FLUSH_BYTES + (1 << 16));
let used = 0;
let written = 0;

function flush() {
  for (let from = 0; from < used;) from += writeSync(file, buffer, from, used - from);
  written += used;
  used = 0;
}

const startedMs = performance.now();
for (let i = 0; i < events; i += 1) {
  // Everything generated is ASCII, so that latin1 is UTF-8.
  used += buffer.latin1Write(nextLine(START_US + i * STEP_US + int(STEP_US)), used);
  if (used > FLUSH_BYTES) flush();
}
flush();
if (file !== 1) closeSync(file);
const seconds = (performance.now() - startedMs) / 1000;
console.error(
  `${events} events, ${written} bytes, ${Math.round(written / events)} a line, ${Math.round(events / seconds)} events/s`,
);
