import { type Subject, subjectFromUsername } from '@leastwise/audit-event';
import {
  emptyEvidence,
  type ExceptionClass,
  type RuleSet,
  type SubjectPolicy,
  type SubjectState,
} from '@leastwise/rbac';
import { describe, expect, test } from 'vitest';

import { LEFT_OUT_SENTENCES, leftOut, type LeftOutFacts } from './index.ts';

const NOTHING: LeftOutFacts = { choices: { isIgnored: false, isIncluded: false }, isApproved: false };
const CELL = { verb: 'get', apiGroup: '', resource: 'pods', namespace: 'a', name: '', path: '' };

function user(username: string): Subject {
  const subject = subjectFromUsername(username);
  if (subject === undefined) throw new Error('no subject');
  return subject;
}

function group(name: string): Subject {
  return { kind: 'Group', namespace: '', name };
}

function rulesGrantedTo(groups: string[], where: 'name' | 'rule overflow' | 'overflow' = 'name'): RuleSet {
  const evidence = { ...emptyEvidence(), grantingGroups: groups };
  const names = new Map(where === 'name' ? [['', evidence]] : []);
  const rule = { ...CELL, names, overflow: where === 'rule overflow' ? evidence : undefined };
  return { rules: new Map([['', rule]]), overflow: where === 'overflow' ? evidence : undefined };
}

function stateOf(subject: Subject, allowed: RuleSet = rulesGrantedTo([])): SubjectState {
  return { subject, allowed, denied: { rules: new Map(), overflow: undefined } };
}

function policyOf(
  classes: readonly ExceptionClass[],
  isGranting = false,
): Pick<SubjectPolicy, 'objects' | 'exceptions'> {
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'r' },
    rules: [],
  } as const;
  const exceptions = classes.map((each) => ({
    class: each,
    cell: CELL,
    detail: '',
    evidence: emptyEvidence(),
  }));
  return { objects: isGranting ? [role] : [], exceptions };
}

const GRANTING = policyOf([], true);
const ACCOUNT = user('system:serviceaccount:shop:web');

describe('the publisher leaves out', () => {
  test.each([
    [user('system:kube-scheduler'), 'system'],
    [user('system:anonymous'), 'system'],
    [user('system:serviceaccount:odd'), 'system'],
    [group('system:authenticated'), 'system'],
    [user('system:node:worker-1'), 'node'],
    [group('system:nodes'), 'node'],
    [group('system:masters'), 'system-masters'],
    [user('jane'), undefined],
    [user('systemd'), undefined],
    [user('system'), undefined],
    [group('developers'), undefined],
    [ACCOUNT, undefined],
    [user('system:serviceaccount:kube-system:coredns'), undefined],
    [user('system:serviceaccount:kube-system:job-controller'), 'system'],
    [user('system:serviceaccount:shop:job-controller'), undefined],
  ] as const)('%j: %s', (subject, expected) => {
    expect(leftOut(stateOf(subject), GRANTING, NOTHING)).toBe(expected);
  });

  test('members of system:masters, by what the API server named and by what is known of them', () => {
    const jane = user('jane');
    for (const where of ['name', 'rule overflow', 'overflow'] as const) {
      expect(leftOut(stateOf(jane, rulesGrantedTo(['a', 'system:masters'], where)), GRANTING, NOTHING)).toBe(
        'system-masters',
      );
    }
    expect(leftOut(stateOf(jane), GRANTING, { ...NOTHING, groups: ['system:masters'] })).toBe(
      'system-masters',
    );
    expect(leftOut(stateOf(ACCOUNT), GRANTING, { ...NOTHING, groups: ['system:masters'] })).toBe(
      'system-masters',
    );
    expect(
      leftOut(stateOf(jane, rulesGrantedTo(['masters'])), GRANTING, { ...NOTHING, groups: ['a'] }),
    ).toBeUndefined();
  });

  test.each([
    [
      'all is granted by default',
      policyOf(['granted-by-default', 'granted-by-default']),
      'bootstrap-defaults',
    ],
    ['something is granted besides', policyOf(['granted-by-default'], true), undefined],
    ['something is too old to count', policyOf(['granted-by-default', 'outside-retention']), undefined],
    ['something is withheld', policyOf(['granted-by-default', 'withheld']), undefined],
    ['nothing was observed', policyOf([]), undefined],
  ] as const)('service accounts iff all comes from bootstrap defaults: %s', (_, policy, expected) => {
    expect(leftOut(stateOf(ACCOUNT), policy, NOTHING)).toBe(expected);
    expect(leftOut(stateOf(user('jane')), policy, NOTHING)).toBeUndefined();
  });

  test('no service account whose policies were approved: they have to be taken away as well', () => {
    expect(
      leftOut(stateOf(ACCOUNT), policyOf(['granted-by-default']), { ...NOTHING, isApproved: true }),
    ).toBeUndefined();
  });

  test('whom the team ignores, and nobody whom it includes', () => {
    const included = { ...NOTHING, choices: { isIgnored: false, isIncluded: true } };
    const both = { ...NOTHING, choices: { isIgnored: true, isIncluded: true } };
    const scheduler = stateOf(user('system:kube-scheduler'));
    expect(leftOut(scheduler, GRANTING, included)).toBeUndefined();
    expect(leftOut(stateOf(user('system:node:a')), GRANTING, included)).toBeUndefined();
    expect(leftOut(stateOf(ACCOUNT), policyOf(['granted-by-default']), included)).toBeUndefined();
    expect(leftOut(scheduler, GRANTING, both)).toBe('ignored');
    expect(leftOut(stateOf(ACCOUNT), GRANTING, both)).toBe('ignored');
  });

  test('nobody without a sentence that says why', () => {
    for (const sentence of Object.values(LEFT_OUT_SENTENCES)) expect(sentence).toMatch(/^[A-Z].*\.$/);
  });
});
