import { describe, expect, it } from 'vitest';
import { attribute, createAttributeContext } from './attribute.ts';
import { auditEvent, objectRef, short } from './testing/audit-event.ts';
import type { AuditEvent, CountedRequest } from './types.ts';

const context = createAttributeContext({ keyHex: '0001020304050607' });

function requestOf(overrides: Partial<AuditEvent>): CountedRequest {
  const attribution = attribute(auditEvent(overrides), 'default', context);
  if (attribution.kind !== 'request') throw new Error(`not a request: ${JSON.stringify(attribution)}`);
  return attribution.request;
}

function permissionsOf(overrides: Partial<AuditEvent>): string[] {
  return requestOf(overrides).need.permissions.map(short);
}

describe('the table of requests-and-rbac.md', () => {
  it.each<[string, Partial<AuditEvent>, string[]]>([
    ['GET item', { verb: 'get', requestURI: '/api/v1/namespaces/d/pods/p' }, ['get /pods d:p']],
    ['HEAD item', { verb: 'get', requestURI: '/api/v1/nodes/n' }, ['get /nodes :n']],
    [
      'GET collection',
      { verb: 'list', requestURI: '/api/v1/namespaces/d/pods?limit=500' },
      ['list /pods d:'],
    ],
    [
      'watch',
      { verb: 'watch', requestURI: '/apis/apps/v1/deployments?watch=true' },
      ['watch apps/deployments :'],
    ],
    [
      'list by metadata.name',
      { verb: 'list', requestURI: '/api/v1/namespaces/d/secrets?fieldSelector=metadata.name%3Ds' },
      ['list /secrets d:s'],
    ],
    [
      'DELETE collection',
      { verb: 'deletecollection', requestURI: '/api/v1/namespaces/d/pods?fieldSelector=metadata.name%3Dp' },
      ['deletecollection /pods d:'],
    ],
    [
      'POST collection',
      {
        verb: 'create',
        code: 201,
        requestURI: '/api/v1/namespaces/d/pods',
        objectRef: objectRef({ resource: 'pods', namespace: 'd', name: 'from-the-body' }),
      },
      ['create /pods d:'],
    ],
    [
      'POST pods/x/exec',
      { verb: 'create', code: 101, requestURI: '/api/v1/namespaces/d/pods/x/exec?command=sh' },
      ['create /pods/exec d:x'],
    ],
    [
      'POST pods/x/eviction',
      { verb: 'create', code: 201, requestURI: '/api/v1/namespaces/d/pods/x/eviction' },
      ['create /pods/eviction d:x'],
    ],
    [
      'POST serviceaccounts/x/token',
      { verb: 'create', code: 201, requestURI: '/api/v1/namespaces/d/serviceaccounts/x/token' },
      ['create /serviceaccounts/token d:x'],
    ],
    [
      'WebSocket exec (create is added by version, elsewhere)',
      { verb: 'get', code: 101, requestURI: '/api/v1/namespaces/d/pods/x/exec?command=sh' },
      ['get /pods/exec d:x'],
    ],
    ['PUT', { verb: 'update', requestURI: '/api/v1/namespaces/d/configmaps/c' }, ['update /configmaps d:c']],
    [
      'PUT answered 201',
      { verb: 'update', code: 201, requestURI: '/api/v1/namespaces/d/configmaps/c' },
      ['update /configmaps d:c', 'create /configmaps d:c'],
    ],
    ['PATCH', { verb: 'patch', requestURI: '/api/v1/namespaces/d/configmaps/c' }, ['patch /configmaps d:c']],
    [
      'PATCH answered 201 (server-side apply)',
      { verb: 'patch', code: 201, requestURI: '/api/v1/namespaces/d/configmaps/c?fieldManager=x' },
      ['patch /configmaps d:c', 'create /configmaps d:c'],
    ],
    [
      'PATCH of a subresource answered 201',
      { verb: 'patch', code: 201, requestURI: '/apis/g/v1/namespaces/d/things/c/status' },
      ['patch g/things/status d:c', 'create g/things/status d:c'],
    ],
    [
      'scale',
      { verb: 'update', requestURI: '/apis/apps/v1/namespaces/d/deployments/x/scale' },
      ['update apps/deployments/scale d:x'],
    ],
    [
      'ephemeralcontainers',
      { verb: 'patch', requestURI: '/api/v1/namespaces/d/pods/x/ephemeralcontainers' },
      ['patch /pods/ephemeralcontainers d:x'],
    ],
    ['namespace', { verb: 'get', requestURI: '/api/v1/namespaces/x' }, ['get /namespaces x:x']],
    [
      'namespace status',
      { verb: 'get', requestURI: '/api/v1/namespaces/x/status' },
      ['get /namespaces/status x:x'],
    ],
    ['namespaces', { verb: 'list', requestURI: '/api/v1/namespaces' }, ['list /namespaces :']],
    [
      'service proxy',
      { verb: 'create', requestURI: '/api/v1/namespaces/d/services/https:web:443/proxy/a/b' },
      ['create /services/proxy d:https:web:443'],
    ],
    ['node proxy', { verb: 'get', requestURI: '/api/v1/nodes/n/proxy/metrics' }, ['get /nodes/proxy :n']],
    ['legacy watch', { verb: 'watch', requestURI: '/apis/g/v1/watch/things/x' }, ['watch g/things :x']],
    ['legacy proxy', { verb: 'proxy', requestURI: '/api/v1/proxy/nodes/n/x' }, ['proxy /nodes :n']],
    ['another method', { verb: '', requestURI: '/api/v1/namespaces/d/pods/p' }, [' /pods d:p']],
    ['special verb', { verb: 'bind', requestURI: '/apis/r/v1/clusterroles/x' }, ['bind r/clusterroles :x']],
    ['/healthz', { verb: 'get', requestURI: '/healthz?verbose' }, ['get /healthz']],
    ['/metrics', { verb: 'post', requestURI: '/metrics?foo=bar' }, ['post /metrics']],
    ['/apis', { verb: 'get', requestURI: '/apis?timeout=32s' }, ['get /apis']],
  ])('%s', (_, overrides, expected) => {
    expect(permissionsOf(overrides)).toEqual(expected);
  });

  it('a refused write made nothing, and one answered 200 updated', () => {
    const patch = { verb: 'patch', requestURI: '/api/v1/namespaces/d/configmaps/c' };
    expect(permissionsOf({ ...patch, decision: 'forbid', code: 201 })).toEqual(['patch /configmaps d:c']);
    expect(permissionsOf({ ...patch, code: 200 })).toEqual(['patch /configmaps d:c']);
  });
});

describe('the life of namespaces', () => {
  const create = { verb: 'create', code: 201, requestURI: '/api/v1/namespaces/dev/pods' };
  const remove = { verb: 'delete', code: 200, requestURI: '/api/v1/namespaces/dev' };
  const makeNamespace = {
    verb: 'create',
    code: 201,
    requestURI: '/api/v1/namespaces',
    objectRef: objectRef({ resource: 'namespaces', name: 'dev' }),
  };

  it.each<[string, Partial<AuditEvent>, 'live' | 'deleted' | undefined]>([
    ['create in it', create, 'live'],
    [
      'patch that made an object',
      { ...create, verb: 'patch', requestURI: '/api/v1/namespaces/dev/pods/p' },
      'live',
    ],
    [
      'update that made an object',
      { ...create, verb: 'update', requestURI: '/api/v1/namespaces/dev/pods/p' },
      'live',
    ],
    ['create of it', makeNamespace, 'live'],
    [
      'create in it, where it is not found',
      { ...create, code: 404, statusMessage: 'namespaces "dev" not found' },
      'deleted',
    ],
    [
      'get of it, where it is not found',
      { verb: 'get', code: 404, requestURI: remove.requestURI, statusMessage: 'namespaces "dev" not found' },
      'deleted',
    ],
    [
      'create in it, where something else is not found',
      { ...create, code: 404, statusMessage: 'namespaces "prod" not found' },
      undefined,
    ],
    [
      'a word of a namespace in an answer that is not 404',
      { ...create, code: 403, statusMessage: 'namespaces "dev" not found' },
      undefined,
    ],
    ['apply of it', { ...create, verb: 'patch', requestURI: '/api/v1/namespaces/dev' }, 'live'],
    ['delete of it', remove, 'deleted'],
    ['delete of it, accepted', { ...remove, code: 202 }, 'deleted'],
    ['delete of it, refused by admission', { ...remove, code: 403 }, undefined],
    ['delete of it, already going on', { ...remove, code: 409 }, undefined],
    ['delete of it, by dry run', { ...remove, requestURI: '/api/v1/namespaces/dev?dryRun=All' }, undefined],
    [
      'create in it, by dry run',
      { ...create, requestURI: '/api/v1/namespaces/dev/pods?dryRun=All' },
      undefined,
    ],
    [
      'create of it, by dry run',
      { ...makeNamespace, requestURI: '/api/v1/namespaces?dryRun=All' },
      undefined,
    ],
    ['create in it, conflicting', { ...create, code: 409 }, undefined],
    ['create in it, denied', { ...create, decision: 'forbid' }, undefined],
    ['delete of it, denied', { ...remove, decision: 'forbid' }, undefined],
    ['patch of an object', { ...create, verb: 'patch', code: 200 }, undefined],
    ['get in it', {}, undefined],
    ['delete in it', { ...remove, requestURI: '/api/v1/namespaces/dev/pods/p' }, undefined],
    ['delete of its status', { ...remove, requestURI: '/api/v1/namespaces/dev/status' }, undefined],
    ['create of it, under a generated name', { ...makeNamespace, objectRef: undefined }, undefined],
    ['cluster-scoped create', { ...create, requestURI: '/api/v1/nodes' }, undefined],
    [
      'access review, which is let through anywhere',
      { ...create, requestURI: '/apis/authorization.k8s.io/v1/namespaces/dev/localsubjectaccessreviews' },
      undefined,
    ],
    [
      'delete of an object called namespaces in another group',
      { ...remove, requestURI: '/apis/example.com/v1/namespaces/dev' },
      undefined,
    ],
  ])('%s: %s', (_, overrides, change) => {
    expect(requestOf(overrides).namespaceLife).toEqual(change && { namespace: 'dev', change });
  });
});
