import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { halfSipHash, parseHalfSipKey } from './half-sip-hash.ts';
import { createIdentityHasher, IdentityKeyError } from './identity.ts';
import { auditEvent, user } from './testing/audit-event.ts';
import type { AuditEvent, Occurrence } from './types.ts';

const KEY = '0001020304050607';
const hasher = createIdentityHasher(KEY);

function id(overrides: Partial<AuditEvent> = {}, cluster = 'default'): string {
  const { hi, lo } = hasher.identityOf(auditEvent(overrides), cluster);
  return `${hi.toString(16)}-${lo.toString(16)}`;
}

describe('identity', () => {
  it.each<[string, Partial<AuditEvent>]>([
    ['stage', { stage: 'ResponseStarted' }],
    ['code', { code: 0 }],
    ['decision and reason', { decision: '', reason: undefined }],
    ['user agent', { userAgent: 'other' }],
    ['groups and UID of the real user', { user: user({ uid: '7', groups: [] }) }],
    ['objectRef', { objectRef: undefined }],
  ])('row 6: is the same for every stage and copy, whatever the %s', (_, overrides) => {
    expect(id(overrides)).toBe(id());
  });

  it.each<[string, Partial<AuditEvent>]>([
    ['auditID', { auditID: 'x' }],
    ['time received', { receivedAtUs: 1_795_225_281_605_337 }],
    ['time received, by 2^32 µs', { receivedAtUs: 1_795_225_281_605_336 + 4_294_967_296 }],
    ['verb', { verb: 'list' }],
    ['request URI', { requestURI: '/api/v1/namespaces/dev/pods/p2' }],
    ['username', { user: user({ username: 'bob' }) }],
    ['impersonated user', { impersonatedUser: user() }],
  ])('an auditID chosen by the client hides nothing: another %s is another request', (_, overrides) => {
    expect(id(overrides)).not.toBe(id());
  });

  it('row 27: is apart in two clusters', () => {
    expect(id({}, 'a')).not.toBe(id({}, 'b'));
  });

  it('depends on everything about the impersonated user', () => {
    const variants = [
      user(),
      user({ username: 'bob' }),
      user({ uid: '1' }),
      user({ groups: [] }),
      user({ groups: ['a', 'b'] }),
      user({ groups: ['b', 'a'] }),
      user({ groups: ['ab'] }),
      user({ extra: [['k', []]] }),
      user({ extra: [['k', ['v']]] }),
      user({ extra: [['k', ['v', 'w']]] }),
      user({ extra: [['k', ['v']], ['w', []]] }), // prettier-ignore
    ];
    expect(new Set(variants.map((impersonatedUser) => id({ impersonatedUser })))).toHaveLength(
      variants.length,
    );
  });

  it('does not depend on the order of extra keys, which a shipper may change', () => {
    const forwards = user({ extra: [['a', ['1']], ['b', ['2']]] }); // prettier-ignore
    const backwards = user({ extra: [['b', ['2']], ['a', ['1']]] }); // prettier-ignore
    expect(id({ impersonatedUser: backwards })).toBe(id({ impersonatedUser: forwards }));
  });

  it('of RequestReceived is found again without the impersonated user', () => {
    const received = auditEvent({ stage: 'RequestReceived', code: 0, decision: '', reason: undefined });
    const complete = auditEvent({ impersonatedUser: user({ username: 'bob' }) });
    expect(hasher.baseIdentityOf(complete, 'c')).toEqual(hasher.identityOf(received, 'c'));
    expect(hasher.identityOf(complete, 'c')).not.toEqual(hasher.identityOf(received, 'c'));
    expect(hasher.baseIdentityOf(received, 'c')).toEqual(hasher.identityOf(received, 'c'));
  });

  it('is the same from every hasher with the key, and another with another key', () => {
    const event = auditEvent();
    expect(createIdentityHasher(KEY).identityOf(event, 'c')).toEqual(hasher.identityOf(event, 'c'));
    expect(createIdentityHasher('1001020304050607').identityOf(event, 'c')).not.toEqual(
      hasher.identityOf(event, 'c'),
    );
  });

  it('is two unsigned 32-bit halves', () => {
    fc.assert(
      fc.property(fc.string(), (auditID) => {
        const { hi, lo } = hasher.identityOf(auditEvent({ auditID }), 'c');
        expect([hi >>> 0, lo >>> 0]).toEqual([hi, lo]);
      }),
    );
  });

  it('refuses a key that is not 16 hexadecimal digits', () => {
    expect(() => createIdentityHasher('secret')).toThrow(IdentityKeyError);
  });
});

describe('the identity of an event that repeats', () => {
  const occurrenceOf = ({ auditID, receivedAtUs, shape = {} }: AuditEvent): Occurrence => {
    const bytes = Buffer.from(`{"auditID":"${auditID}"}`);
    const auditIDStart = 12;
    return {
      ...{ shape, receivedAtUs, bytes, start: 0, end: bytes.length },
      ...{ auditIDStart, auditIDEnd: auditIDStart + auditID.length },
      event: () => auditEvent({ auditID, receivedAtUs }),
    };
  };

  it('is that of the event', () => {
    const ascii = fc.string({ unit: 'grapheme-ascii', maxLength: 70 });
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    const us = fc.maxSafeNat();
    fc.assert(
      fc.property(
        fc.record({ cluster: text, verb: text, requestURI: text, username: text }),
        fc.array(fc.tuple(ascii, us), { minLength: 1, maxLength: 5 }),
        ({ cluster, verb, requestURI, username }, repeats) => {
          const common = { verb, requestURI, user: user({ username }) };
          const frame = hasher.frameOf(auditEvent(common), cluster);
          const identity = { hi: 0, lo: 0 };
          for (const [auditID, receivedAtUs] of repeats) {
            const event = auditEvent({ ...common, auditID, receivedAtUs });
            hasher.repeatedIdentity(frame, occurrenceOf(event), identity);
            expect(identity).toEqual(hasher.baseIdentityOf(event, cluster));
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('the framing of an identity', () => {
  it('keeps fields apart: characters that move to the neighbouring field make another request', () => {
    const text = fc.string({ unit: 'binary', maxLength: 12 });
    fc.assert(
      fc.property(fc.array(text, { minLength: 4, maxLength: 4 }), fc.nat(50), fc.nat(50), (fields, a, b) => {
        const all = fields.join('');
        const cuts = [a % (all.length + 1), b % (all.length + 1)].sort((x, y) => x - y);
        const moved = [all.slice(0, cuts[0]), all.slice(cuts[0], cuts[1]), all.slice(cuts[1]), ''];
        expect(idOf(moved) === idOf(fields)).toBe(moved.every((field, i) => field === fields[i]));
      }),
      { numRuns: 500 },
    );
  });

  function idOf([auditID = '', verb = '', requestURI = '', username = '']: readonly string[]): string {
    return id({ auditID, verb, requestURI, user: user({ username }) });
  }

  it.each([
    ['a\0', 'a'],
    ['', '\0'],
    ['\u0100', '\0\u0001'],
    ['\u6161', 'aa'],
    ['\u6161\u6161', 'aaaa'],
    ['\u{D800}', '\u{FFFD}'],
  ])('keeps %j and %j apart, whatever their width and padding', (one, other) => {
    expect(id({ auditID: one })).not.toBe(id({ auditID: other }));
  });

  it('is as documented', () => {
    const event = auditEvent({
      auditID: 'abcde',
      receivedAtUs: 4_294_967_296 * 3 + 7,
      verb: 'é',
      requestURI: '/☸x',
      user: user({ username: '' }),
    });
    const words = Int32Array.of(
      ...[1 << 1, 0x63],
      ...[5 << 1, 0x64636261, 0x65],
      ...[7, 3],
      ...[1 << 1, 0xe9],
      ...[(3 << 1) | 1, 0x2638002f, 0x78],
      ...[0],
    );
    const key = parseHalfSipKey(KEY) ?? { k0: 0, k1: 0 };
    expect(hasher.identityOf(event, 'c')).toEqual(
      halfSipHash(words, words.length, (words.length * 4) << 24, key),
    );
  });

  it('takes a megabyte, and hashes the next event as before', () => {
    const before = id();
    const long = id({ requestURI: `/${'x'.repeat(1_000_000)}` });
    expect(id({ requestURI: `/${'x'.repeat(1_000_000)}` })).toBe(long);
    expect(id({ requestURI: `/${'x'.repeat(999_999)}y` })).not.toBe(long);
    expect(
      id({ auditID: auditEvent().auditID.toUpperCase(), requestURI: `/${'x'.repeat(1_000_000)}` }),
    ).not.toBe(long);
    expect(id()).toBe(before);
  });
});
