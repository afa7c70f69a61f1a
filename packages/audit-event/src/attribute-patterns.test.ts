import fc from 'fast-check';
import { expect, test } from 'vitest';

import { attribute, createAttributeContext } from './attribute.ts';
import { EventScanner } from './decode/scanner.ts';
import { ended, shapes } from './decode/testing/check-shapes.ts';
import { sample } from './decode/testing/sample.ts';

const KEY = { keyHex: '0123456789abcdef' };
const name = fc.constantFrom(
  ...[
    'a',
    'b-1',
    'x.y',
    'pods',
    'status',
    'finalize',
    'namespaces',
    'watch',
    'proxy',
    'v1',
    'api',
    'apis',
    'log',
  ],
  ...['a-name', 'another-name', ''],
);
const REAL = [
  '/api/v1/namespaces/ns/pods/NAME',
  '/api/v1/namespaces/NAME',
  '/api/v1/namespaces/NAME/status',
  '/api/v1/namespaces/NAME/finalize',
  '/apis/apps/v1/namespaces/ns/deployments/NAME/scale?dryRun=All',
  '/api/v1/nodes/NAME/proxy/NAME',
  '/api/v1/watch/namespaces/ns/pods/NAME',
  '/api/v1/proxy/namespaces/ns/pods/NAME/x',
  '/api/v1/namespaces/ns/services/v1/proxy/NAME/x',
  '/api/v1/namespaces/ns/services/a-name/proxy/x/NAME',
  '/api/v1/namespaces/ns/pods?fieldSelector=metadata.name%3DNAME',
  '/healthz/NAME',
  '/apis/NAME/v1/namespaces/ns/NAME/NAME',
];
const uri = fc.oneof(
  fc.constantFrom(...REAL),
  fc.array(fc.oneof(name, fc.constant('NAME')), { maxLength: 9 }).map((parts) => `/${parts.join('/')}`),
);

test('what is evidence of the same but for the name is told as if it were asked for anew', () => {
  const scanner = shapes();
  const plain = new EventScanner(undefined);
  const context = createAttributeContext(KEY);
  let seen = 0;
  const patterns = new Set<object>();
  fc.assert(
    fc.property(
      uri,
      name,
      fc.record({
        verb: fc.constantFrom('get', 'list', 'create', 'patch', 'delete', 'deletecollection'),
        resource: fc.constantFrom('pods', 'namespaces', 'nodes', ''),
        code: fc.constantFrom(200, 201, 403, 404, 400),
        decision: fc.constantFrom('allow', 'forbid', undefined),
        impersonated: fc.constantFrom(undefined, undefined, { username: 'bob' }),
      }),
      (path, called, { verb, resource, code, decision, impersonated }) => {
        const line = {
          ...sample(),
          verb,
          requestURI: path.replaceAll('NAME', called),
          objectRef: { resource, namespace: 'ns', name: called, apiVersion: 'v1' },
          responseStatus: { code },
          annotations: { 'authorization.k8s.io/decision': decision },
          impersonatedUser: impersonated,
        };
        const bytes = ended(JSON.stringify(line));
        const event = scanner.scan(bytes, 0);
        const same = plain.scan(bytes, 0);
        if (!event || !same) throw new Error('unreadable');
        const found = attribute(event, 'c', context);
        const expected = attribute(same, 'c', createAttributeContext(KEY));
        if (found.kind !== 'request' || expected.kind !== 'request') {
          expect(found).toEqual(expected);
          return;
        }
        const { pattern } = found.request;
        expect(found.request).toEqual({ ...expected.request, shape: event.shape, pattern });
        if (!pattern) return;
        seen++;
        patterns.add(pattern);
      },
    ),
    { numRuns: 20_000 },
  );
  // As many were not the first of their pattern.
  expect(seen - patterns.size).toBeGreaterThan(300);
});
