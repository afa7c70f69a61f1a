import { DEFAULT_VIOLATION_POLICY } from '@leastwise/findings';
import type { KubeObject } from '@leastwise/kube';
import { expect, test } from 'vitest';

import { PolicyHolder } from './policy-holder.ts';

function configMap(data: unknown): KubeObject {
  const names = { namespace: 'leastwise-system', name: 'policy' };
  return { ...names, uid: 'u', resourceVersion: '1', value: { metadata: names, data } };
}

const GOOD = configMap({
  'policy.yaml': 'forbidden_roles:\n  - name: edit\nremediation:\n  rules: [R009]\n',
});

test('without a ConfigMap the default is in force, and it is nobody’s word', () => {
  const holder = new PolicyHolder('policy.yaml');
  expect(holder.update(undefined).held).toEqual({
    policy: DEFAULT_VIOLATION_POLICY,
    problems: [],
    isCurrent: false,
  });
});

test('a policy is in force at once, and read once', () => {
  const holder = new PolicyHolder('policy.yaml');
  const { held, isNew } = holder.update(GOOD);
  expect(isNew).toBe(true);
  expect(held.policy.forbiddenRoles.map(({ name }) => name)).toEqual(['edit']);
  expect(held.isCurrent).toBe(true);
  expect(holder.update(GOOD)).toEqual({ held, isNew: false });
});

test.each([
  ['an unknown key', configMap({ 'policy.yaml': 'forbidden_role: []\n' }), 'policy.yaml:1: '],
  ['no YAML', configMap({ 'policy.yaml': 'a: [' }), 'policy.yaml:'],
  ['no such key', configMap({ 'other.yaml': '' }), 'it has no policy.yaml'],
  ['no data', configMap(undefined), 'it has no policy.yaml'],
  ['an inherited key', configMap(Object.create({ 'policy.yaml': '{}' })), 'it has no policy.yaml'],
])('with %s the last good one stays in force, and says that it is not the newest', (_, broken, problem) => {
  const holder = new PolicyHolder('policy.yaml');
  const { held: good } = holder.update(GOOD);
  const { held } = holder.update(broken);
  expect(held.policy).toEqual(good.policy);
  expect(held.isCurrent, 'nothing may be deleted by an older word').toBe(false);
  expect(held.problems.join('\n')).toContain(problem);
  expect(holder.update(GOOD).held).toMatchObject({ problems: [], isCurrent: true });
});

test('when the ConfigMap is taken away, so is what it said', () => {
  const holder = new PolicyHolder('policy.yaml');
  holder.update(GOOD);
  expect(holder.update(undefined).held).toEqual({
    policy: DEFAULT_VIOLATION_POLICY,
    problems: [],
    isCurrent: false,
  });
});
