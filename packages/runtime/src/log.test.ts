import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createLog, createNullLog, Secret } from './index.ts';
import type { LogFields, LogLevel } from './index.ts';

function logged(level: LogLevel = 'debug') {
  const lines: string[] = [];
  const log = createLog({ name: 'test', level, write: (line) => lines.push(line) });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> };
}

function line(fields: LogFields): Record<string, unknown> {
  const { log, last } = logged();
  log.info('message', fields);
  return last();
}

test('one JSON object a line: level by name, time, name, message, fields; those of children too', () => {
  const { log, lines, last } = logged();
  log.child({ component: 'consumer' }).child({ partition: 3 }).warn('lost', { offset: '17' });
  expect(last()).toMatchObject({
    level: 'warn',
    name: 'test',
    msg: 'lost',
    component: 'consumer',
    partition: 3,
  });
  expect(last()['offset']).toBe('17');
  expect(last()['time']).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  expect(lines[0]?.endsWith('}\n')).toBe(true);
});

test('only what is at or above the level is said, and fields of the rest are not read', () => {
  const { log, lines } = logged('warn');
  let reads = 0;
  const fields = {
    get costly() {
      return (reads += 1);
    },
  };
  log.debug('a', fields);
  log.info('b', fields);
  log.warn('c');
  log.error('d');
  log.fatal('e');
  expect(lines.map((each) => (JSON.parse(each) as { msg: string }).msg)).toEqual(['c', 'd', 'e']);
  expect(reads).toBe(0);
});

test.each([
  'password',
  'redisPassword',
  'REDIS_PASSWORD',
  'token',
  'access_token',
  'claimToken',
  'authorization',
  'Proxy-Authorization',
  'clientSecret',
  'api-key',
  'privateKey',
  'cookie',
])('the field %s is hidden at any depth, in children and in errors', (key) => {
  expect(line({ [key]: 'hunter2', a: [{ [key]: ['hunter2'] }] })).toMatchObject({
    [key]: '***',
    a: [{ [key]: '***' }],
  });
  const { log, lines } = logged();
  log.child({ [key]: 'hunter2' }).info('x', { err: Object.assign(new Error('x'), { [key]: 'hunter2' }) });
  expect(lines.join()).not.toContain('hunter2');
});

test('secrets and credentials in URLs are hidden in every text', () => {
  const { log, lines } = logged();
  const url = 'redis://user:hunter2@redis:6379/0';
  log.error(`at ${url}`, {
    err: new Error(`no answer from ${url}`, { cause: `https://hunter2@forge/x` }),
    url: new URL(url),
    value: new Secret('hunter2'),
    long: `${'x'.repeat(4090)}//hunter2hunter2@`,
  });
  expect(lines.join()).not.toContain('hunt');
  expect(line({ url })['url']).toBe('redis://***@redis:6379/0');
});

test('errors keep code, stack and the chain of causes, bounded even where it is a circle', () => {
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  const err = new AggregateError([new Error('one')], 'no broker', { cause });
  const logged = line({ err })['err'] as Record<string, unknown>;
  expect(logged).toMatchObject({
    type: 'AggregateError',
    message: 'no broker',
    errors: [{ message: 'one' }],
    cause: { type: 'Error', message: 'refused', code: 'ECONNREFUSED' },
  });
  expect(String(logged['stack'])).toContain('log.test.ts');
  cause.cause = err;
  expect(JSON.stringify(line({ err })).split('no broker').length).toBeLessThan(30);
});

test('long texts are cut, never inside a character; big, deep and circular values too', () => {
  const text = line({ text: `${'x'.repeat(4095)}😀${'y'.repeat(1_000_000)}` })['text'];
  expect(text).toBe(`${'x'.repeat(4095)}… (cut)`);
  const wide = Array.from({ length: 300 }, (_, a) => ({ a, b: Array.from({ length: 300 }, (_, b) => b) }));
  expect(JSON.stringify(line({ wide })).length).toBeLessThan(10_000);
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  expect(JSON.stringify(line({ circle })['circle'])).toBe(`${'{"self":'.repeat(5)}"[cut]"${'}'.repeat(5)}`);
  expect(line({ bytes: new Uint8Array(10_000) })['bytes']).toBe('[10000 bytes]');
});

test('numbers that JSON lacks, dates, maps, sets, functions and getters that throw become texts', () => {
  const fields = {
    big: 2n ** 64n,
    nan: Number.NaN,
    date: new Date(0),
    bad: new Date(Number.NaN),
    map: new Map([['a', 1]]),
    call: () => 1,
    nothing: null,
    get thrown() {
      throw new Error('no');
    },
  };
  expect(line(fields)).toMatchObject({
    big: '18446744073709551616',
    nan: 'NaN',
    date: '1970-01-01T00:00:00.000Z',
    bad: 'invalid date',
    map: [['a', 1]],
    call: '[function]',
    nothing: null,
    thrown: '[unreadable]',
  });
});

test('a field cannot stand for what the logger says itself', () => {
  expect(line({ level: 'fatal', msg: 'fake', time: 'never', name: 'other' })).toMatchObject({
    level: 'info',
    msg: 'message',
    name: 'test',
    level_: 'fatal',
    msg_: 'fake',
    time_: 'never',
    name_: 'other',
  });
});

test('control and bidirectional characters are escaped, in messages, keys and values, and read back', () => {
  const { log, lines, last } = logged();
  const evil = 'a\u0000\u001b[31m\u0085\u009b\n\u2028\u2029\u202e\u2066\u200b\ufeffz';
  log.info(evil, { [evil]: evil });
  expect(lines[0]).not.toMatch(
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/,
  );
  expect(lines[0]?.match(/\n/g)).toHaveLength(1);
  expect(last()).toMatchObject({ msg: evil, [evil]: evil });
});

test('any fields make one line of JSON', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.dictionary(fc.string({ unit: 'binary' }), fc.anything()),
      (text, fields) => {
        const { log, lines, last } = logged();
        log.info(text, fields);
        expect(lines).toHaveLength(1);
        expect(last()['level']).toBe('info');
      },
    ),
  );
});

test('__proto__ is a field as any other', () => {
  line(JSON.parse('{"__proto__":{"polluted":true},"a":{"__proto__":{"polluted":true}}}') as LogFields);
  expect({}).not.toHaveProperty('polluted');
});

test('a null log takes all and says nothing', () => {
  const log = createNullLog();
  expect(() => log.child({ a: 1 }).error('x', { b: 2 })).not.toThrow();
});
