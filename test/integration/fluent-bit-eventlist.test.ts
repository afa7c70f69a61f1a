import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

import { type AuditEvent, RecordReader } from '@leastwise/audit-event';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const path = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const FILTER = path('deploy/fluent-bit/eventlist.lua');
const CALLER = path('test/compose/lua-filter.lua');
/** Fluent Bit has LuaJIT in it, which speaks Lua 5.1. */
const LUA = ['luajit', 'lua5.1'].find((name) => spawnSync(name, ['-v']).status === 0);
if (LUA === undefined)
  console.warn('neither luajit nor lua5.1 is installed: the filter for Fluent Bit is not tried');

const VERSION = 'audit.k8s.io/v1';
type Item = unknown;

/** The tokens that the caller in Lua reads: a parser of JSON in Lua would be one more thing to trust. */
function tokensOf(value: unknown): string[] {
  if (Array.isArray(value)) return ['[', ...value.flatMap(tokensOf), ']'];
  switch (typeof value) {
    case 'string':
      return [`s${Buffer.from(value).toString('hex')}`];
    case 'number':
      return [`n${Number.isNaN(value) ? 'nan' : value}`];
    case 'boolean':
      return [value ? 't' : 'f'];
    case 'object':
      if (value === null) return ['z'];
      return [
        '{',
        ...Object.entries(value).flatMap(([key, each]) => [...tokensOf(key), ...tokensOf(each)]),
        '}',
      ];
    default:
      throw new Error(`${typeof value} is no JSON`);
  }
}

interface Answer {
  /** -1: the record is dropped; 0: it stays as it is; 2: it is replaced. */
  readonly code: number;
  readonly record: unknown;
  readonly text: string;
}

function filtered(...records: readonly unknown[]): Answer[] {
  if (LUA === undefined) throw new Error('no Lua');
  const input = records.map((record) => `${tokensOf(record).join('\n')}\n`).join('');
  const output = execFileSync(LUA, [CALLER, FILTER], { input, encoding: 'utf8', maxBuffer: 1 << 28 });
  return output
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [code = '', text = ''] = line.split('\t');
      return { code: Number(code), text, record: JSON.parse(text) as unknown };
    });
}

/** Of one list. */
function splitOf(items: Item, more: object = {}): Answer {
  const list = { kind: 'EventList', apiVersion: VERSION, metadata: {}, items, ...more };
  const [answer] = filtered(list);
  if (answer === undefined) throw new Error('no answer');
  return answer;
}

function eventsOf(...records: readonly string[]): AuditEvent[] {
  const events: AuditEvent[] = [];
  const refuse = (reason: string): never => {
    throw new Error(reason);
  };
  const reader = new RecordReader({
    event: (event) => void events.push(event),
    skipped: refuse,
    bad: refuse,
  });
  for (const record of records) reader.readWhole(Buffer.from(record));
  return events;
}

const recordTexts = ({ record }: Answer): string[] =>
  (record as unknown[]).map((each) => JSON.stringify(each));

describe.skipIf(LUA === undefined)('the filter that splits a list of the webhook', () => {
  const lines = gunzipSync(readFileSync(path('examples/audit.log.gz')))
    .toString('utf8')
    .trim()
    .split('\n');
  const items = lines.map((line) => {
    const event = Object.entries(JSON.parse(line) as object);
    return Object.fromEntries(event.filter(([name]) => name !== 'kind' && name !== 'apiVersion'));
  });

  test.each([1, 2, 400])('gives the very events of a batch of %i', (count) => {
    const answer = splitOf(items.slice(-count));
    expect(answer.code).toBe(2);
    expect(eventsOf(...recordTexts(answer))).toEqual(eventsOf(...lines.slice(-count)));
  });

  test('gives the events of a batch that the API server sent to a real Fluent Bit', () => {
    const text = readFileSync(path('test/compose/testdata/fluent-bit/http-webhook.ndjson'), 'utf8').trim();
    const [answer] = filtered(JSON.parse(text));
    expect(answer?.code).toBe(2);
    expect(answer === undefined ? [] : eventsOf(...recordTexts(answer))).toEqual(eventsOf(text));
  });

  test('drops a list without events, of which nothing is lost', () => {
    expect(splitOf([]).code).toBe(-1);
    expect(splitOf({}).code).toBe(-1);
    expect(splitOf([null, null]).code).toBe(-1);
  });

  test('leaves alone what is no list of audit events', () => {
    const others = [
      { kind: 'Event', apiVersion: VERSION, auditID: 'a' },
      { kind: 'EventList', apiVersion: 'v1', items: [{ metadata: {} }] },
      { kind: 'EventList', apiVersion: VERSION },
      { kind: 'EventList', apiVersion: VERSION, items: 'many' },
      { kind: 'EventList', apiVersion: VERSION, items: { a: 1, b: 2 } },
      { kind: 'EventList', apiVersion: ['audit.k8s.io/v1'], items: [{}] },
      { items: [{ auditID: 'a' }] },
      {},
    ];
    const answers = filtered(...others);
    expect(answers.map(({ code }) => code)).toEqual(others.map(() => 0));
    expect(answers.slice(0, 6).map(({ record }) => record)).toEqual(others.slice(0, 6));
  });

  test('says itself what kind and version an event is, whatever the event says', () => {
    const { record } = splitOf([{ kind: 'EventList', apiVersion: 'v1', auditID: 'a', items: [{}] }], {
      apiVersion: 'audit.k8s.io/v1beta1',
    });
    expect(record).toEqual([
      { kind: 'Event', apiVersion: 'audit.k8s.io/v1beta1', auditID: 'a', items: [{}] },
    ]);
  });

  test('hands on what is no event, for it to be counted as unreadable', () => {
    const { code, record } = splitOf(['text', 7, true, [1, 2], null, { auditID: 'last' }]);
    expect(code).toBe(2);
    expect(record).toEqual([
      { item: 'text' },
      { item: 7 },
      { item: true },
      { item: [1, 2] },
      { kind: 'Event', apiVersion: VERSION, auditID: 'last' },
    ]);
  });

  test('loses no event to a null before it', () => {
    const { code, record } = splitOf([null, { auditID: 'a' }, null, null, { auditID: 'b' }]);
    expect(code).toBe(2);
    expect(record).toMatchObject([{ auditID: 'a' }, { auditID: 'b' }]);
  });

  test('keeps arrays arrays, those of groups and addresses when they are empty too', () => {
    const event = { auditID: 'a', sourceIPs: [], user: { username: 'u', groups: [], extra: { a: ['x'] } } };
    const { text } = splitOf([event, { ...event, impersonatedUser: { groups: ['g'] } }]);
    expect(text).toContain('"sourceIPs":[]');
    expect(text).toContain('"groups":[]');
    expect(text).toContain('"groups":["g"]');
    expect(text).toContain('"a":["x"]');
  });

  test('takes keys that mean something elsewhere, and any text', () => {
    const annotations = JSON.parse(
      '{"__proto__":"p","__index":"i","constructor":"c","1":"one","":"empty"}',
    ) as object;
    const event = { auditID: 'a"\\\u0000\u2028é', annotations, requestURI: '/%00\n' };
    const { text } = splitOf([event]);
    expect(text).toContain('"__proto__":"p"');
    expect(JSON.parse(text)).toMatchObject([{ auditID: event.auditID, requestURI: event.requestURI }]);
    expect((JSON.parse(text) as [{ annotations: object }])[0].annotations).toEqual(annotations);
  });

  test('is not led astray by what is not a number, or by depth', () => {
    const depth = 1000;
    const deep = JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`) as object;
    const answer = splitOf([
      { auditID: 'a', code: NaN },
      { auditID: 'b', requestObject: deep },
    ]);
    expect(answer.code).toBe(2);
    expect(answer.text.match(/"a":/g)).toHaveLength(depth);
  });

  test('keeps every event of any batch, in its order', () => {
    const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean());
    const item = fc.dictionary(
      fc.string({ minLength: 1 }).filter((key) => key !== 'kind' && key !== 'apiVersion'),
      scalar,
    );
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 20 }), (all) => {
        const { code, text } = splitOf(all);
        // As text: a key may be __proto__, which an object literal takes for something else.
        const expected = all.map((each) => [
          ...Object.entries(each),
          ['kind', 'Event'],
          ['apiVersion', VERSION],
        ]);
        const found = (JSON.parse(text) as object[]).map((each) => Object.entries(each));
        expect(code).toBe(2);
        expect(found.map(sorted)).toEqual(expected.map(sorted));
      }),
      { numRuns: 25 },
    );
  });
});

const sorted = (entries: readonly unknown[][]): string[] =>
  entries.map((entry) => JSON.stringify(entry)).sort();
