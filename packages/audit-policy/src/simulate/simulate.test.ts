import { auditEvent, START_US, userInfo } from '@leastwise/testkit';
import { describe, expect, test } from 'vitest';

import { of, policy, request, urlRequest } from '../testing/build.ts';
import { type RecordedRequest, RequestFold, stagesOf } from './request.ts';
import { SeenSubjects } from './seen-subjects.ts';
import { perDay, PolicySimulation } from './simulate.ts';
import { NO_VOLUME } from './volume.ts';

const HOUR_US = 3_600_000_000;
const KEY = '0123456789abcdef';
const RECEIVED = ['RequestReceived'] as const;

function recorded(attributes = request(), fields: Partial<RecordedRequest> = {}): RecordedRequest {
  return { attributes, stages: stagesOf(attributes), receivedAtUs: START_US, metadataBytes: 1000, ...fields };
}

describe('requests of events', () => {
  test('are one for all stages and copies', () => {
    const fold = new RequestFold(KEY);
    const event = auditEvent();
    expect(fold.add({ ...event, stage: 'RequestReceived', code: 0 }, 'c')).toMatchObject({
      attributes: request({ namespace: 'default' }),
      stages: ['RequestReceived', 'ResponseComplete'],
      receivedAtUs: START_US,
    });
    expect(fold.add(event, 'c')).toBe('repeated');
    expect(fold.add(event, 'c')).toBe('repeated');
    expect(fold.add(event, 'other')).toBeTypeOf('object');
    expect(fold.add({ ...event, auditID: 'x' }, 'c')).toBeTypeOf('object');
  });

  test('are those that are no evidence, too', () => {
    const fold = new RequestFold(KEY);
    const failed = auditEvent({
      stage: 'ResponseStarted',
      code: 401,
      user: userInfo({ username: '', groups: [] }),
    });
    expect(fold.add(failed, 'c')).toMatchObject({
      attributes: { user: undefined },
      stages: ['ResponseStarted'],
    });
    expect(fold.add(auditEvent({ code: 429, decision: '' }), 'c')).toBeTypeOf('object');
  });

  test('are none where an event does not tell what was asked', () => {
    expect(new RequestFold(KEY).add(auditEvent({ requestURI: '', objectRef: undefined }), 'c')).toBe(
      'unattributable',
    );
  });

  test('are about as long as their events', () => {
    const folded = new RequestFold(KEY).add(auditEvent(), 'c');
    const bytes = typeof folded === 'string' ? 0 : folded.metadataBytes;
    expect(bytes).toBeGreaterThan(600);
    expect(bytes).toBeLessThan(1200);
  });
});

describe('a simulation', () => {
  test('counts events and bytes for each rule, level and what no rule matches', () => {
    const simulation = new PolicySimulation(
      policy(
        [
          { level: 'None', nonResourceURLs: ['/healthz'] },
          { level: 'RequestResponse', verbs: ['create'] },
          { verbs: ['watch', 'get'] },
        ],
        { omitStages: RECEIVED, omitManagedFields: true },
      ),
    );
    simulation.add(recorded(urlRequest('/healthz')));
    simulation.add(recorded(request({ verb: 'create', name: '' })));
    simulation.add(recorded(request({ verb: 'watch', name: '' })));
    simulation.add(recorded());
    simulation.add(recorded(request({ verb: 'delete' })));
    const { rules, levels, total } = simulation.result();
    expect(rules).toEqual([
      { rule: 0, level: 'None', requests: 1, events: 0, bytes: 0 },
      { rule: 1, level: 'RequestResponse', requests: 1, events: 1, bytes: 6000 },
      // A watch is logged when it begins and when it ends.
      { rule: 2, level: 'Metadata', requests: 2, events: 3, bytes: 3000 },
      { rule: undefined, level: 'None', requests: 1, events: 0, bytes: 0 },
    ]);
    expect(total).toEqual({ requests: 5, events: 4, bytes: 9000 });
    expect(levels).toEqual({
      None: { requests: 2, events: 0, bytes: 0 },
      Metadata: { requests: 2, events: 3, bytes: 3000 },
      Request: NO_VOLUME,
      RequestResponse: { requests: 1, events: 1, bytes: 6000 },
    });
  });

  test('knows what bodies, stages and managed fields cost', () => {
    const bytes = (level: 'Metadata' | 'Request' | 'RequestResponse', fields = {}): number => {
      const simulation = new PolicySimulation(policy([{ level }], fields));
      simulation.add(recorded(request({ verb: 'create', name: '' })));
      return simulation.result().total.bytes;
    };
    const whole = { omitStages: RECEIVED, omitManagedFields: true };
    expect([bytes('Metadata', whole), bytes('Request', whole), bytes('RequestResponse', whole)]).toEqual([
      1000, 3000, 6000,
    ]);
    // RequestReceived has no body yet.
    expect(bytes('Request', { omitManagedFields: true })).toBe(4000);
    expect(bytes('RequestResponse', { omitStages: RECEIVED })).toBe(8500);
  });

  test('names the users whose requests are hidden, and how many of them', () => {
    const simulation = new PolicySimulation(policy([{ level: 'None', verbs: ['get'] }, {}]));
    const bob = { username: 'bob', groups: [] };
    simulation.add(recorded());
    simulation.add(recorded(request({ verb: 'list', name: '' })));
    simulation.add(recorded(request({ user: bob })));
    simulation.add(recorded(request({ user: undefined })));
    expect(simulation.result().subjects).toEqual({
      subjects: [
        { username: '', requests: 1, hidden: 1 },
        { username: 'alice', requests: 2, hidden: 1 },
        { username: 'bob', requests: 1, hidden: 1 },
      ],
      others: { requests: 0, hidden: 0 },
    });
  });

  test('counts a request as hidden where only its coming is logged', () => {
    const simulation = new PolicySimulation(policy([{ omitStages: ['ResponseComplete'] }]));
    simulation.add(recorded());
    simulation.add(recorded(request({ verb: 'watch', name: '' })));
    expect(simulation.result().subjects.subjects).toEqual([{ username: 'alice', requests: 2, hidden: 1 }]);
  });

  test('names the detections that do not see all', () => {
    const { detections } = new PolicySimulation(
      policy([{ level: 'None', resources: [of(['secrets'])] }, { level: 'RequestResponse' }]),
    ).result();
    expect(detections.find(({ need }) => need.id === 'D07')?.sight).toBe('blind');
    expect(detections.some(({ need }) => need.id === 'D24')).toBe(false);
  });

  test('knows the time of its log, whatever the order', () => {
    const simulation = new PolicySimulation(policy([{}]));
    for (const receivedAtUs of [START_US + 5, START_US, START_US + 12 * HOUR_US])
      simulation.add(recorded(request(), { receivedAtUs }));
    const { span } = simulation.result();
    expect(span).toEqual({ firstUs: START_US, lastUs: START_US + 12 * HOUR_US });
    expect(perDay(10, span)).toBe(20);
    // A log of minutes is not blown up beyond a day of such hours.
    expect(perDay(10, { firstUs: 0, lastUs: 60 })).toBe(240);
    expect(perDay(10, undefined)).toBe(0);
  });
});

describe('users beyond a bound', () => {
  const names = Array.from({ length: 50 }, (_, i) => `user-${i}`);
  const counted = (order: readonly string[]) => {
    const seen = new SeenSubjects(7);
    for (const name of order) seen.add(name, name.endsWith('1'));
    return seen.result();
  };

  test('are counted together, and which are kept does not depend on the order', () => {
    const twice = [...names, ...names];
    const result = counted(twice);
    expect(result.subjects).toHaveLength(7);
    expect(result.subjects.every(({ requests }) => requests === 2)).toBe(true);
    expect(result.others.requests).toBe(2 * 50 - 14);
    expect(counted(twice.toReversed())).toEqual(result);
    expect(result.others.hidden + result.subjects.reduce((sum, { hidden }) => sum + hidden, 0)).toBe(10);
  });
});
