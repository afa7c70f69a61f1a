import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { EventScanner } from './scanner.ts';
import { body, damage, damaged, lines } from './testing/arbitrary-line.ts';
import { events, read, readPlain, words } from './testing/collect.ts';
import { sample, sampleLine } from './testing/sample.ts';
import { withoutSkippedValues } from './testing/without-skipped-values.ts';

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

/** Holds one line to the rules that every path must obey. Returns which of them applied. */
function check(bytes: Buffer): 'same' | 'lenient' | 'refused' {
  const fast = read(Buffer.concat([bytes, Buffer.from('\n')]), { clusterField: 'cluster' });
  if (isJson(bytes)) {
    // The same rules hold for the lines inside of wrapping records, where they are tried by themselves.
    if (fast.some((each) => 'event' in each && each.event.auditID === 'inner')) return 'same';
    expect(fast.map((each) => ({ ...each, bytes: '' }))).toEqual(
      readPlain(bytes, 'cluster').map((each) => ({ ...each, bytes: '' })),
    );
    return 'same';
  }
  const found = events(fast);
  if (found.length === 0) return 'refused';
  const reduced = withoutSkippedValues(bytes);
  expect(isJson(reduced), reduced.toString('latin1')).toBe(true);
  expect(events(readPlain(reduced))).toEqual(found);
  return 'lenient';
}

describe('the scanner and the plain decoder', () => {
  test('agree on every event, whatever its values and the order of its keys', () => {
    fc.assert(
      fc.property(lines, (line) => {
        expect(check(Buffer.from(line))).toBe('same');
      }),
      { numRuns: 2000 },
    );
  });

  test('agree on damaged lines: the same where JSON.parse accepts them, the same without skipped values where it does not', () => {
    const seen = { same: 0, lenient: 0, refused: 0 };
    fc.assert(
      fc.property(
        fc.oneof(lines, { weight: 4, arbitrary: fc.constant(sampleLine({ requestObject: body })) }),
        fc.array(damage, { minLength: 1, maxLength: 2 }),
        (line, damages) => {
          let bytes = Buffer.from(line);
          for (const each of damages) if (bytes.length > 1) bytes = Buffer.from(damaged(bytes, each));
          seen[check(bytes)]++;
        },
      ),
      { numRuns: 4000 },
    );
    // All three outcomes must have been tried, or the property says nothing.
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(10);
  });

  test('agree on the very fields that an attacker would repeat inside of the parts they choose', () => {
    const look = sample({ auditID: 'forged', verb: 'delete' });
    const places = ['requestObject', 'responseObject', 'unknown', 'level', 'sourceIPs', 'metadata'];
    for (const place of places) {
      for (const value of [look, [look], JSON.stringify(look), { items: [look, { [place]: look }] }]) {
        expect(check(Buffer.from(sampleLine({ [place]: value })))).toBe('same');
        expect(words(read(sampleLine({ [place]: value })))).toEqual(['a1']);
      }
    }
  });
});

describe('the adversarial set', () => {
  const base = sampleLine();
  const put = (text: string): string => base.replace('{', `{${text},`);
  const inBody = (text: string): string => base.replace('"requestObject":{', `"requestObject":{${text},`);

  test.each([
    ['a key that is escaped', base.replace('"verb"', '"v\\u0065rb"'), ['a1']],
    ['a key that comes twice: the last one counts', put('"auditID":"first"'), ['a1']],
    ['a key that comes twice, once escaped', base.replace(/}$/, ',"auditI\\u0044":"last"}'), ['last']],
    ['an object that comes twice', base.replace(/}$/, ',"user":{"username":"last"}}'), ['a1']],
    ['keys with blanks around the colon', base.replaceAll('":', '" \t: \r'), ['a1']],
    ['braces and quotes inside of a body string', inBody('"x":"\\"}]},{[\\\\"'), ['a1']],
    ['a run of backslashes before a quote', inBody('"x":"\\\\\\\\\\\\"'), ['a1']],
    [
      'an odd run of backslashes before a quote',
      inBody('"x":"\\\\\\\\\\\\\\","auditID":"forged"'),
      ['!invalid-json'],
    ],
    ['a prototype for a key', put('"__proto__":{"auditID":"forged"},"constructor":5'), ['a1']],
    ['a body nested deep', inBody(`"x":${'['.repeat(20_000)}${']'.repeat(20_000)}`), ['a1']],
    ['a malformed but balanced body: it is used', inBody('"x":{01,,:tru[-]"\\x"}'), ['a1']],
    ['a body with brackets of the wrong kind: it is used', inBody('"x":{[}]'), ['a1']],
    ['a body with words that are no JSON', inBody('"x":{kind}'), ['!invalid-json']],
    ['a missing bracket', inBody('"x":{'), ['!invalid-json']],
    ['a bracket too many', inBody('"x":1}'), ['!invalid-json']],
    ['a trailing comma', base.replace(/}$/, ',}'), ['!invalid-json']],
    ['a missing comma', base.replace(',"verb"', ' "verb"'), ['!invalid-json']],
    ['a control character in a string that is read', base.replace('"a1"', '"a\u00011"'), ['!invalid-json']],
    ['an invalid escape in a string that is read', base.replace('"a1"', '"a\\x1"'), ['!invalid-json']],
    ['a type that is wrong', base.replace('"auditID":"a1"', '"auditID":["a1"]'), ['!invalid-field']],
    ['a stage that is unknown', base.replace('ResponseComplete', 'ResponseCompleted'), ['!invalid-field']],
    ['a decision that is unknown', base.replace('"allow"', '"maybe"'), ['!invalid-field']],
    ['a version that is unknown', base.replace('audit.k8s.io/v1', 'audit.k8s.io/v9'), ['!unknown-version']],
    [
      'no time at all',
      sampleLine({ requestReceivedTimestamp: undefined, stageTimestamp: undefined }),
      ['!no-timestamp'],
    ],
    ['a time that is none', sampleLine({ requestReceivedTimestamp: 'yesterday' }), ['!invalid-field']],
    ['garbage behind the record', `${base}x`, ['!invalid-json']],
    ['two records with garbage between', `${base}x${base}`, ['!invalid-json']],
  ])('%s', (_, line, expected) => {
    expect(words(read(`${line}\n`))).toEqual(expected);
    check(Buffer.from(line));
  });

  test('a body that closes the record early takes the whole line with it', () => {
    // Without its decision the event would count as allowed.
    const line = base.replace('"requestObject":{', '"requestObject":{"x":1}},"y":{');
    expect(words(read(line))).toEqual(['!invalid-json']);
  });

  test('a line that was cut off and glued to the next gives no event made of both', () => {
    // A body with an odd number of escaped quotes brings the strings of both back into step.
    const next = sampleLine({ auditID: 'next', requestObject: { data: '}{][,"' } });
    for (let length = 1; length < base.length; length++) {
      expect(events(read(`${base.slice(0, length)}${next}\n`))).toEqual([]);
    }
  });

  test('escapes in strings that are read are decoded as JSON.parse does', () => {
    const line = sampleLine({ requestURI: '_PATH_', verb: '_VERB_', userAgent: '_AGENT_' })
      .replace('_PATH_', '/a?x=1\\u0026y=\\u003c\\/\\\\u0026')
      .replace('_VERB_', '\\ud83d\\ude00\\t')
      .replace('_AGENT_', 'ü\\u00e9\\ud800');
    expect(check(Buffer.from(line))).toBe('same');
    expect(events(read(line))[0]).toMatchObject({
      requestURI: '/a?x=1&y=</\\u0026',
      verb: '😀\t',
      userAgent: 'üé\ud800',
    });
  });

  test('bytes that are not UTF-8 are refused in a string that is read, and passed over in a body', () => {
    const invalid = Buffer.of(0xff);
    const [before, after] = sampleLine({ verb: 'VERB', requestObject: { data: 'BODY' } }).split('VERB');
    const [between, end] = (after ?? '').split('BODY');
    const read1 = Buffer.concat([Buffer.from(before ?? ''), invalid, Buffer.from(after ?? '')]);
    const body = Buffer.concat([
      Buffer.from(`${before ?? ''}get${between ?? ''}`),
      invalid,
      Buffer.from(end ?? ''),
    ]);
    expect(read(read1)).toMatchObject([{ bad: 'wrong-encoding', detail: 'verb is not UTF-8' }]);
    expect(words(read(body))).toEqual(['a1']);
    expect(words(readPlain(body))).toEqual(['a1']);
  });
});

test('the scanner itself reads the ordinary event: no property above holds by falling back', () => {
  const scanner = new EventScanner('cluster');
  const line = sampleLine({ cluster: 'prod', impersonatedUser: { username: 'bob' } });
  expect(scanner.scan(Buffer.from(`${line}\n`), 0)).toEqual(events(readPlain(line))[0]);
  expect(scanner.end).toBe(line.length);
  expect(scanner.cluster).toBe('prod');
});

const recorded = new URL('../../../../../shared/data/cluster-alpha.audit.log.gz', import.meta.url);

describe.skipIf(!existsSync(recorded))('a recorded log', () => {
  test('is read the same by the scanner, by the reader and by the plain decoder, without one fallback', () => {
    const log = gunzipSync(readFileSync(recorded));
    const scanner = new EventScanner(undefined);
    const plain = log
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .map((line) => events(readPlain(line))[0]);
    expect(events(read(log))).toEqual(plain);
    let start = 0;
    for (const event of plain) {
      expect(scanner.scan(log, start)).toEqual(event);
      start = log.indexOf(10, start) + 1;
    }
    expect(plain.length).toBe(11_508);
  });

  test('keeps to the rules when its lines are damaged', () => {
    const log = gunzipSync(readFileSync(recorded))
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '' && line.length < 4000);
    fc.assert(
      fc.property(
        fc.nat(log.length - 1),
        fc.array(damage, { minLength: 1, maxLength: 2 }),
        (place, damages) => {
          let bytes = Buffer.from(log[place] ?? '');
          for (const each of damages) bytes = Buffer.from(damaged(bytes, each));
          if (bytes.length > 0) check(bytes);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
