import { START_US } from '@leastwise/testkit';
import { describe, expect, test } from 'vitest';

import { stagesOf } from '../simulate/request.ts';
import { of, policy, request } from '../testing/build.ts';
import type { AuditPolicy, RequestAttributes } from '../types.ts';
import { PolicyComparing, sightChange } from './compare-policies.ts';

function compared(before: AuditPolicy, after: AuditPolicy, asked: readonly RequestAttributes[]) {
  const comparing = new PolicyComparing(before, after);
  for (const attributes of asked) {
    comparing.add({ attributes, stages: stagesOf(attributes), receivedAtUs: START_US, metadataBytes: 1000 });
  }
  return comparing.result();
}

const omitStages = ['RequestReceived'] as const;

describe('two policies on the same requests', () => {
  const before = policy([{ level: 'None', verbs: ['get'] }, {}], { omitStages });
  const after = policy([{ level: 'Request', verbs: ['create'] }, { level: 'None', verbs: ['list'] }, {}], {
    omitStages,
  });
  const result = compared(before, after, [
    request(),
    request(),
    request({ verb: 'list', name: '', user: { username: 'bob', groups: [] } }),
    request({ verb: 'create', name: '' }),
    request({ verb: 'delete' }),
  ]);

  test('differ in what each rule decided', () => {
    expect(result.changes).toEqual([
      { fromRule: 0, toRule: 2, fromLevel: 'None', toLevel: 'Metadata', requests: 2, gained: 2, lost: 0 },
      { fromRule: 1, toRule: 0, fromLevel: 'Metadata', toLevel: 'Request', requests: 1, gained: 0, lost: 0 },
      { fromRule: 1, toRule: 1, fromLevel: 'Metadata', toLevel: 'None', requests: 1, gained: 0, lost: 1 },
    ]);
    expect([result.moreDetailed, result.lessDetailed]).toEqual([3, 1]);
  });

  test('differ in volume', () => {
    expect([result.before.total.events, result.after.total.events]).toEqual([3, 4]);
  });

  test('differ in whom they hide', () => {
    expect(result.lostSubjects.subjects).toEqual([
      { username: 'bob', requests: 1, hidden: 1 },
      { username: 'alice', requests: 4, hidden: 0 },
    ]);
    expect(result.gainedSubjects.subjects).toEqual([
      { username: 'alice', requests: 4, hidden: 2 },
      { username: 'bob', requests: 1, hidden: 0 },
    ]);
  });

  test('differ in what detections see', () => {
    const more = policy([
      { level: 'None', verbs: ['list'], resources: [of(['secrets'])] },
      { level: 'RequestResponse' },
    ]);
    const changes = compared(policy([{}]), more, []).detections;
    const change = (id: string): number | undefined => {
      const found = changes.find(({ after }) => after.need.id === id);
      return found && sightChange(found);
    };
    expect([change('D24'), change('D07'), change('D12')]).toEqual([1, -1, undefined]);
  });
});

test('a policy does not differ from itself', () => {
  const made = policy([{ verbs: ['get'] }]);
  expect(compared(made, made, [request(), request({ verb: 'list', name: '' })])).toMatchObject({
    changes: [],
    detections: [],
    lostSubjects: { subjects: [{ hidden: 0 }] },
    gainedSubjects: { subjects: [{ hidden: 0 }] },
  });
});

test('a stage that is lost is a difference at the same level', () => {
  const { changes } = compared(policy([{}]), policy([{ omitStages: ['ResponseComplete'] }]), [request()]);
  expect(changes).toMatchObject([{ fromLevel: 'Metadata', toLevel: 'Metadata', requests: 1, lost: 1 }]);
});
