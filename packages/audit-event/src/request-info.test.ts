import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDryRun, parseRequestURI, requestInfoOf } from './request-info.ts';
import type { RequestInfo } from './request-info.ts';
import { auditEvent, objectRef } from './testing/audit-event.ts';

/** `verb group/resource/subresource namespace:name` or `verb path`, so that a table stays readable. */
function short(info: RequestInfo | undefined): string | undefined {
  if (info === undefined) return undefined;
  if (!info.isResourceRequest) return `${info.verb} ${info.path}`;
  const resource = [info.apiGroup, info.resource, info.subresource].join('/');
  return `${info.verb} ${resource} ${info.namespace}:${info.name}`;
}

describe('parseRequestURI: resource requests', () => {
  it.each([
    ['get', '/api/v1/namespaces/dev/pods/p1', 'get /pods/ dev:p1'],
    ['list', '/api/v1/namespaces/dev/pods', 'list /pods/ dev:'],
    ['list', '/api/v1/pods', 'list /pods/ :'],
    ['get', '/api/v1/nodes/n1', 'get /nodes/ :n1'],
    ['get', '/apis/apps/v1/namespaces/dev/deployments/d', 'get apps/deployments/ dev:d'],
    ['update', '/apis/apps/v1/namespaces/dev/deployments/d/scale', 'update apps/deployments/scale dev:d'],
    ['create', '/api/v1/namespaces/dev/pods', 'create /pods/ dev:'],
    ['create', '/api/v1/namespaces/dev/pods/p1/exec?command=sh', 'create /pods/exec dev:p1'],
    ['create', '/api/v1/namespaces/dev/serviceaccounts/s/token', 'create /serviceaccounts/token dev:s'],
    ['get', '/api/v1/namespaces/dev/pods/p1/log?follow=true', 'get /pods/log dev:p1'],
    ['get', '/api/v1/namespaces/dev/pods/p/proxy/a/b/c', 'get /pods/proxy dev:p'],
    ['get', '/api/v1/namespaces/dev/services/https:web:443/proxy/', 'get /services/proxy dev:https:web:443'],
    ['get', '/api/v1/nodes/n1/proxy/metrics/cadvisor', 'get /nodes/proxy :n1'],
    ['deletecollection', '/api/v1/namespaces/dev/pods', 'deletecollection /pods/ dev:'],
    ['', '/api/v1/namespaces/dev/pods/p1', ' /pods/ dev:p1'],
    ['get', '/api/v1/namespaces/dev/pods/p1/', 'get /pods/ dev:p1'],
    ['get', '//api/v1/namespaces/dev/pods/p1', 'get /pods/ dev:p1'],
  ])('%s %s', (verb, uri, expected) => {
    expect(short(parseRequestURI(uri, verb))).toBe(expected);
  });

  it.each([
    ['get', '/api/v1/namespaces/x', 'get /namespaces/ x:x'],
    ['update', '/api/v1/namespaces/x/finalize', 'update /namespaces/finalize x:x'],
    ['patch', '/api/v1/namespaces/x/status', 'patch /namespaces/status x:x'],
    ['list', '/api/v1/namespaces', 'list /namespaces/ :'],
    ['create', '/api/v1/namespaces', 'create /namespaces/ :'],
    ['list', '/api/v1/namespaces?fieldSelector=metadata.name%3Dx', 'list /namespaces/ :x'],
    ['get', '/api/v1/namespaces/x/status/y', 'get /namespaces/status x:x'],
    ['list', '/api/v1/namespaces/x/statuses', 'list /statuses/ x:'],
    ['list', '/api/v1/namespaces//pods', 'list /pods/ :'],
  ])('row 17: a namespace is its own namespace and name: %s %s', (verb, uri, expected) => {
    expect(short(parseRequestURI(uri, verb))).toBe(expected);
  });

  it.each([
    ['watch', '/api/v1/watch/namespaces/dev/pods', 'watch /pods/ dev:'],
    ['watch', '/api/v1/watch/namespaces/dev/pods/p1', 'watch /pods/ dev:p1'],
    ['watch', '/apis/apps/v1/watch/deployments', 'watch apps/deployments/ :'],
    ['watch', '/apis/g/v1/watch/namespaces/n/things/x/status/y', 'watch g/things/status n:x'],
    ['watch', '/api/v1/watch/pods?fieldSelector=metadata.name%3Dx', 'watch /pods/ :'],
    ['proxy', '/api/v1/proxy/namespaces/dev/pods/p1/status', 'proxy /pods/ dev:p1'],
    ['proxy', '/api/v1/proxy/nodes/n1', 'proxy /nodes/ :n1'],
  ])('legacy verbs in the path: %s %s', (verb, uri, expected) => {
    expect(short(parseRequestURI(uri, verb))).toBe(expected);
  });

  it.each([
    ['list', '/api/v1/pods?fieldSelector=metadata.name%3Dx', 'list /pods/ :x'],
    ['list', '/api/v1/pods?fieldSelector=metadata.name=x', 'list /pods/ :x'],
    ['watch', '/api/v1/namespaces/d/pods?fieldSelector=metadata.name%3D%3Dx&watch=1', 'watch /pods/ d:x'],
    ['deletecollection', '/api/v1/pods?fieldSelector=metadata.name%3Dx', 'deletecollection /pods/ :'],
    ['create', '/api/v1/namespaces/d/pods?fieldSelector=metadata.name%3Dx', 'create /pods/ d:'],
    ['get', '/api/v1/namespaces/d/pods/p?fieldSelector=metadata.name%3Dx', 'get /pods/ d:p'],
    ['list', '/api/v1/pods?fieldSelector=spec.nodeName%3Dx', 'list /pods/ :'],
  ])('row 10: the name of a metadata.name selector: %s %s', (verb, uri, expected) => {
    expect(short(parseRequestURI(uri, verb))).toBe(expected);
  });

  it.each([
    ['', 'list'],
    ['?watch', 'watch'],
    ['?watch=', 'watch'],
    ['?watch=true', 'watch'],
    ['?watch=1', 'watch'],
    ['?watch=no', 'watch'],
    ['?watch=false', 'list'],
    ['?watch=FALSE', 'list'],
    ['?watch=0', 'list'],
    ['?watch=0&watch=1', 'list'],
    ['?Watch=1', 'list'],
  ])('a get of a collection with %j is a %s', (query, verb) => {
    expect(short(parseRequestURI(`/api/v1/pods${query}`, 'get'))).toBe(`${verb} /pods/ :`);
  });

  it('a delete of a collection is a deletecollection', () => {
    expect(short(parseRequestURI('/api/v1/namespaces/d/pods', 'delete'))).toBe('deletecollection /pods/ d:');
  });

  it('row 16: the version does not matter', () => {
    const v1 = parseRequestURI('/apis/batch/v1/namespaces/d/cronjobs/c', 'get');
    expect(parseRequestURI('/apis/batch/v1beta1/namespaces/d/cronjobs/c', 'get')).toEqual(v1);
  });
});

describe('parseRequestURI: non-resource requests', () => {
  it.each([
    ['get', '/', 'get /'],
    ['get', '/healthz', 'get /healthz'],
    ['get', '/healthz?verbose', 'get /healthz'],
    ['get', '/metrics?foo=bar', 'get /metrics'],
    ['GET', '/livez', 'get /livez'],
    ['head', '/readyz', 'head /readyz'],
    ['get', '/api', 'get /api'],
    ['get', '/api/v1', 'get /api/v1'],
    ['get', '/api/v1/', 'get /api/v1/'],
    ['get', '/apis', 'get /apis'],
    ['get', '/apis/apps', 'get /apis/apps'],
    ['get', '/apis/apps/v1?timeout=32s', 'get /apis/apps/v1'],
    ['get', '/oapi/v1/namespaces/x/builds', 'get /oapi/v1/namespaces/x/builds'],
    ['get', '/healthz/%70ing', 'get /healthz/ping'],
    ['get', '//evil.example/healthz', 'get //evil.example/healthz'],
    ['get', '/healthz#top', 'get /healthz#top'],
    ['get', '/API/v1/pods', 'get /API/v1/pods'],
  ])('row 11: %s %s', (verb, uri, expected) => {
    expect(short(parseRequestURI(uri, verb))).toBe(expected);
  });
});

describe('parseRequestURI: hostile URIs', () => {
  it.each([
    '',
    'api/v1/pods',
    '*',
    'http://host/api/v1/pods',
    '/api/v1/pods/%zz',
    '/%',
    '/api/v1/watch',
    '/api/v1/proxy/',
  ])('refuses %j', (uri) => {
    expect(parseRequestURI(uri, 'get')).toBeUndefined();
  });

  it.each([
    ['get', '/api/v1/namespaces/dev/pods/..', 'get /pods/ dev:..'],
    ['get', '/api/v1/namespaces/../secrets/s', 'get /secrets/ ..:s'],
    ['get', '/api/v1/namespaces/dev%2Fpods/p1', 'get /pods/ dev:p1'],
    ['get', '/api/v1/namespaces/dev/pods/%252e%252e', 'get /pods/ dev:%2e%2e'],
    ['get', '/api/v1//pods', 'get // :pods'],
    ['list', '/api/v1/namespaces/a%3Fb/pods', 'list /pods/ a?b:'],
  ])('decodes once and cleans nothing: %s %s', (verb, uri, expected) => {
    expect(short(parseRequestURI(uri, verb))).toBe(expected);
  });

  it('has no NUL in any field', () => {
    const resource = parseRequestURI('/apis/g%00/v1/namespaces/n%00/r%00/x%00/s%00', 'g\0et');
    expect(JSON.stringify(resource)).not.toContain(String.raw`\u0000`);
    expect(short(resource)).toBe('g\u{FFFD}et g\u{FFFD}/r\u{FFFD}/s\u{FFFD} n\u{FFFD}:x\u{FFFD}');
    expect(short(parseRequestURI('/a%00b', 'get'))).toBe('get /a\u{FFFD}b');
    expect(parseRequestURI(`/api/v1/nodes/n%00?${'x'.repeat(1000)}`, 'get')?.name).toBe('n\u{FFFD}');
    expect(parseRequestURI('/api/v1/pods?fieldSelector=metadata.name%3Dx%00', 'list')?.name).toBe(
      'x\u{FFFD}',
    );
  });

  it('takes a megabyte', () => {
    const long = 'a/'.repeat(500_000);
    expect(short(parseRequestURI(`/api/v1/namespaces/d/pods/p/proxy/${long}`, 'get'))).toBe(
      'get /pods/proxy d:p',
    );
    expect(parseRequestURI(`/${'%41'.repeat(300_000)}`, 'get')?.path).toHaveLength(300_001);
    expect(parseRequestURI('/'.repeat(1_000_000), 'get')?.path).toHaveLength(1_000_000);
    expect(short(parseRequestURI(`/api/v1/pods?${'a=%41&'.repeat(150_000)}watch=1`, 'get'))).toBe(
      'watch /pods/ :',
    );
  });
});

describe('parseRequestURI: what a client writes is what is read', () => {
  const segment = fc
    .string({ minLength: 1, unit: 'binary' })
    .filter((text) => !/[/\0]/.test(text) && text !== 'watch' && text !== 'proxy');
  const resource = segment.filter(
    (text) => text !== 'namespaces' && text !== 'status' && text !== 'finalize',
  );
  const encode = encodeURIComponent;

  it('round-trips group, namespace, resource, name and subresource', () => {
    const attributes = fc.record({
      group: fc.option(segment, { nil: '' }),
      namespace: fc.option(segment, { nil: '' }),
      resource,
      name: segment,
      subresource: fc.option(segment, { nil: '' }),
    });
    fc.assert(
      fc.property(attributes, fc.string(), (want, query) => {
        const uri = [
          want.group === '' ? '/api/v1' : `/apis/${encode(want.group)}/v1`,
          want.namespace === '' ? '' : `/namespaces/${encode(want.namespace)}`,
          `/${encode(want.resource)}/${encode(want.name)}`,
          want.subresource === '' ? '' : `/${encode(want.subresource)}`,
          `?${query}`,
        ].join('');
        expect(parseRequestURI(uri, 'patch')).toEqual({
          isResourceRequest: true,
          verb: 'patch',
          apiGroup: want.group,
          namespace: want.namespace,
          resource: want.resource,
          subresource: want.subresource,
          name: want.name,
          path: '',
        });
      }),
    );
  });

  it('never throws, and never has both a resource and a path', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (tail, verb) => {
        const info = parseRequestURI(`/${tail}`, verb);
        expect(info === undefined || (info.path === '') === info.isResourceRequest).toBe(true);
      }),
    );
  });
});

describe('requestInfoOf', () => {
  const pod = objectRef({ resource: 'pods', namespace: 'dev', name: 'p1' });

  function resolve(
    verb: string,
    requestURI: string,
    ref: typeof pod | undefined,
    code = 200,
  ): string | undefined {
    return short(requestInfoOf(auditEvent({ verb, requestURI, objectRef: ref, code })));
  }

  it('prefers the URI: a create has no name, though the body gave the objectRef one', () => {
    expect(resolve('create', '/api/v1/namespaces/dev/pods', pod)).toBe('create /pods/ dev:');
  });

  it.each([
    ['get', '', 'get /pods/ dev:p1'],
    ['create', '', 'create /pods/ dev:'],
    ['deletecollection', '', 'deletecollection /pods/ dev:'],
    ['get', '/api/v1/namespaces/dev/pods/%2', 'get /pods/ dev:p1'],
    ['get', '/oapi/v1/namespaces/dev/pods/p1', 'get /pods/ dev:p1'],
    ['get', '/api', 'get /pods/ dev:p1'],
    ['get', '/api/v1/namespaces/de', 'get /pods/ dev:p1'],
    ['get', '/api/v1/namespaces/dev/po', 'get /pods/ dev:p1'],
    ['get', '/api/v1/namespaces/dev/pods/p', 'get /pods/ dev:p1'],
    ['list', '/api/v1/namespaces/dev/pods?fieldSel', 'list /pods/ dev:p1'],
  ])('falls back to the objectRef: %s %j', (verb, uri, expected) => {
    expect(resolve(verb, uri, pod)).toBe(expected);
  });

  it('sees that a subresource was cut off', () => {
    const log = { ...pod, subresource: 'log' };
    expect(resolve('get', '/api/v1/namespaces/dev/pods/p1', log)).toBe('get /pods/log dev:p1');
    expect(resolve('get', '/api/v1/namespaces/dev/pods/p1/lo', log)).toBe('get /pods/log dev:p1');
  });

  it('keeps the name of a subresource create from the objectRef', () => {
    expect(resolve('create', '', { ...pod, subresource: 'exec' })).toBe('create /pods/exec dev:p1');
  });

  it.each([
    ['get', 'get /namespaces/ x:x'],
    ['delete', 'delete /namespaces/ x:x'],
    ['list', 'list /namespaces/ :x'],
    ['create', 'create /namespaces/ :'],
  ])('puts a namespace where the resolver would: %s', (verb, expected) => {
    const bare = objectRef({ resource: 'namespaces', name: 'x' });
    expect(resolve(verb, '', bare)).toBe(expected);
    expect(resolve(verb, '', { ...bare, namespace: 'x' })).toBe(expected);
  });

  it('takes no name from a selector that the API server dropped with its other list options', () => {
    const uri = '/api/v1/namespaces/dev/pods?fieldSelector=metadata.name%3Dx&labelSelector=%3D%3D';
    expect(resolve('list', uri, { ...pod, name: '' }, 400)).toBe('list /pods/ dev:');
    expect(resolve('list', uri, { ...pod, name: 'x' }, 400)).toBe('list /pods/ dev:x');
  });

  it('is undefined where neither tells', () => {
    expect(resolve('get', '', undefined)).toBeUndefined();
    expect(resolve('get', '%', objectRef())).toBeUndefined();
  });

  it('has no NUL from an objectRef', () => {
    const ref = objectRef({
      apiGroup: '\0',
      resource: 'r\0',
      subresource: '\0',
      namespace: '\0',
      name: '\0',
    });
    expect(resolve('\0', '', ref)).toBe('\u{FFFD} \u{FFFD}/r\u{FFFD}/\u{FFFD} \u{FFFD}:\u{FFFD}');
  });
});

it.each([
  ['/api/v1/namespaces/d/pods?dryRun=All', true],
  ['/api/v1/namespaces/d/pods?fieldManager=x&dryRun=All', true],
  ['/api/v1/namespaces/d/pods?dryRun', true],
  ['/api/v1/namespaces/d/pods', false],
  ['/api/v1/namespaces/d/pods/dryRun', false],
  ['', false],
])('isDryRun of %j is %s', (uri, expected) => {
  expect(isDryRun(uri)).toBe(expected);
});
