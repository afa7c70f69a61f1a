import type { Subject } from '@leastwise/audit-event';
import { describe, expect, test } from 'vitest';

import { DAY_US } from './evidence.ts';
import { objectName, templateName } from './names.ts';
import { AUDIT2RBAC_PRESET } from './options.ts';
import { permission, request, T0 } from './testing/requests.ts';
import { policyOf, requests, rulesOf } from './testing/spell.ts';

const NEW = { kubernetesVersion: { major: 1, minor: 35 } };

describe('an exec over WebSocket needs create today', () => {
  const get = request({ permissions: [permission('get pods/exec ns1 p')], us: T0 + 200 * DAY_US });

  test('also where an older create has left the retention', () => {
    const old = request({ permissions: [permission('create pods/exec ns1 p')], us: T0 });
    expect(rulesOf(policyOf([old, get], NEW))).toEqual({ ns1: ['create,get pods/exec [p]'] });
  });

  test('also where another authorizer allowed an earlier create', () => {
    const other = request({
      permissions: [permission('create pods/exec ns1 p')],
      us: get.receivedAtUs,
      viaRbac: false,
    });
    expect(rulesOf(policyOf([other, get], NEW))).toEqual({ ns1: ['create,get pods/exec [p]'] });
  });
});

describe('names of special verbs never widen', () => {
  const people = Array.from({ length: 12 }, (_, i) => `impersonate users - person${String(i)}`);

  test.each([{}, AUDIT2RBAC_PRESET, { resourceNames: 'Omit' as const }, { verbMerge: 'Smart' as const }])(
    'under %o',
    (knobs) => {
      const [rule] = rulesOf(policyOf(requests(people), { ...knobs, specialVerbs: 'Grant' }))[''] ?? [];
      expect(rule).toMatch(/^impersonate users \[person0,/);
    },
  );

  test('and impersonating system:masters is cluster-admin, which is never rendered', () => {
    const policy = policyOf(requests(['impersonate groups - system:masters']), { specialVerbs: 'Grant' });
    expect(policy?.objects).toEqual([]);
    expect(policy?.exceptions.map((each) => each.class)).toEqual(['unrenderable']);
  });

  test('names of identities may hold what names of objects may not', () => {
    const rules = rulesOf(
      policyOf(requests(['impersonate users - https://idp/u#1']), { specialVerbs: 'Grant' }),
    );
    expect(rules['']).toEqual(['impersonate users [https://idp/u#1]']);
  });
});

test('a verb that is a property of every object brings nothing with it', () => {
  const odd = requests(['constructor pods ns1', 'get pods ns1']);
  expect(rulesOf(policyOf(odd, AUDIT2RBAC_PRESET))).toEqual({ ns1: ['constructor,get pods'] });
});

test.each(['x'.repeat(2000), 'a\uFFFDb', 'a\ud800b'])(
  'nothing is bound to a name that cannot be told (%#)',
  (name) => {
    const subject: Subject = { kind: 'User', namespace: '', name };
    const policy = policyOf([request({ subject, permissions: [permission('get pods ns1')] })]);
    expect(policy?.objects).toEqual([]);
    expect(policy?.exceptions.map((each) => each.class)).toEqual(['unrenderable']);
  },
);

test('a dot or a colon in the wrong place does not take the name of another', () => {
  const account = (namespace: string, name: string): Subject => ({ kind: 'ServiceAccount', namespace, name });
  const user = (name: string): Subject => ({ kind: 'User', namespace: '', name });
  expect(objectName(account('a', 'b.c'), 'role')).not.toBe(objectName(account('a.b', 'c'), 'role'));
  expect(templateName('${subject}', account('shop', 'cart'))).not.toBe(
    templateName('${subject}', user('shop:cart')),
  );
});

test('a namespace that is used a day after it looked deleted was not deleted', () => {
  const deleted = request({
    permissions: [permission('delete namespaces prod prod')],
    us: T0,
    namespaceLife: { namespace: 'prod', change: 'deleted' },
  });
  const later = request({ permissions: [permission('update configmaps prod a')], us: T0 + 2 * DAY_US });
  expect(rulesOf(policyOf([deleted, later]))['prod']).toContain('update configmaps [a]');
});
