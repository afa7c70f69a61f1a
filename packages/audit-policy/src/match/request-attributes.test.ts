import { auditEvent, userInfo } from '@leastwise/testkit';
import { describe, expect, test } from 'vitest';

import { request, urlRequest } from '../testing/build.ts';
import { attributesOfEvent, attributesOfNamed, isLongRunning } from './request-attributes.ts';

const alice = { username: 'alice', groups: ['system:authenticated'] };

describe('an event', () => {
  test('has the attributes that its URI asks for', () => {
    expect(attributesOfEvent(auditEvent({ objectRef: undefined }))).toEqual(
      request({ namespace: 'default', name: 'web' }),
    );
  });

  test('is of the authenticated user, not of the impersonated one', () => {
    const event = auditEvent({ impersonatedUser: userInfo({ username: 'bob' }) });
    expect(attributesOfEvent(event)?.user).toEqual(alice);
  });

  test('is of nobody where authentication failed, and of the anonymous user where it did not', () => {
    const failed = auditEvent({ code: 401, user: userInfo({ username: '', groups: [] }) });
    expect(attributesOfEvent(failed)?.user).toBeUndefined();
    const anonymous = auditEvent({ code: 401, user: userInfo({ username: 'system:anonymous' }) });
    expect(attributesOfEvent(anonymous)?.user?.username).toBe('system:anonymous');
  });

  test('has the names of its objectRef where it has no URI, but none that a create got from its body', () => {
    const objectRef = {
      apiGroup: 'apps',
      resource: 'deployments',
      subresource: '',
      namespace: 'a',
      name: 'x',
    };
    const seen = request({ apiGroup: 'apps', resource: 'deployments', namespace: 'a', name: 'x' });
    expect(attributesOfEvent(auditEvent({ requestURI: '', objectRef }))).toEqual(seen);
    const create = auditEvent({ requestURI: '', verb: 'create', objectRef });
    expect(attributesOfEvent(create)).toEqual({ ...seen, verb: 'create', name: '' });
  });

  test('is none where neither tells', () => {
    expect(attributesOfEvent(auditEvent({ requestURI: '', objectRef: undefined }))).toBeUndefined();
  });
});

describe('a request by name', () => {
  test.each([
    ['GET', '/api/v1/namespaces/default/pods/web', 'get'],
    ['get', '/api/v1/pods', 'list'],
    ['list', '/api/v1/pods', 'list'],
    ['get', '/api/v1/pods?watch=true', 'watch'],
    ['POST', '/api/v1/namespaces/default/pods', 'create'],
    ['create', '/api/v1/namespaces/default/pods', 'create'],
    ['put', '/api/v1/namespaces/default/pods/web', 'update'],
    ['delete', '/api/v1/namespaces/default/pods', 'deletecollection'],
    ['options', '/api/v1/pods', ''],
    ['POST', '/healthz', 'post'],
    ['HEAD', '/healthz', 'head'],
    ['HEAD', '/api/v1/namespaces/default/pods/web', 'get'],
  ])('%s %s has the verb %s', (verb, url, resolved) => {
    expect(attributesOfNamed({ user: alice, verb, url })?.verb).toBe(resolved);
  });

  test('is none where the URL is no path', () => {
    expect(attributesOfNamed({ user: alice, verb: 'get', url: 'pods' })).toBeUndefined();
  });
});

test.each([
  [request(), false],
  [request({ verb: 'watch' }), true],
  [request({ subresource: 'log' }), true],
  [request({ subresource: 'exec', verb: 'create' }), true],
  [request({ subresource: 'status' }), false],
  [urlRequest('/debug/pprof/heap'), true],
  [urlRequest('/healthz'), false],
  [urlRequest('/x', { verb: 'watch' }), true],
])('request %# goes through ResponseStarted where it runs long', (asked, expected) => {
  expect(isLongRunning(asked)).toBe(expected);
});
