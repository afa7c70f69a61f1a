import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';

import type { Shape } from '../types.ts';
import { RecordReader } from './record-reader.ts';
import { EventScanner } from './scanner.ts';
import { ShapeScanner } from './shape-scanner.ts';
import { createCheck, ended, outcome, shapes, tokenOf } from './testing/check-shapes.ts';
import { sample, sampleLine } from './testing/sample.ts';

describe('a shape', () => {
  const status = {
    metadata: {},
    status: 'Failure',
    reason: 'NotFound',
    message: 'gone',
    code: 404,
    details: { name: 'c1' },
  };
  const base: Readonly<Record<string, unknown>> = { cluster: 'prod', responseStatus: status };

  test('is shared by events that differ in auditID and time only, which are their own', () => {
    const scanner = shapes('cluster');
    const first = scanner.scan(ended(sampleLine(base)), 0);
    const other = { ...base, auditID: 'a-much-longer-one', requestReceivedTimestamp: '2026-11-22T00:00:00Z' };
    const second = scanner.scan(ended(sampleLine(other)), 0);
    expect(first).toMatchObject({ auditID: 'a1', receivedAtUs: 1_795_225_281_605_336 });
    expect(second).toEqual({
      ...first,
      auditID: 'a-much-longer-one',
      receivedAtUs: Date.UTC(2026, 10, 22) * 1000,
    });
    expect(second?.shape).toBeTypeOf('object');
    expect(second?.shape).toBe(first?.shape);
    expect(scanner.cluster).toBe('prod');
  });

  test('has room for an auditID that is absent, or very long', () => {
    const scanner = shapes();
    const tokens = ['', 'a', 'x'.repeat(500_000)].map((auditID) => tokenOf(scanner, sampleLine({ auditID })));
    expect(tokenOf(scanner, sampleLine({ auditID: undefined }))).toBe(tokens[0]);
    expect(new Set(tokens).size).toBe(1);
    expect(scanner.scan(ended(sampleLine({ auditID: undefined })), 0)?.auditID).toBe('');
  });

  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['the body of the request', { requestObject: { other: [1, '}'] } }],
    ['the body of the response', { responseObject: { kind: 'Pod' } }],
    ['the level', { level: 'Metadata' }],
    ['the time of the stage', { stageTimestamp: '2026-11-23T00:00:00Z' }],
    ['where the request came from', { sourceIPs: ['10.0.0.2', '::1'] }],
    ['a key that nobody knows', { shipper: { file: 'x' } }],
    [
      'uid and resourceVersion of the object',
      { objectRef: { ...(sample()['objectRef'] as object), uid: 'u', resourceVersion: '9' } },
    ],
    [
      'the metadata of the status',
      { responseStatus: { ...status, metadata: { remainingItemCount: 5, continue: 'x' } } },
    ],
    [
      'the status and the reason in the status',
      { responseStatus: { ...status, status: 'x', reason: '\\"' } },
    ],
    [
      'the details in the status',
      {
        responseStatus: { ...status, details: { uid: 'u', causes: [{ a: -1.5e3 }, null, true, false, ''] } },
      },
    ],
    [
      'other annotations',
      { annotations: { ...(sample()['annotations'] as object), 'apiserver.latency.k8s.io/total': '1.5s' } },
    ],
    ['the version of the event', { apiVersion: 'audit.k8s.io/v1beta1' }],
  ])('does not depend on %s', (_, change) => {
    const scanner = shapes('cluster');
    expect(tokenOf(scanner, sampleLine({ ...base, ...change }))).toBe(tokenOf(scanner, sampleLine(base)));
  });

  test('does not depend on the message of a status that is no refusal', () => {
    const scanner = shapes();
    const token = tokenOf(scanner, sampleLine({ responseStatus: { code: 409, message: 'version 5' } }));
    expect(tokenOf(scanner, sampleLine({ responseStatus: { message: 'version 6', code: 409 } }))).toBe(token);
  });

  const user = sample()['user'] as Readonly<Record<string, unknown>>;
  const ref = sample()['objectRef'] as Readonly<Record<string, unknown>>;
  const annotations = sample()['annotations'] as Readonly<Record<string, unknown>>;
  const decisionKey = 'authorization.k8s.io/decision';
  const reasonKey = 'authorization.k8s.io/reason';
  const changes: readonly Readonly<Record<string, unknown>>[] = [
    {},
    { stage: 'ResponseStarted' },
    { requestURI: '/other' },
    { requestURI: undefined },
    { verb: 'Update' },
    { verb: undefined },
    { user: { ...user, username: 'bob' } },
    { user: { ...user, uid: 'u-2' } },
    { user: { ...user, groups: [] } },
    { user: { ...user, extra: {} } },
    { user: undefined },
    { impersonatedUser: user },
    { impersonatedUser: {} },
    { userAgent: 'other' },
    { userAgent: undefined },
    { objectRef: undefined },
    { objectRef: {} },
    ...['apiGroup', 'apiVersion', 'resource', 'subresource', 'namespace', 'name'].map((key) => ({
      objectRef: { ...ref, [key]: 'other' },
    })),
    { objectRef: { ...ref, name: undefined } },
    { responseStatus: { ...status, code: 403 } },
    { responseStatus: { ...status, code: 200 } },
    { responseStatus: { ...status, message: 'other' } },
    { responseStatus: { ...status, message: undefined } },
    { responseStatus: undefined },
    { annotations: { ...annotations, [decisionKey]: 'forbid' } },
    { annotations: { ...annotations, [decisionKey]: undefined } },
    { annotations: { ...annotations, [reasonKey]: '' } },
    { annotations: { ...annotations, [reasonKey]: undefined } },
    { annotations: { 'authorization_k8s_io/decision': 'allow' } },
    { annotations: { 'authorization_k8s_io/reason': 'allow' } },
    { annotations: undefined },
    { authenticationMetadata: { impersonationConstraint: 'x' } },
    { cluster: 'other' },
    { cluster: '' },
    { cluster: undefined },
  ];

  test('is another one after any change of a field that is read', () => {
    const scanner = shapes('cluster');
    const check = createCheck('cluster');
    const tokens = new Set<object>();
    for (const change of changes) {
      const line = sampleLine({ ...base, ...change });
      tokens.add(tokenOf(scanner, line));
      check(ended(line));
    }
    expect(tokens.size).toBe(changes.length);
  });

  test('keeps apart values that have moved from one field to the next', () => {
    const scanner = shapes();
    const tokens = [
      { verb: 'ab', requestURI: 'c' },
      { verb: 'a', requestURI: 'bc' },
      { verb: 'c', requestURI: 'ab' },
      { objectRef: { name: 'x' } },
      { objectRef: { namespace: 'x' } },
    ].map((fields) => tokenOf(scanner, sampleLine(fields)));
    expect(new Set(tokens).size).toBe(5);
  });

  test('of events that must be decoded the plain way gives no token, time and again', () => {
    const scanner = shapes();
    const line = ended(sampleLine({ stage: 'Nothing' }));
    for (let i = 0; i < 3; i++) {
      expect(scanner.scan(line, 0)).toBeUndefined();
      expect(scanner.end).toBe(-1);
    }
  });
});

describe('a pattern', () => {
  const about = (name: string, fields: Readonly<Record<string, unknown>> = {}): string => {
    const objectRef = { resource: 'pods', namespace: 'ns', name, apiVersion: 'v1' };
    return sampleLine({ requestURI: `/api/v1/namespaces/ns/pods/${name}`, objectRef, ...fields });
  };

  test('is shared by shapes that differ in the name of the object only', () => {
    const scanner = shapes();
    const shapeOf = (line: string): Shape => tokenOf(scanner, line);
    const first = shapeOf(about('a'));
    const second = shapeOf(about('longer-0.1'));
    expect(second).not.toBe(first);
    expect(second.pattern).toBe(first.pattern);
    expect(first.pattern).toEqual({ before: '/api/v1/namespaces/ns/pods/', after: '' });
    expect(shapeOf(about('longer-0.1'))).toBe(second);
    expect(shapeOf(about('a', { verb: 'patch' })).pattern).not.toBe(first.pattern);
    expect(shapeOf(about('a', { requestURI: '/api/v1/namespaces/ns/pods/a?x=1' })).pattern).toEqual({
      before: '/api/v1/namespaces/ns/pods/',
      after: '?x=1',
    });
  });

  test.each([
    [
      'is no segment of the path',
      'a',
      { requestURI: '/api/v1/namespaces/ns/pods?fieldSelector=metadata.name=a' },
    ],
    ['is a part of a segment', 'a', { requestURI: '/api/v1/namespaces/ns/pods/ab' }],
    ['is empty', '', {}],
    ['has more than the letters of names', 'a%2f', {}],
    ['begins as no name does', '.', {}],
    ['is not plain ASCII', 'ä', {}],
    ['stands in a path that is not', 'a', { requestURI: '/api/v1/namespaces/ä/pods/a' }],
  ])('is not there where the name %s', (_, name, fields) => {
    expect((tokenOf(shapes(), about(name, fields)) as Shape).pattern).toBeUndefined();
  });

  test('makes of every event what the plain scanner makes of it, by a large dictionary and by small ones', () => {
    const piece = fc.constantFrom(
      'a',
      'b1',
      'c-x.y',
      'pods',
      'v1',
      '',
      '%61',
      '\\',
      '"',
      'ü',
      '\u0001',
      'A:b_c',
      '.',
    );
    const uri = fc
      .tuple(
        fc.array(fc.oneof(piece, fc.constant('NAME')), { minLength: 1, maxLength: 3 }),
        fc.constantFrom('', '?', '?a=b', '?x=/a/b1', '?"\\'),
      )
      .map(([pieces, query]) => `/${pieces.join('/')}${query}`);
    const line = fc
      .record({ requestURI: uri, name: piece, verb: fc.constantFrom('get', 'x'), isLate: fc.boolean() })
      .map(({ requestURI: path, name, verb, isLate }) => {
        const requestURI = path.replaceAll('NAME', name);
        const { objectRef, ...rest } = sample();
        const about = { ...(objectRef as object), name };
        // The name may stand before the URI, too.
        return JSON.stringify(
          isLate
            ? { ...rest, requestURI, verb, objectRef: about }
            : { objectRef: about, ...rest, requestURI, verb },
        );
      });
    const patterns = new Set<object>();
    let events = 0;
    for (const options of [{}, { shapes: 1 }, { shapes: 2 }, { shapes: 5 }, { arenaBytes: 1500 }]) {
      const check = createCheck(undefined, options);
      fc.assert(
        fc.property(line, (text) => {
          const pattern = check(ended(text))?.shape?.pattern;
          if (pattern === undefined) return;
          events++;
          patterns.add(pattern);
        }),
        { numRuns: 3000 },
      );
    }
    // As many were not the first of their pattern.
    expect(events - patterns.size).toBeGreaterThan(150);
  });
});

describe('the dictionary', () => {
  const line = (i: number): Buffer =>
    ended(sampleLine({ auditID: `id-${i}`, verb: `verb-${i % 50}`, requestURI: `/${i}` }));

  test('that is full forgets everything, and stays right', () => {
    for (const options of [
      { shapes: 1 },
      { shapes: 3 },
      { arenaBytes: 3000 },
      { arenaBytes: 0 },
      { shapes: 100, seed: 5n },
    ]) {
      const check = createCheck(undefined, options);
      for (let i = 0; i < 300; i++) check(line(i % 120));
    }
  });

  test('that is full gives another token to a shape it had forgotten', () => {
    const scanner = shapes(undefined, { shapes: 2 });
    const first = tokenOf(scanner, line(1));
    tokenOf(scanner, line(2));
    expect(tokenOf(scanner, line(1))).toBe(first);
    tokenOf(scanner, line(3));
    const again = tokenOf(scanner, line(1));
    expect(again).not.toBe(first);
    expect(tokenOf(scanner, line(1))).toBe(again);
  });

  test('that is full forgets where everything stood', () => {
    const check = createCheck(undefined, { shapes: 8 });
    const long = (i: number) => ended(sampleLine({ requestURI: `/${i}${'x'.repeat(5000)}` }));
    for (let i = 0; i < 8; i++) check(long(i));
    for (let i = 0; i < 8; i++) check(line(i));
    for (let i = 7; i >= 0; i--) expect(check(long(i))?.shape).toBeDefined();
  });

  test('takes memory as it grows, and goes on with what it knows', () => {
    const check = createCheck(undefined);
    const scanner = shapes();
    const first = tokenOf(scanner, line(0));
    const filler = 'x'.repeat(10_000);
    for (let i = 1; i < 400; i++) {
      check(ended(sampleLine({ auditID: `id-${i}`, requestURI: `/${i}${filler}` })));
      tokenOf(scanner, sampleLine({ requestURI: `/${i}${filler}` }));
    }
    expect(tokenOf(scanner, line(0))).toBe(first);
  });

  test('has no room for a key that is very long, which is decoded the plain way', () => {
    const check = createCheck(undefined);
    for (let length = 15_000; length < 17_000; length += 13) {
      check(ended(sampleLine({ requestURI: `/${'x'.repeat(length)}` })));
    }
    expect(check(ended(sampleLine({ requestURI: 'x'.repeat(17_000) })))?.shape).toBeUndefined();
    expect(check(ended(sampleLine({ requestURI: 'x'.repeat(14_000) })))?.shape).toBeDefined();
  });
});

describe('the scanner starts', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  test('after the number of objects that are scanned the plain way first', () => {
    const scanner = new ShapeScanner(undefined, { plainFirst: 2 });
    const tokens = [1, 2, 3].map(() => scanner.scan(ended(sampleLine()), 0)?.shape);
    expect(tokens.map((token) => token !== undefined)).toEqual([false, false, true]);
  });

  test('not at all where there is no WebAssembly, and goes the plain way', async () => {
    vi.stubGlobal('WebAssembly', undefined);
    const { ShapeScanner: WithoutWasm } = await import('./shape-scanner.ts');
    const scanner = new WithoutWasm('cluster', { plainFirst: 0 });
    expect(scanner.isFast).toBe(false);
    const plain = new EventScanner('cluster');
    const bytes = ended(sampleLine({ cluster: 'c' }));
    expect(outcome(scanner, bytes)).toEqual(outcome(plain, bytes));
  });

  test('not at all where the module cannot be compiled', async () => {
    vi.stubGlobal('WebAssembly', {
      Module: () => {
        throw new Error('no SIMD');
      },
    });
    vi.resetModules();
    const { ShapeScanner: WithoutSimd } = await import('./shape-scanner.ts');
    expect(new WithoutSimd(undefined).isFast).toBe(false);
  });

  test('not for a cluster field that is one of the event, or has a very long name', () => {
    expect(shapes('verb').isFast).toBe(false);
    expect(shapes('x'.repeat(256)).isFast).toBe(true);
    expect(shapes('x'.repeat(257)).isFast).toBe(false);
    const name = 'ü'.repeat(128);
    expect(createCheck(name)(ended(sampleLine({ [name]: 'c' })))?.shape).toBeDefined();
  });
});

describe('the reader', () => {
  test('gives one token to one shape, and none to a record in a wrapping one that names another cluster', () => {
    const told: { readonly cluster: string | undefined; readonly shape: object | undefined }[] = [];
    const reader = new RecordReader(
      {
        event: ({ shape }, cluster) => void told.push({ cluster, shape }),
        skipped: (reason) => expect(reason).toBe(''),
        bad: (reason) => expect(reason).toBe(''),
      },
      { clusterField: 'cluster' },
    );
    const inner = sampleLine();
    for (let i = 0; i < 100; i++) reader.push(ended(inner));
    for (const cluster of ['a', 'b']) reader.push(ended(JSON.stringify({ cluster, log: `${inner}\n` })));
    reader.push(ended(JSON.stringify({ log: `${inner}\n` })));
    reader.push(ended(sampleLine({ cluster: 'a' })));
    const [plain, wrappedInA, wrappedInB, wrapped, ownA] = told.slice(99);
    expect(plain?.shape).toBeDefined();
    expect(wrappedInA).toEqual({ cluster: 'a', shape: undefined });
    expect(wrappedInB).toEqual({ cluster: 'b', shape: undefined });
    expect(wrapped?.shape).toBe(plain?.shape);
    expect(ownA?.cluster).toBe('a');
    expect(ownA?.shape).toBeDefined();
    expect(ownA?.shape).not.toBe(plain?.shape);
  });
});
