import { createHash } from 'node:crypto';

import { attribute, type AuditEvent, createAttributeContext } from '@leastwise/audit-event';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { KeyedHash } from '../first-seen/index.ts';
import { DETECTIONS } from './catalogue.ts';
import { factsOf } from './facts.ts';
import { createSettings } from './settings.ts';
import type { EventFacts, WindowDetection } from './types.ts';
import { addToTallies, MAX_GROUPS, mergeTallies, newTallies, type WindowTallies } from './window-tally.ts';

const CONTEXT = createAttributeContext({ keyHex: '0011223344556677' });
const SETTINGS = createSettings();
const hash: KeyedHash = (text) => {
  const bytes = createHash('sha256').update(text).digest();
  return { hi: bytes.readUInt32LE(0), lo: bytes.readUInt32LE(4) };
};

function detection(id: string): WindowDetection {
  const found = DETECTIONS.find((each) => each.id === id);
  if (found?.available !== true || found.kind !== 'window') throw new Error(`no window detection ${id}`);
  return found;
}

function facts(
  request: string,
  overrides: Partial<AuditEvent> & { readonly username?: string } = {},
): EventFacts {
  const { username = 'alice', ...others } = overrides;
  const [verb = '', requestURI = ''] = request.split(' ');
  const event: AuditEvent = {
    auditID: 'a1',
    stage: 'ResponseComplete',
    requestURI,
    verb,
    user: { username, uid: '', groups: [], extra: [] },
    impersonatedUser: undefined,
    userAgent: 'kubectl/v1.32.4',
    objectRef: undefined,
    code: 200,
    statusMessage: '',
    receivedAtUs: 1_795_225_281_605_336,
    decision: 'allow',
    reason: '',
    impersonationConstraint: '',
    ...others,
  };
  return factsOf(event, attribute(event, 'main', CONTEXT));
}

function tallied(id: string, events: readonly EventFacts[]): WindowTallies {
  const tallies = newTallies();
  for (const each of events) {
    const contribution = detection(id).observe(each, SETTINGS);
    if (contribution !== undefined) addToTallies(tallies, contribution, hash);
  }
  return tallies;
}

/** What a detection says of the groups in a window of these events. */
function found(id: string, events: readonly EventFacts[]): string[] {
  return [...tallied(id, events).groups].flatMap(([group, tally]) => {
    const match = detection(id).predicate(tally);
    return match === undefined ? [] : [`${group}: ${match.severity} ${match.says}`];
  });
}

const REFUSED = { decision: 'forbid', code: 403 };
const many = (count: number, make: (i: number) => EventFacts): EventFacts[] =>
  Array.from({ length: count }, (_, i) => make(i));
const DEV = '/api/v1/namespaces/dev';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const SCHEDULER = 'system:kube-scheduler';

describe('D03', () => {
  const refused = (i: number): EventFacts => facts(`get ${DEV}/pods/p${i}?x=${i}`, REFUSED);
  test('finds more than ten different paths that were refused', () => {
    expect(found('D03', many(14, refused))).toEqual([
      'alice: MEDIUM 14 refused, of about 14 different paths, in 5 min; more than 10 are told',
    ]);
  });
  test('passes ten, one path again and again, and what was allowed', () => {
    expect(found('D03', many(9, refused))).toEqual([]);
    expect(
      found(
        'D03',
        many(50, (i) => facts(`get ${DEV}/pods/p?x=${i}`, REFUSED)),
      ),
    ).toEqual([]);
    expect(
      found(
        'D03',
        many(50, (i) => facts(`get ${DEV}/pods/p${i}`)),
      ),
    ).toEqual([]);
  });
});

describe('D04', () => {
  const kinds = ['pods', 'secrets', 'configmaps', 'services', 'endpoints', 'events', 'serviceaccounts'];
  const mixed = kinds.map((kind, i) => facts(`list ${DEV}/${kind}`, i % 2 === 0 ? REFUSED : {}));
  test('finds few requests to many places, partly refused', () => {
    expect(found('D04', mixed)).toEqual([
      'alice: MEDIUM 7 requests, allowed and refused, of 7 paths and 7 resources in 5 min',
    ]);
  });
  test('passes what is all allowed, few places, many requests, and the system', () => {
    expect(
      found(
        'D04',
        kinds.map((kind) => facts(`list ${DEV}/${kind}`)),
      ),
    ).toEqual([]);
    expect(found('D04', mixed.slice(0, 4))).toEqual([]);
    expect(found('D04', [...mixed, ...many(70, () => facts(`list ${DEV}/pods`))])).toEqual([]);
    expect(
      found(
        'D04',
        kinds.map((kind, i) =>
          facts(`list ${DEV}/${kind}`, { username: SCHEDULER, ...(i > 2 ? REFUSED : {}) }),
        ),
      ),
    ).toEqual([]);
  });
});

describe('D05', () => {
  const look = ['/api/v1/nodes', '/api/v1/namespaces', `${RBAC}/clusterrolebindings`];
  test('finds three kinds of surroundings', () => {
    expect(
      found(
        'D05',
        look.map((uri) => facts(`list ${uri}`)),
      ),
    ).toEqual(['alice: MEDIUM 3 kinds of surroundings in 3 reads within 1 min']);
    expect(detection('D05').windowSeconds).toBe(60);
  });
  test('passes two of them, watches, refused ones and others', () => {
    expect(
      found(
        'D05',
        [...look.slice(0, 2), ...look.slice(0, 2)].map((uri) => facts(`list ${uri}`)),
      ),
    ).toEqual([]);
    expect(
      found(
        'D05',
        look.map((uri) => facts(`watch ${uri}`)),
      ),
    ).toEqual([]);
    expect(
      found(
        'D05',
        look.map((uri) => facts(`list ${uri}`, REFUSED)),
      ),
    ).toEqual([]);
    expect(
      found(
        'D05',
        ['services', 'secrets', 'events'].map((kind) => facts(`list ${DEV}/${kind}`)),
      ),
    ).toEqual([]);
  });
});

describe('D08', () => {
  const read = (i: number): EventFacts => facts(`get ${DEV}/secrets/s${i}`);
  test('finds fifteen different secrets', () => {
    expect(found('D08', [...many(20, read), ...many(20, read)])).toEqual([
      expect.stringMatching(
        /^alice: HIGH about (19|20|21) different secrets in 40 reads within 30 min; 15 are told$/,
      ),
    ]);
  });
  test('passes few of them, however often, and who does so for others', () => {
    expect(
      found(
        'D08',
        many(200, (i) => read(i % 8)),
      ),
    ).toEqual([]);
    expect(
      found(
        'D08',
        many(30, (i) => facts(`get ${DEV}/secrets/s${i}`, REFUSED)),
      ),
    ).toEqual([]);
    expect(
      found(
        'D08',
        many(30, (i) => facts(`get ${DEV}/secrets/s${i}`, { username: SCHEDULER })),
      ),
    ).toEqual([]);
  });
});

describe('D11', () => {
  const refused = (): EventFacts => facts(`get ${DEV}/secrets/s`, REFUSED);
  test('finds twenty refused reads of secrets', () => {
    expect(found('D11', many(20, refused))).toEqual(['alice: MEDIUM 20 refused in 15 min; 20 are told']);
  });
  test('passes nineteen, other resources and what was allowed', () => {
    expect(found('D11', many(19, refused))).toEqual([]);
    expect(
      found(
        'D11',
        many(30, () => facts(`get ${DEV}/configmaps/s`, REFUSED)),
      ),
    ).toEqual([]);
    expect(
      found(
        'D11',
        many(30, () => facts(`get ${DEV}/secrets/s`)),
      ),
    ).toEqual([]);
  });
});

describe('D28', () => {
  const at = (seconds: number): Partial<AuditEvent> => ({
    receivedAtUs: 1_795_225_281_000_000 + seconds * 1e6,
  });
  const bind = facts(`create ${RBAC}/clusterrolebindings`, at(0));
  test('finds a workload after a binding by the same user, in whatever order they come', () => {
    const start = facts(`create ${DEV}/pods`, at(40));
    const says = 'alice: MEDIUM a workload changed 40 s after RBAC was, within one window of 5 min';
    expect(found('D28', [bind, start])).toEqual([says]);
    expect(found('D28', [start, bind])).toEqual([says]);
  });
  test('passes the other order, two users, and a dry run', () => {
    expect(found('D28', [bind, facts(`create ${DEV}/pods`, at(-40))])).toEqual([]);
    expect(found('D28', [bind, facts(`create ${DEV}/pods`, { ...at(40), username: 'bob' })])).toEqual([]);
    expect(found('D28', [bind, facts(`create ${DEV}/pods?dryRun=All`, at(40))])).toEqual([]);
  });
});

describe('D53', () => {
  test('finds an auditID of two requests', () => {
    const events = [facts(`get ${DEV}/pods/a`), facts(`get ${DEV}/pods/b`)];
    expect(found('D53', events)).toEqual(['a1: HIGH 2 events of one auditID are of different requests']);
  });
  test('passes stages and copies of one request, and events without an auditID', () => {
    const stages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete'] as const;
    expect(
      found(
        'D53',
        stages.map((stage) => facts(`watch ${DEV}/pods`, { stage })),
      ),
    ).toEqual([]);
    expect(
      found(
        'D53',
        ['a', 'b'].map((name) => facts(`get ${DEV}/pods/${name}`, { auditID: '' })),
      ),
    ).toEqual([]);
  });
});

test('every window detection has its cases here', () => {
  const ids = DETECTIONS.flatMap((each) => (each.available && each.kind === 'window' ? [each.id] : []));
  expect(ids).toEqual(['D03', 'D04', 'D05', 'D08', 'D11', 'D28', 'D53']);
});

describe('tallies', () => {
  const contributions = fc.array(
    fc.record({
      group: fc.integer({ min: 0, max: 30 }).map((n) => `g${n}`),
      bits: fc.nat(7),
      least: fc.nat(1000),
      most: fc.nat(1000),
      distinct: fc.array(fc.string({ maxLength: 2 }), { maxLength: 2 }),
    }),
  );

  function sumOf(list: readonly Parameters<typeof addToTallies>[1][]): WindowTallies {
    const tallies = newTallies();
    for (const each of list) addToTallies(tallies, each, hash);
    return tallies;
  }

  test('are the same in any order and any parts', () => {
    fc.assert(
      fc.property(contributions, contributions, (some, others) => {
        const left = sumOf(some);
        mergeTallies(left, sumOf(others));
        const right = sumOf([...others].reverse());
        mergeTallies(right, sumOf(some));
        expect(new Map([...left.groups].sort())).toEqual(new Map([...right.groups].sort()));
        expect(left).toEqual(sumOf([...some, ...others]));
      }),
      { numRuns: 30 },
    );
  });

  test('are bounded in number, say so, and keep the same groups in any order', () => {
    const groups = Array.from({ length: MAX_GROUPS + 300 }, (_, i) => ({ group: `g${i}` }));
    const some = sumOf(groups);
    expect([some.groups.size, some.hasOverflow]).toEqual([MAX_GROUPS, true]);
    const parts = sumOf(groups.slice(1000).reverse());
    mergeTallies(parts, sumOf(groups.slice(0, 1000)));
    expect([...parts.groups.keys()].sort()).toEqual([...some.groups.keys()].sort());
    expect(parts.hasOverflow).toBe(true);
    expect(sumOf(groups.slice(0, MAX_GROUPS)).hasOverflow).toBe(false);
    const heir = newTallies();
    mergeTallies(heir, some);
    expect([heir.groups.size, heir.hasOverflow]).toEqual([MAX_GROUPS, true]);
  });
});
