import fc from 'fast-check';
import { expect, test } from 'vitest';

import { arbitraryEvent } from './arbitrary-event.ts';
import { auditEvent, auditEventLine, auditLog, microTime, userInfo } from './audit-event-line.ts';

test('a line reads as kube-apiserver writes it', () => {
  const event = auditEvent({
    requestURI: '/api/v1/namespaces/default/pods?limit=500&watch=true',
    verb: 'watch',
  });
  const line = auditEventLine(event, {
    requestObject: { kind: 'Pod' },
    annotations: { 'k8s.io/deprecated': 'true' },
  });
  expect(line).toContain(
    String.raw`"requestURI":"/api/v1/namespaces/default/pods?limit=500\u0026watch=true"`,
  );
  expect(line).toContain(String.raw`Role \"reader\" to User \"alice\""`);
  const keys = Object.keys(JSON.parse(line) as object);
  expect(keys).toEqual(
    (
      'kind apiVersion level auditID stage requestURI verb user sourceIPs userAgent objectRef responseStatus ' +
      'requestObject requestReceivedTimestamp stageTimestamp annotations'
    ).split(' '),
  );
});

test('what is empty is left out, an empty reason is not', () => {
  const user = userInfo({ username: '', groups: [] });
  const line = auditEventLine(
    auditEvent({ user, objectRef: undefined, decision: '', reason: undefined, code: 0 }),
  );
  expect(JSON.parse(line)).not.toHaveProperty('annotations');
  expect(JSON.parse(line)).not.toHaveProperty('objectRef');
  expect(JSON.parse(line)).toHaveProperty('user', {});
  expect(auditEventLine(auditEvent({ reason: '' }))).toContain('"authorization.k8s.io/reason":""');
});

test('an arrival has no status', () => {
  const line = auditEventLine(
    auditEvent({ stage: 'RequestReceived', code: 0, decision: '', reason: undefined }),
  );
  expect(JSON.parse(line)).not.toHaveProperty('responseStatus');
});

test('an extra key may be __proto__', () => {
  const line = auditEventLine(
    auditEvent({ user: userInfo({ username: 'x', extra: [['__proto__', ['y']]] }) }),
  );
  expect(line).toContain('"extra":{"__proto__":["y"]}');
});

test('times have six decimals, to the microsecond', () => {
  expect(microTime(0)).toBe('1970-01-01T00:00:00.000000Z');
  expect(microTime(1_772_445_600_000_007)).toBe('2026-03-02T10:00:00.000007Z');
  expect(microTime(-1)).toBe('1969-12-31T23:59:59.999999Z');
});

test('every event makes one line of JSON with its own values', () => {
  fc.assert(
    fc.property(arbitraryEvent(), (event) => {
      const log = auditLog([event]);
      expect(log.indexOf('\n')).toBe(log.length - 1);
      const { user, ...rest } = JSON.parse(log) as { user: { username?: string } };
      expect(rest).toMatchObject({
        auditID: event.auditID,
        stage: event.stage,
        requestURI: event.requestURI,
      });
      expect(user.username ?? '').toBe(event.user.username);
    }),
  );
});
