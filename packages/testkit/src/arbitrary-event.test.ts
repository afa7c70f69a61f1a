import { attribute, createAttributeContext } from '@leastwise/audit-event';
import type { AuditEvent } from '@leastwise/audit-event';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { arbitraryEvent, arbitraryLog, arbitraryRequest } from './arbitrary-event.ts';

const CONTEXT = createAttributeContext({ keyHex: '0123456789abcdef' });
const SAMPLES = fc.sample(arbitraryRequest(), { seed: 1, numRuns: 3000 });

describe('arbitraryRequest', () => {
  test('says of each request what attribution finds in its events', () => {
    fc.assert(
      fc.property(arbitraryRequest(), ({ events, outcome, subject, permissions }) => {
        for (const event of events) {
          const found = attribute(event, 'default', CONTEXT);
          if (event.stage === 'RequestReceived') {
            expect(found.kind).toBe('received');
          } else if (outcome === 'uncounted') {
            expect(found.kind).toBe('skip');
          } else {
            expect(found).toMatchObject({ kind: 'request', request: { outcome, need: { subject } } });
          }
        }
        const last = events.at(-1);
        const end = last && attribute(last, 'default', CONTEXT);
        if (end?.kind === 'request') expect(end.request.need.permissions).toEqual(permissions);
      }),
      { numRuns: 500 },
    );
  });

  const occurs: readonly (readonly [what: string, (event: AuditEvent) => boolean])[] = [
    [
      'a name seen by the authorizer in a list',
      (e) => e.verb === 'list' && e.requestURI.includes('fieldSelector='),
    ],
    [
      'a name in the body of a create',
      (e) => e.verb === 'create' && e.objectRef?.subresource === '' && e.objectRef.name !== '',
    ],
    ['a create of a subresource', (e) => e.verb === 'create' && e.objectRef?.subresource === 'eviction'],
    ['a patch that made its object', (e) => e.verb === 'patch' && e.code === 201],
    ['an exec by WebSocket', (e) => e.verb === 'get' && e.objectRef?.subresource === 'exec'],
    ['a non-resource request', (e) => e.objectRef === undefined],
    ['an impersonation', (e) => e.impersonatedUser !== undefined],
    ['a constrained impersonation', (e) => e.impersonationConstraint !== ''],
    ['a failed authentication', (e) => e.code === 401 && e.stage === 'ResponseStarted'],
    ['a refusal by RBAC', (e) => e.decision === 'forbid'],
    ['a refusal by admission', (e) => e.decision === 'allow' && e.code === 403],
    ['no decision', (e) => e.stage === 'ResponseComplete' && e.decision === ''],
    ['another authorizer', (e) => e.reason === 'access granted by IAM'],
    ['a grant to system:masters', (e) => e.user.groups.includes('system:masters') && e.reason === ''],
    ['a grant to a group', (e) => e.reason?.includes('to Group') ?? false],
    ['an item request on a namespace', (e) => e.objectRef?.resource === 'namespaces' && e.verb === 'get'],
    ['a dry run', (e) => e.requestURI.includes('dryRun')],
    ['a panic', (e) => e.stage === 'Panic'],
    ['a username with NUL', (e) => e.user.username.includes('\0')],
    ['an extra key that is a prototype', (e) => e.user.extra.some(([key]) => key === '__proto__')],
  ];
  test.each(occurs)('makes %s', (_what, is) => {
    expect(SAMPLES.some(({ events }) => events.some(is))).toBe(true);
  });
});

describe('arbitraryLog', () => {
  test('holds every event of its requests, and nothing else', () => {
    fc.assert(
      fc.property(arbitraryLog(), ({ requests, events }) => {
        expect(new Set(events)).toEqual(new Set(requests.flatMap((request) => request.events)));
      }),
    );
  });

  test('makes requests that differ, some under one auditID', () => {
    const logs = fc.sample(arbitraryLog(), { seed: 2, numRuns: 200 });
    for (const { requests } of logs) {
      const times = requests.map(({ events }) => events[0]?.receivedAtUs);
      expect(new Set(times).size).toBe(requests.length);
    }
    const sharesID = logs.some(({ requests }) => {
      const ids = requests.map(({ events }) => events[0]?.auditID);
      return new Set(ids).size < ids.length;
    });
    expect(sharesID).toBe(true);
  });

  test('makes duplicates, and is the same for the same seed', () => {
    const logs = fc.sample(arbitraryLog(), { seed: 3, numRuns: 20 });
    expect(logs.some(({ events }) => new Set(events).size < events.length)).toBe(true);
    expect(fc.sample(arbitraryLog(), { seed: 3, numRuns: 20 })).toEqual(logs);
    expect(fc.sample(arbitraryEvent(), { seed: 3, numRuns: 20 })).toEqual(
      fc.sample(arbitraryEvent(), { seed: 3, numRuns: 20 }),
    );
  });
});
