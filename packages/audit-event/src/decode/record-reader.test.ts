import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { RecordReader } from './index.ts';
import { collector, events, read, words } from './testing/collect.ts';
import { sample, sampleLine } from './testing/sample.ts';

const one = sampleLine({ auditID: 'one' });
const two = sampleLine({ auditID: 'two' });
const three = sampleLine({ auditID: 'three' });
const pretty = (auditID: string): string => JSON.stringify(sample({ auditID }), undefined, 2);

describe('lines', () => {
  test.each([
    ['with newlines', `${one}\n${two}\n`, ['one', 'two']],
    ['without the last newline', `${one}\n${two}`, ['one', 'two']],
    ['CRLF', `${one}\r\n${two}\r\n`, ['one', 'two']],
    ['a byte order mark', `\ufeff${one}\n\ufeff${two}`, ['one', 'two']],
    ['blank lines', `\n${one}\n \t\r\n\n${two}\n`, ['blank', 'one', 'blank', 'blank', 'two']],
    ['indented lines', `  ${one}\n\t${two}  \n`, ['one', 'two']],
    ['lines of NUL padding', `${one}\n\0\0\0\n${two}\n`, ['one', 'blank', 'two']],
    [
      'a hole of NUL bytes before a line, as copytruncate leaves it',
      `${'\0'.repeat(500)}${one}\n${two}`,
      ['one', 'two'],
    ],
    ['NUL padding after the last line', `${one}\n${'\0'.repeat(500)}`, ['one']],
    ['nothing', '', []],
    ['a newline', '\n', ['blank']],
  ])('%s', (_, input, expected) => {
    expect(words(read(input))).toEqual(expected);
  });

  test('are numbered from 1 by where the record begins', () => {
    const told = read(`${one}\n\n${pretty('two')}\n${three}\nnonsense`);
    const height = pretty('two').split('\n').length;
    expect(told.map((each) => each.line)).toEqual([1, 2, 3, 3 + height, 4 + height]);
  });
});

describe('several documents', () => {
  test.each([
    ['Firehose: joined without a newline', `${one}${two}${three}`, ['one', 'two', 'three']],
    ['joined with commas', `${one},${two}, ${three}`, ['one', 'two', 'three']],
    ['an array in one line', `[${one},${two},${three}]\n`, ['one', 'two', 'three']],
    ['an empty array', '[]\n', []],
    ['an array over lines', `[\n${one},\n${two},\n${three}\n]\n`, ['one', 'two', 'three']],
    [
      'an array with the brackets beside the elements',
      `[${one}\n,${two}\n,${three}]\n`,
      ['one', 'two', 'three'],
    ],
    ['lines with trailing commas', `${one},\n${two},\n`, ['one', 'two']],
    [
      'an array of pretty-printed elements',
      JSON.stringify([sample({ auditID: 'one' }), sample({ auditID: 'two' })], undefined, 4),
      ['one', 'two'],
    ],
    ['arrays inside of arrays', `[[${one}],[${two}]]`, ['one', 'two']],
    ['an array of strings', JSON.stringify([one, two]), ['one', 'two']],
    [
      'an array of anything',
      '[1, "x", null, {"kind":"Pod"}]',
      ['not-an-audit-event', 'other-log-stream', 'not-an-audit-event', 'not-an-audit-event'],
    ],
    ['two arrays', `[${one}][${two}]`, ['one', 'two']],
    ['pretty-printed', `${pretty('one')}\n${pretty('two')}`, ['one', 'two']],
    [
      'pretty-printed, joined in a line',
      `${pretty('one')}${pretty('two')}${three}\n${one}`,
      ['one', 'two', 'three', 'one'],
    ],
    [
      'pretty-printed among lines',
      `${one}\n${pretty('two')}\n\n${three}\n`,
      ['one', 'two', 'blank', 'three'],
    ],
    ['pretty-printed with blank lines and CRLF inside', pretty('one').replaceAll('\n', '\r\n\r\n'), ['one']],
    [
      'an EventList over many lines',
      JSON.stringify(
        {
          kind: 'EventList',
          apiVersion: 'audit.k8s.io/v1',
          items: [
            sample({ kind: undefined, apiVersion: undefined, auditID: 'one' }),
            sample({ auditID: 'two' }),
          ],
        },
        undefined,
        1,
      ),
      ['one', 'two'],
    ],
    ['an array that is not closed', `[\n${one},\n`, ['one', '!truncated']],
    ['a bracket that closes nothing', `${one}\n]\n${two}`, ['one', '!invalid-json', 'two']],
  ])('%s', (_, input, expected) => {
    expect(words(read(input))).toEqual(expected);
  });

  test('an array is streamed: each element is told as soon as its line is there', () => {
    const { sink, told } = collector();
    const reader = new RecordReader(sink, { maxRecordBytes: 4 * one.length });
    reader.push(Buffer.from('[\n'));
    for (let i = 0; i < 100; i++) {
      reader.push(Buffer.from(`${one},\n`));
      expect(told.length).toBe(i + 1);
    }
  });
});

describe('a broken line never costs its neighbours', () => {
  const cut = one.slice(0, 700);

  test.each([
    ['corrupt', `${one}\n${two.replace('":{"', '":"{')}\n${three}\n`, ['one', '!invalid-json', 'three']],
    ['truncated inside of a string', `${one}\n${cut}\n${three}\n`, ['one', '!invalid-json', 'three']],
    [
      'truncated before a key',
      `${one}\n${one.slice(0, one.indexOf('"verb"'))}\n${three}\n`,
      ['one', '!invalid-json', 'three'],
    ],
    [
      'truncated behind a colon: the next line could be its value',
      `${one.slice(0, one.indexOf('{', 5))}\n${two}\n${three}\n`,
      ['!invalid-json', 'two', 'three'],
    ],
    [
      'the same as the last but one: found at the end',
      `${one.slice(0, one.indexOf('{', 5))}\n${two}`,
      ['!truncated', 'two'],
    ],
    ['two in a row', `{"a":\n{"a":\n${two}\n${three}`, ['!invalid-json', '!invalid-json', 'two', 'three']],
    ['glued to the next', `${cut}${two}\n${three}`, ['!invalid-json', 'three']],
    ['a text line', `${one}\nhello {"a":\n${two}`, ['one', '!invalid-json', 'two']],
    ['a text line like YAML', `${one}\nerror: it broke\n${two}`, ['one', '!invalid-json', 'two']],
    [
      'in an array',
      `[\n  ${one},\n  ${cut}\n  ${two},\n  x${three},\n  ${three}\n]`,
      ['one', '!invalid-json', 'two', '!invalid-json', 'three'],
    ],
    ['the first of an array', `[\n  x${one},\n  ${two}\n]`, ['!invalid-json', 'two']],
    [
      'pretty-printed',
      `${one}\n${pretty('two').replace('"verb":', '"verb"')}\n${three}`,
      ['one', '!invalid-json', 'three'],
    ],
  ])('%s', (_, input, expected) => {
    // What is left of a broken pretty-printed record is bad line by line.
    const told = words(read(input)).filter(
      (word, place, all) =>
        word !== '!invalid-json' ||
        all[place - 1] !== word ||
        expected.join().includes('!invalid-json,!invalid-json'),
    );
    expect(told).toEqual(expected);
  });

  test('the dead letter is the line as it came, and the detail quotes nothing of it', () => {
    const line = sampleLine({ requestObject: { data: 'secret' } }).replace('"verb"', 'verb');
    expect(read(`${one}\n${line}\r\n`)[1]).toEqual({
      bad: 'invalid-json',
      line: 2,
      detail: 'not valid JSON',
      bytes: `${line}\r`,
    });
  });

  test.each([
    '{"kind":"Event","apiVersion":"audit',
    '{"kind":',
    '{',
    '{"a":tr',
    two.slice(0, -1),
    pretty('x').slice(0, 300),
  ])('a tail that is cut off is truncated: %j', (tail) => {
    expect(words(read(`${one}\n${tail}`))).toEqual(['one', '!truncated']);
  });

  test('every cut of a line gives the event only when it is whole', () => {
    for (let length = 1; length < one.length; length++) {
      expect(words(read(one.slice(0, length)))).toEqual(['!truncated']);
    }
    expect(words(read(one))).toEqual(['one']);
  });
});

describe('a body is never read as a record', () => {
  const body = { items: [sample({ auditID: 'forged' })] };

  test('when the pretty-printed record around it is broken', () => {
    const text = JSON.stringify(sample({ auditID: 'two', requestObject: body }), undefined, 2);
    const lines = text.split('\n');
    for (let broken = 0; broken < lines.length; broken++) {
      const input = [one, ...lines.slice(0, broken), 'x"', ...lines.slice(broken + 1), three].join('\n');
      expect(words(read(input))).not.toContain('forged');
      expect(words(read(input))).toContain('three');
      // Cut off at the beginning, as rotation would, and at the end.
      expect(words(read(lines.slice(0, broken).join('\n')))).not.toContain('forged');
    }
  });

  test('when the file begins inside of the record', () => {
    const lines = JSON.stringify(sample({ auditID: 'two', requestObject: body }), undefined, 2).split('\n');
    const member = lines.findIndex((line) => line.includes('"items"'));
    for (let from = 1; from <= member; from++) {
      expect(words(read([...lines.slice(from), three].join('\n')))).not.toContain('forged');
    }
  });
});

describe('sizes', () => {
  test('a valid line of 30 MB is used', () => {
    const line = sampleLine({ requestObject: { data: 'x'.repeat(30_000_000) } });
    const chunks = Array.from({ length: 460 }, () => 65_536);
    expect(words(read(`${one}\n${line}\n${three}`, {}, chunks))).toEqual(['one', 'a1', 'three']);
  });

  test('a record that is too large is bad with its first 64 KiB, and reading goes on at the next line', () => {
    const line = sampleLine({ requestObject: { data: 'x'.repeat(300_000) } });
    const told = read(`${one}\n${line}\n${three}`, { maxRecordBytes: 200_000 }, [70_000, 70_000, 70_000]);
    expect(words(told)).toEqual(['one', '!too-large', 'three']);
    expect(told[1]).toMatchObject({ line: 2, bytes: line.slice(0, 65_536) });
  });

  test('a line without end is read record by record, or given up in bounded memory', () => {
    const { sink, told } = collector();
    const reader = new RecordReader(sink, { maxRecordBytes: 5000 });
    for (let i = 0; i < 100; i++) reader.push(Buffer.from(one));
    expect(told.length).toBeGreaterThan(90);
    for (let i = 0; i < 100; i++) reader.push(Buffer.from('x'.repeat(10_000)));
    reader.push(Buffer.from(`\n${two}`));
    reader.end();
    expect(words(told)).toEqual([...Array<string>(99).fill('one'), '!too-large', 'two']);
  });

  test('a record over many lines that is too large costs its lines alone', () => {
    const large = JSON.stringify(
      sample({ requestObject: Array.from({ length: 5000 }, (_, i) => i) }),
      undefined,
      1,
    );
    expect(words(read(`${one}\n${large}\n${three}`, { maxRecordBytes: 20_000 }))).toEqual(
      expect.arrayContaining(['one', '!too-large', 'three']),
    );
  });
});

describe('floods', () => {
  /** Lines that are read again in vain are the only thing that can make reading more than linear. */
  const flood = 100_000;

  test.each([
    ['[', '[\n', 1],
    [']', ']\n', flood],
    ['{', '{\n', flood],
    ['{"a":', '{"a":\n', flood],
    ['{"a":[', '{"a":[\n', flood],
    ['{"a":[ in an array', '[{"a":[\n', flood],
    [',', ',\n', 0],
    ['{"a":1', '{"a":1\n', flood],
    ['"a"', '"a"\n', flood],
    ['---', '---\n', 0],
    ['a CRI part', '2023-05-17T08:00:00.000000000Z stdout P {\n', 1],
  ])('of %j end, with one record after them', (_, line, bad) => {
    const told = words(read(line.repeat(flood) + one));
    expect(told.filter((word) => word === 'one').length).toBe(1);
    expect(told.filter((word) => word.startsWith('!') || word === 'other-log-stream').length).toBe(bad);
  });

  test('of brackets in one line end', () => {
    expect(words(read(`${'['.repeat(1_000_000)}\n${one}`))).toEqual(['one', '!truncated']);
    expect(words(read(`${'{"a":'.repeat(200_000)}\n${one}`))).toEqual(['!invalid-json', 'one']);
    expect(words(read(`{"a":${'['.repeat(500_000)}${']'.repeat(500_000)}}\n${one}`))).toEqual([
      'not-an-audit-event',
      'one',
    ]);
  });

  test('of beginnings with large remainders end: each line is read again a bounded number of times', () => {
    const filler = `${JSON.stringify({ a: 'x'.repeat(100) })},\n`.repeat(100);
    const told = read(`{"a":[\n${filler}`.repeat(300) + one);
    expect(words(told).filter((word) => word === 'one')).toHaveLength(1);
  });
});

describe('the bound on reading again', () => {
  const broken = '{"a":\n';

  test('leaves a record over several lines alone behind a few beginnings that lead nowhere', () => {
    expect(words(read(`${broken.repeat(10)}${pretty('two')}\n${three}`)).slice(-2)).toEqual(['two', 'three']);
  });

  test('asks of a line behind many of them that it is a record by itself', () => {
    const told = words(read(`${broken.repeat(40)}${pretty('two')}\n${three}`));
    expect(told).not.toContain('two');
    expect(told.at(-1)).toBe('three');
  });
});

describe('encodings', () => {
  test.each([
    ['little-endian', Buffer.from(`\ufeff${one}\n${two}\n`, 'utf16le')],
    ['big-endian', Buffer.from(`\ufeff${one}\n${two}\n`, 'utf16le').swap16()],
  ])('an origin in UTF-16 (%s) is one bad record', (_, bytes) => {
    expect(words(read(bytes))).toEqual(['!wrong-encoding']);
    expect(words(read(bytes, {}, [1, 1, 5]))).toEqual(['!wrong-encoding']);
  });
});

describe('the cluster field', () => {
  const cluster = (input: string): (string | undefined)[] =>
    read(input, { clusterField: 'cluster' }).map((each) => ('event' in each ? each.cluster : 'none'));
  const inner = sampleLine({ cluster: 'inner' });

  test.each([
    ['beside the fields of the event', sampleLine({ cluster: 'prod' }), ['prod']],
    ['absent', one, [undefined]],
    ['of another type', sampleLine({ cluster: 5 }), [undefined]],
    [
      'twice: the last one counts',
      sampleLine({ cluster: 'first' }).replace(/}$/, ',"cluster":5}'),
      [undefined],
    ],
    ['inside of a body', sampleLine({ requestObject: { cluster: 'forged' } }), [undefined]],
    ['inside of user.extra', sampleLine({ user: { extra: { cluster: ['forged'] } } }), [undefined]],
    ['on a wrapping record', JSON.stringify({ log: inner, cluster: 'prod' }), ['prod']],
    ['inside of a wrapping record only', JSON.stringify({ log: inner }), [undefined]],
    ['inside of a nested object only', JSON.stringify({ json: sample({ cluster: 'inner' }) }), [undefined]],
    ['on an EventList', JSON.stringify({ kind: 'EventList', items: [sample()], cluster: 'prod' }), ['prod']],
    [
      'on the items of an EventList',
      JSON.stringify({ kind: 'EventList', items: [sample({ cluster: 'a' }), sample({ cluster: 'b' })] }),
      ['a', 'b'],
    ],
    [
      'on the elements of an array',
      `[${sampleLine({ cluster: 'a' })},${sampleLine({ cluster: 'b' })}]`,
      ['a', 'b'],
    ],
    [
      'on AKS records',
      JSON.stringify({ records: [{ category: 'kube-audit', cluster: 'a', properties: { log: inner } }] }),
      ['a'],
    ],
    ['in a message of a list', JSON.stringify({ events: [{ message: inner }] }), [undefined]],
    [
      'behind a prefix',
      `2023-05-17T08:00:00.000000000Z stdout F ${sampleLine({ cluster: 'prod' })}`,
      ['prod'],
    ],
    ['written with escapes', sampleLine().replace('{', '{"clu\\u0073ter":"prod",'), ['prod']],
  ])('%s', (_, input, expected) => {
    expect(cluster(input)).toEqual(expected);
  });

  test('may be a key of the event itself', () => {
    const told = read(one, { clusterField: 'auditID' });
    expect(told).toMatchObject([{ cluster: 'one', event: { auditID: 'one' } }]);
  });

  test.each(['__proto__', 'constructor', 'toString'])('may be named %s', (clusterField) => {
    expect(read(one, { clusterField })).toMatchObject([{ cluster: undefined }]);
    expect(read(one.replace('{', `{"${clusterField}":"prod",`), { clusterField })).toMatchObject([
      { cluster: 'prod' },
    ]);
  });
});

test('a reader serves one origin after another', () => {
  const { sink, told } = collector();
  const reader = new RecordReader(sink);
  for (const input of [one, `{"a":\n`, `[\n${two},`, '\n']) {
    reader.push(Buffer.from(input));
    reader.end();
  }
  expect(told.map((each) => each.line)).toEqual([1, 1, 2, 2, 1]);
  expect(words(told)).toEqual(['one', '!truncated', 'two', '!truncated', 'blank']);
});

test('the sink hears the same whatever the chunks are', () => {
  const pieces = fc.constantFrom(
    one,
    two,
    pretty('three'),
    '[',
    ']',
    ',',
    '\n',
    '\n',
    '\n',
    '\r\n',
    ' ',
    '\0',
    '\ufeff',
    '{"a":',
    '{',
    '}',
    'text',
    '---\n',
    'kind: Event\n',
    '2023-05-17T08:00:00.000000000Z stdout P {"kind"',
    '2023-05-17T08:00:00.000000000Z stdout F :5}\n',
    one.slice(0, 90),
    JSON.stringify({ log: two }),
    '\u00fc',
    '  ',
  );
  fc.assert(
    fc.property(
      fc.array(pieces, { maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 900 })),
      fc.constantFrom(undefined, 100, 3000),
      (parts, chunks, max) => {
        const input = parts.join('');
        const options = max === undefined ? {} : { maxRecordBytes: max };
        const whole = read(input, options);
        expect(read(input, options, chunks)).toEqual(whole);
        expect(
          read(
            input,
            options,
            Array.from({ length: input.length }, () => 1),
          ),
        ).toEqual(whole);
      },
    ),
    { numRuns: 500 },
  );
});

test('no bytes make it throw, and every line of text is told of', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.string({ unit: fc.constantFrom(...'{}[]",:\\ \n\r\0ae1-') }).map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        read(bytes);
      },
    ),
    { numRuns: 5000 },
  );
});

test('the last of a fold of events is whole', () => {
  expect(events(read(`${one}\n${two}`)).at(-1)).toMatchObject({
    auditID: 'two',
    user: {
      extra: [
        ['authentication.kubernetes.io/pod-name', ['p-1']],
        ['verb', ['delete']],
      ],
    },
    code: 200,
    reason: 'RBAC: allowed by RoleBinding "rb1/dev" of Role "r1" to User "alice"',
  });
});
