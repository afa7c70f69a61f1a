import { arbitraryLog, auditEvent, HOSTILE_TEXTS, userInfo } from '@leastwise/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { RecordReader } from './decode/index.ts';
import { encodeEvent } from './encode-event.ts';
import type { AuditEvent } from './types.ts';

function read(text: string): unknown[] {
  const seen: unknown[] = [];
  const reader = new RecordReader({
    event: (event) => seen.push(event),
    skipped: (reason) => seen.push(reason),
    bad: (reason, _line, detail) => seen.push({ reason, detail }),
  });
  reader.push(Buffer.from(text));
  reader.end();
  return seen;
}

describe('encodeEvent', () => {
  it('is read back as the same event', () => {
    fc.assert(
      fc.property(arbitraryLog(), ({ events }) => {
        for (const event of events) expect(read(encodeEvent(event))).toEqual([event]);
      }),
    );
  });

  it.each(HOSTILE_TEXTS.filter((text) => Buffer.from(text).toString() === text))(
    'keeps %j wherever it stands',
    (text) => {
      const event: AuditEvent = auditEvent({
        auditID: text,
        requestURI: text,
        verb: text,
        userAgent: text,
        user: userInfo({ username: text, uid: text, groups: [text], extra: [[text, [text]]] }),
        impersonatedUser: userInfo({ username: text }),
        code: 403,
        statusMessage: text,
        reason: text,
      });
      expect(read(encodeEvent(event))).toEqual([event]);
    },
  );

  it.each([0, 1, 999_999, 1_700_000_000_123_456, 4_102_444_800_000_000])('keeps the time %d', (us) => {
    expect(read(encodeEvent(auditEvent({ receivedAtUs: us })))).toEqual([auditEvent({ receivedAtUs: us })]);
  });

  it('keeps keys that objects are wary of, and an absent reason apart from an empty one', () => {
    const event = auditEvent({
      user: userInfo({
        username: 'a',
        extra: [
          ['__proto__', ['x']],
          ['constructor', []],
        ],
      }),
      reason: undefined,
      decision: '',
    });
    expect(read(encodeEvent(event))).toEqual([event]);
    expect(read(encodeEvent({ ...event, reason: '' }))).toEqual([{ ...event, reason: '' }]);
  });
});
