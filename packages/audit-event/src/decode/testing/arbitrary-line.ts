import fc from 'fast-check';

import { sample, sampleLine } from './sample.ts';

/** Values that an event may be given, some of which the scanner must leave to the plain way. */
const fields = fc.record(
  {
    kind: fc.constantFrom('Event', 'EventList', 'List', 'AdmissionReview', 'Pod', 5),
    apiVersion: fc.constantFrom(
      'audit.k8s.io/v1',
      'audit.k8s.io/v1beta1',
      'audit.k8s.io/v1alpha1',
      'audit.k8s.io/v2',
      'v1',
      null,
    ),
    auditID: fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom(null, 5, '\ud800', '\ufffd')),
    stage: fc.constantFrom('RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic', 'panic', null),
    requestURI: fc.oneof(fc.webPath(), fc.string({ unit: 'binary' }), fc.constantFrom('/a?b=1&c=<>', null)),
    verb: fc.oneof(fc.constantFrom('get', 'list', '', 'ü'), fc.jsonValue()),
    user: fc.oneof(
      fc.record(
        {
          username: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
          uid: fc.string(),
          groups: fc.oneof(fc.array(fc.string()), fc.jsonValue()),
          extra: fc.dictionary(fc.string(), fc.oneof(fc.array(fc.string()), fc.jsonValue()), {
            noNullPrototype: true,
          }),
        },
        { requiredKeys: [], noNullPrototype: true },
      ),
      fc.jsonValue(),
    ),
    impersonatedUser: fc.constantFrom(null, {}, { username: 'bob', groups: null }, [], 'x'),
    userAgent: fc.oneof(fc.string(), fc.jsonValue()),
    objectRef: fc.oneof(
      fc.dictionary(
        fc.constantFrom('resource', 'name', 'namespace', 'apiGroup', 'apiVersion', 'subresource', 'uid'),
        fc.oneof(fc.string(), fc.constantFrom('apps/v1', 5, null)),
        { noNullPrototype: true },
      ),
      fc.jsonValue(),
    ),
    responseStatus: fc.oneof(
      fc.constantFrom(
        { code: 403, message: 'no "ü"' },
        { code: -0 },
        { code: 1.5 },
        { code: 403, message: 5 },
        null,
        {},
      ),
      fc.jsonValue(),
    ),
    requestReceivedTimestamp: fc.constantFrom(
      '2026-11-21T01:41:21Z',
      '2026-11-21T01:41:21.123456789Z',
      '2026-11-21 01:41:21',
      'x',
      null,
      5,
    ),
    timestamp: fc.constantFrom('2017-09-11T19:55:05Z', 5),
    stageTimestamp: fc.constantFrom('2017-09-11T19:55:05Z', 5),
    metadata: fc.constantFrom({ creationTimestamp: '2017-09-11T19:55:05Z' }, null),
    annotations: fc.oneof(
      fc.constantFrom(
        { 'authorization.k8s.io/decision': 'deny' },
        { 'authorization_k8s_io/decision': 'forbid', 'authorization_k8s_io/reason': 'no' },
        { 'authorization.k8s.io/decision': 5 },
        {},
      ),
      fc.jsonValue(),
    ),
    authenticationMetadata: fc.constantFrom(
      { impersonationConstraint: 'associated-node' },
      { impersonationConstraint: 5 },
      null,
    ),
    cluster: fc.oneof(fc.string(), fc.jsonValue()),
    log: fc.constantFrom('text', sampleLine({ auditID: 'inner' }), 5),
    requestObject: fc.oneof(
      fc.constant(sample({ auditID: 'inner' })),
      fc.jsonValue(),
      fc.string({ unit: 'binary' }),
    ),
  },
  { requiredKeys: [], noNullPrototype: true },
);

/** A line of an event with odd values, its keys in any order, blanks anywhere between its members. */
export const lines = fc
  .tuple(fields, fc.infiniteStream(fc.nat()), fc.constantFrom(',', ' ,\t', ',\r '))
  .map(([overrides, order, comma]) => {
    const members = Object.entries(sample(overrides)).map(
      ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`,
    );
    const shuffled = members
      .map((member) => [order.next().value ?? 0, member] as const)
      .sort(([a], [b]) => a - b);
    return `{${shuffled.map(([, member]) => member).join(comma)}}`;
  });

/** A body that offers many places where damage leaves its strings and brackets as they were. */
export const body = Array.from({ length: 30 }, (_, i) => ({ i, list: [i, true, null, -1.5e3], name: 'x y' }));

/** Something done to the bytes of a line: most make it no JSON. */
export const damage = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom('flip', 'insert', 'delete', 'cut', 'repeat'),
  byte: fc
    .oneof(fc.constantFrom(...Buffer.from('{}[]",:\\ \t\r0e-')), fc.nat(255))
    .filter((byte) => byte !== 10),
  length: fc.integer({ min: 1, max: 60 }),
});

export type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

/** A line after that was done to it. */
export function damaged(bytes: Buffer, { at, kind, byte, length }: Damage): Buffer {
  const place = at % bytes.length;
  const before = bytes.subarray(0, place);
  switch (kind) {
    case 'flip':
      return Buffer.concat([before, Buffer.of(byte), bytes.subarray(place + 1)]);
    case 'insert':
      return Buffer.concat([before, Buffer.of(byte), bytes.subarray(place)]);
    case 'delete':
      return Buffer.concat([before, bytes.subarray(place + 1)]);
    case 'cut':
      return before;
    case 'repeat':
      return Buffer.concat([before, bytes.subarray(place, place + length), bytes.subarray(place)]);
  }
}
