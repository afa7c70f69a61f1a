import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  MACHINE_BLOCK_ROOM,
  type MachineBlock,
  readMachineBlock,
  textFingerprint,
  withMachineBlock,
} from './machine-block.ts';
import { PublishError } from './types.ts';

const token = fc.stringMatching(/^[\w.:+/=-]{1,128}$/);
const block = fc
  .record({ fingerprint: token, text: token, isClosed: fc.boolean() }, { requiredKeys: ['fingerprint'] })
  .map(({ fingerprint, text, isClosed }): MachineBlock => ({
    version: 1,
    fingerprint,
    ...(text !== undefined && { text }),
    ...(isClosed === true && { closedBy: 'leastwise' as const }),
  }));
const SOME: MachineBlock = { version: 1, fingerprint: 'sha256:1' };

/** A block as a person may forge it. */
function forged(json: string): string {
  return `<!-- leastwise-block:${Buffer.from(json).toString('base64url')} -->`;
}

describe('the machine block', () => {
  test('is hidden at the end of the body', () => {
    expect(withMachineBlock('text\n', SOME)).toBe(
      'text\n\n<!-- leastwise-block:eyJ2ZXJzaW9uIjoxLCJmaW5nZXJwcmludCI6InNoYTI1NjoxIn0 -->\n',
    );
  });

  test('comes back from any body, also when the forge changed line ends and space', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), block, (body, written) => {
        const whole = withMachineBlock(body, written);
        expect(readMachineBlock(whole)).toEqual(written);
        expect(readMachineBlock(`${whole.replaceAll('\n', '\r\n').trim()}\r\n\r\n`)).toEqual(written);
      }),
    );
  });

  test('never ends the comment early, and fits the room that bodies leave for it', () => {
    fc.assert(
      fc.property(block, (written) => {
        const whole = withMachineBlock('', written);
        expect(whole.slice(4, -4)).not.toMatch(/--|>/);
        expect(withMachineBlock('text', written).length).toBeLessThanOrEqual(MACHINE_BLOCK_ROOM);
      }),
    );
    const longest = { version: 1, fingerprint: '='.repeat(128), text: '='.repeat(128) };
    const whole = withMachineBlock('text', { ...longest, version: 1, closedBy: 'leastwise' });
    expect(whole.length).toBeLessThanOrEqual(MACHINE_BLOCK_ROOM);
    expect(readMachineBlock(whole)?.closedBy).toBe('leastwise');
  });

  test('replaces the one before: written twice, it is there once', () => {
    fc.assert(
      fc.property(fc.string(), block, block, (body, first, second) => {
        const twice = withMachineBlock(withMachineBlock(body, first), second);
        expect(twice).toBe(withMachineBlock(body, second));
        expect(twice.match(/leastwise-block:/g)).toHaveLength(1);
      }),
    );
  });

  test('what stands around an old block does not become one', () => {
    const nested = `<!-- leastwise-block:AA${forged('{}')} -->`;
    const cleared = withMachineBlock(nested, SOME);
    expect(withMachineBlock(cleared, SOME)).toBe(cleared);
  });

  test('of several the last well-formed one counts', () => {
    const one = forged('{"version":1,"fingerprint":"1"}');
    const two = forged('{"version":1,"fingerprint":"2"}');
    expect(readMachineBlock(`${one}\n${two}`)?.fingerprint).toBe('2');
    expect(readMachineBlock(`${one}\n${forged('{"version":1')}`)?.fingerprint).toBe('1');
  });

  test.each([
    ['no text', ''],
    ['no block', '<!-- leastwise: hello -->'],
    ['not base64url', '<!-- leastwise-block:*** -->'],
    ['not JSON', forged('fingerprint')],
    ['null', forged('null')],
    ['a number', forged('1')],
    ['a list', forged('[1]')],
    ['another version', forged('{"version":2,"fingerprint":"1"}')],
    ['no fingerprint', forged('{"version":1}')],
    ['a fingerprint of another type', forged('{"version":1,"fingerprint":1}')],
    ['a fingerprint with a line break', forged('{"version":1,"fingerprint":"a\\nb"}')],
    ['a text of another type', forged('{"version":1,"fingerprint":"1","text":{}}')],
    ['closed by somebody', forged('{"version":1,"fingerprint":"1","closedBy":"me"}')],
    ['a block without its end', forged('{"version":1,"fingerprint":"1"}').slice(0, -1)],
    [
      'more than a block may hold',
      forged(JSON.stringify({ version: 1, fingerprint: '1', x: 'x'.repeat(500) })),
    ],
  ])('damaged is none: %s', (_, body) => {
    expect(readMachineBlock(body)).toBeUndefined();
  });

  test('reads a hostile body in linear time', () => {
    const body = '<!-- leastwise-block:'.repeat(50_000) + 'A'.repeat(1_000_000);
    expect(readMachineBlock(body)).toBeUndefined();
    expect(textFingerprint('', ' '.repeat(1_000_000) + 'x')).toHaveLength(32);
  });

  test('the text is cut, never the block, where both exceed the limit', () => {
    const whole = withMachineBlock('🔑'.repeat(300), SOME, 301);
    expect(whole.length).toBeLessThanOrEqual(301);
    expect(Buffer.from(whole).toString()).toBe(whole);
    expect(readMachineBlock(whole)).toEqual(SOME);
    expect(readMachineBlock(withMachineBlock('text', SOME, 1))).toEqual(SOME);
    const exact = withMachineBlock('text', SOME);
    expect(withMachineBlock('text', SOME, exact.length)).toBe(exact);
    expect(withMachineBlock('text', SOME, exact.length - 1)).not.toBe(exact);
  });

  test.each(['', 'a b', 'ü', '-->', 'x'.repeat(129)])('refuses a fingerprint %j', (fingerprint) => {
    expect(() => withMachineBlock('', { version: 1, fingerprint })).toThrow(PublishError);
    expect(() => withMachineBlock('', { version: 1, fingerprint: '1', text: fingerprint })).toThrow(
      PublishError,
    );
  });
});

describe('textFingerprint', () => {
  test('ignores line ends, and space at ends', () => {
    const written = textFingerprint('title', 'a\n\nb\n');
    for (const body of ['a\r\n\r\nb', 'a  \n\t\nb \n\n', 'a\r\rb\r']) {
      expect(textFingerprint('title ', body)).toBe(written);
    }
  });

  test('sees everything else, and which is the title', () => {
    const texts = [
      ['a', 'b'],
      ['b', 'a'],
      ['', 'a\nb'],
      ['a', ' b'],
      ['a', '\nb'],
      ['a', 'b\n\nc'],
      ['a', 'b\nc'],
    ] as const;
    expect(new Set(texts.map(([title, body]) => textFingerprint(title, body))).size).toBe(texts.length);
  });
});
