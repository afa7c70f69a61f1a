import { describe, expect, test } from 'vitest';

import { readWatchEvent } from './watch-event.ts';

const ROLE = { metadata: { namespace: 'shop', name: 'cart', uid: 'u1', resourceVersion: '7' }, rules: [] };
const line = (type: string, object: unknown): string => JSON.stringify({ type, object });

describe('a line of a watch', () => {
  test.each(['ADDED', 'MODIFIED'])('%s sets an object', (type) => {
    expect(readWatchEvent(line(type, ROLE))).toEqual({
      kind: 'set',
      object: { namespace: 'shop', name: 'cart', uid: 'u1', resourceVersion: '7', value: ROLE },
    });
  });

  test('DELETED takes it away', () => {
    expect(readWatchEvent(line('DELETED', ROLE))).toMatchObject({
      kind: 'deleted',
      object: { name: 'cart' },
    });
  });

  test('a bookmark names a version', () => {
    const bookmark = line('BOOKMARK', { kind: 'Role', metadata: { resourceVersion: '12' } });
    expect(readWatchEvent(bookmark)).toEqual({ kind: 'bookmark', resourceVersion: '12' });
  });

  test('410 says that the version is too old', () => {
    expect(readWatchEvent(line('ERROR', { kind: 'Status', code: 410, reason: 'Expired' }))).toEqual({
      kind: 'expired',
    });
  });

  test.each([
    ['another error', line('ERROR', { kind: 'Status', code: 500, message: 'etcd is gone' }), 'etcd is gone'],
    ['an error without a message', line('ERROR', {}), 'an error without a message'],
    ['no JSON', '{"type":"ADDED","obj', 'a line that is no event'],
    ['an object without a name', line('ADDED', { metadata: {} }), 'a line that is no event'],
    ['an object without a version', line('ADDED', { metadata: { name: 'x' } }), 'a line that is no event'],
    ['a bookmark without a version', line('BOOKMARK', { metadata: {} }), 'a line that is no event'],
    ['an unknown type', line('RENAMED', ROLE), 'an event of an unknown type'],
    ['a list', '[]', 'a line that is no event'],
  ])('%s is a failure, never passed over', (_, text, message) => {
    expect(readWatchEvent(text)).toEqual({ kind: 'failed', message });
  });
});
