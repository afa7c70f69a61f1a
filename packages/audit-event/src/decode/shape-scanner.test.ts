import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { EventScanner } from './scanner.ts';
import { body, damage, damaged, lines } from './testing/arbitrary-line.ts';
import { createCheck, ended, outcome, shapes } from './testing/check-shapes.ts';
import { sampleLine } from './testing/sample.ts';

const MIB = 1024 * 1024;

test('WebAssembly with SIMD is there, or nothing below is tested', () => {
  expect(shapes().isFast).toBe(true);
});

describe('for every line the outcome is that of the plain scanner', () => {
  const clusters = [undefined, 'cluster', 'requestObject', 'log', 'kind', ''];

  test('by a fresh scanner, whatever the values and the order of the keys', () => {
    fc.assert(
      fc.property(lines, fc.constantFrom(...clusters), (line, cluster) => {
        createCheck(cluster)(ended(line));
      }),
      { numRuns: 300 },
    );
  });

  test('by a scanner that has seen ten thousand lines, sound and damaged', () => {
    const check = createCheck('cluster');
    const scanner = shapes('cluster');
    let seen = 0;
    let known = 0;
    const tokens = new Set<object>();
    fc.assert(
      fc.property(
        fc.oneof(lines, {
          weight: 3,
          arbitrary: fc.constant(sampleLine({ requestObject: body, cluster: 'c' })),
        }),
        fc.array(damage, { maxLength: 2 }),
        (line, damages) => {
          let bytes = Buffer.from(line);
          for (const each of damages) if (bytes.length > 1) bytes = Buffer.from(damaged(bytes, each));
          check(ended(bytes));
          const token = scanner.scan(ended(bytes), 0)?.shape;
          if (token === undefined) return;
          seen++;
          if (tokens.has(token)) known++;
          tokens.add(token);
        },
      ),
      { numRuns: 10_000 },
    );
    // Known shapes, new ones and undecided lines must all have been tried, or the property says nothing.
    expect(Math.min(seen, known, tokens.size, 10_000 - seen)).toBeGreaterThan(100);
  });

  test('whatever stands in the members that are not read', () => {
    const check = createCheck('cluster');
    const values = fc.oneof(
      fc.json(),
      fc.string({ unit: fc.constantFrom(...'{}[]",:\\ \t\r01-.eEtrufalsn\u0001ü/') }),
      fc.constantFrom(
        '{}',
        '{"a":01}',
        '"\\x"',
        '"\\u12G4"',
        '"\\ud800"',
        '"\ufffd"',
        '-',
        '1.',
        '1e',
        '1e+5',
        '00',
        'nul',
      ),
    );
    const places = [
      (value: string) => sampleLine().replace('"metadata":{}', `"metadata":${value}`),
      (value: string) => sampleLine().replace('"annotations":{', `"annotations":{"latency":${value},`),
      (value: string) => sampleLine().replace('"code":200', `"code":200,"message":${value}`),
      (value: string) => sampleLine().replace('"code":200', `"code":403,"message":${value}`),
      (value: string) => sampleLine().replace('"code":200', `"message":${value},"code":404`),
      (value: string) => sampleLine().replace('"code":200', `"message":${value}`),
      (value: string) => sampleLine().replace('"code":200', `"code":${value}`),
      (value: string) => sampleLine().replace('"objectRef":{', `"objectRef":{"uid":${value},`),
      (value: string) => sampleLine().replace('"extra":{', `"extra":${value},"x":{`),
      (value: string) => sampleLine().replace('"level"', `"cluster":${value},"level"`),
      (value: string) => sampleLine().replace('"level"', `"x":${value},"level"`),
      (value: string) => sampleLine().replace('"kind"', `"authenticationMetadata":${value},"kind"`),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...places), values, (put, value) => {
        check(ended(put(value)));
      }),
      { numRuns: 6000 },
    );
  });

  test('whatever bytes stand anywhere in a line of a known shape', () => {
    const check = createCheck('cluster');
    const line = Buffer.from(
      sampleLine({
        cluster: 'c',
        requestObject: 'x',
        responseStatus: {
          metadata: {},
          status: 'Failure',
          message: 'm',
          code: 404,
          details: { name: 'n', list: [1, true, null] },
        },
      }),
    );
    check(ended(line));
    for (let place = 0; place < line.length; place++) {
      for (const byte of Buffer.from('"\\{}[],: \t\r\u0001\u007f05aZ\u0080', 'latin1')) {
        const changed = Buffer.from(line);
        changed[place] = byte;
        check(ended(changed));
        check(ended(Buffer.concat([line.subarray(0, place), Buffer.of(byte), line.subarray(place)])));
      }
    }
  }, 60_000);

  test('however long the strings and how deep the brackets, at every offset in a block', () => {
    const check = createCheck(undefined);
    for (let length = 0; length < 150; length++) {
      const filler = 'x'.repeat(length);
      const quotes = '\\"'.repeat(length);
      for (const bodyText of [
        `{"a":"${filler}"}`,
        `{"${filler}":["${quotes}\\\\"]}`,
        `{"a":"${filler}\\\\","b":"\\"}"}`,
        `["${'\\\\'.repeat(length)}"]`,
        `["${'\\\\'.repeat(length)}\\"]`,
        `${'['.repeat(length)}1${']'.repeat(length)}`,
        `${'['.repeat(length + 1)}{"a":"]"}${']'.repeat(length)}`,
        `{"a":"${filler}\u0001"}`,
        `{"a":1${filler.replaceAll('x', ' ')}x}`,
        `[1]${filler.replaceAll('x', ' ')}`,
      ]) {
        check(ended(sampleLine().replace('"level"', `"requestObject":${bodyText},"level"`)));
      }
      check(ended(sampleLine({ auditID: filler, verb: filler, userAgent: quotes })));
      check(ended(sampleLine({ auditID: `${filler}ü`, verb: `${filler}ü` })));
    }
  });

  test('for all ways to write a time', () => {
    const check = createCheck(undefined);
    const times = [
      '2026-11-21T01:41:21Z',
      '2026-11-21T01:41:21.Z',
      '2026-11-21T01:41:21.1234567890Z',
      '2026-02-29T00:00:00Z',
    ];
    times.push(
      '2024-02-29T23:59:59.999999999Z',
      '2100-02-29T00:00:00Z',
      '1969-12-31T23:59:59Z',
      '1970-01-01T00:00:00Z',
    );
    times.push(
      '2254-12-31T23:59:59.9999999Z',
      '2255-01-01T00:00:00Z',
      '2026-00-01T00:00:00Z',
      '2026-04-31T00:00:00Z',
    );
    times.push(
      '2026-11-21T24:00:00Z',
      '2026-11-21T00:60:00Z',
      '2026-11-21T00:00:60Z',
      '2026-11-21t00:00:00Z',
      '',
    );
    for (const time of times) check(ended(sampleLine({ requestReceivedTimestamp: time })));
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date('2254-12-31'), noInvalidDate: true }),
        fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 10 }),
        (date, fraction) => {
          const time = date.toISOString().replace(/\.\d+Z/, fraction === '' ? 'Z' : `.${fraction}Z`);
          check(ended(sampleLine({ requestReceivedTimestamp: time })));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('for objects around 1 MiB, and at the very end of the bytes', () => {
    const check = createCheck(undefined);
    const empty = sampleLine({ requestObject: '' });
    for (let length = MIB - 2; length <= MIB + 2; length++) {
      const line = sampleLine({ requestObject: 'x'.repeat(length - empty.length) });
      expect(check(ended(line))?.shape === undefined).toBe(length > MIB);
      check(Buffer.from(line));
    }
    check(Buffer.from(`garbage ${empty}`), 8);
    check(Buffer.from(`garbage ${empty}`).subarray(8));
    check(Buffer.from('{'));
    check(Buffer.from(''));
  });

  test('for many objects in one line, and for those that are longer than the part which is looked at first', () => {
    const check = createCheck(undefined);
    const sizes = [0, 10, 15_000, 17_000, 130_000, 140_000, 5, 300_000, 1];
    const objects = sizes.map((size) =>
      sampleLine({ auditID: String(size), requestObject: 'x'.repeat(size) }),
    );
    const bytes = Buffer.from(`${objects.join(',')}\n`);
    let start = 0;
    for (const [i, object] of objects.entries()) {
      expect(check(bytes, start)).toMatchObject({
        auditID: String(sizes[i]),
        shape: expect.any(Object) as object,
      });
      start += object.length + 1;
    }
  });
});

const recorded = new URL('../../../../../shared/data/cluster-alpha.audit.log.gz', import.meta.url);

describe.skipIf(!existsSync(recorded))('a recorded log', () => {
  test('is read the same, its events all of a shape', () => {
    const log = gunzipSync(readFileSync(recorded));
    const scanner = shapes();
    const plain = new EventScanner(undefined);
    let count = 0;
    const tokens = new Set<object | undefined>();
    for (let pass = 0; pass < 2; pass++) {
      for (let start = 0; start < log.length; start = log.indexOf(10, start) + 1) {
        expect(outcome(scanner, log, start)).toEqual(outcome(plain, log, start));
        tokens.add(scanner.scan(log, start)?.shape);
        count++;
      }
    }
    expect(count).toBe(2 * 11_508);
    expect(tokens.has(undefined)).toBe(false);
    expect(tokens.size).toBeLessThan(count / 4);
  });
});
