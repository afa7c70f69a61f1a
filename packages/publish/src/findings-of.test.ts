import type { RbacFinding } from '@leastwise/findings';
import type { RbacObject } from '@leastwise/rbac';
import { expect, test } from 'vitest';

import { findingsOf, type Owner } from './findings-of.ts';
import { ALICE, CART } from './cycle/testing/states.ts';

const ROLE: RbacObject = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name: 'r', namespace: 'shop' },
  rules: [],
};
const OWNERS: readonly Owner[] = [
  { subject: ALICE, objects: [ROLE] },
  { subject: CART, objects: [] },
];

function about(object: RbacFinding['object'], subject?: RbacFinding['subject']): RbacFinding {
  const finding = { check: 'R030', severity: 'LOW', message: 'm', object, paths: [], key: 'k' } as const;
  return subject === undefined ? finding : { ...finding, subject };
}

const CART_SUBJECT = { kind: 'ServiceAccount', namespace: 'shop', name: 'cart' } as const;

test.each([
  ['the owner of its object', about({ kind: 'Role', namespace: 'shop', name: 'r' }), [1, 0]],
  [
    'that owner, whomever it names',
    about({ kind: 'Role', namespace: 'shop', name: 'r' }, CART_SUBJECT),
    [1, 0],
  ],
  [
    'its subject, where the object is nobody’s',
    about({ kind: 'Role', namespace: 'web', name: 'r' }, CART_SUBJECT),
    [0, 1],
  ],
  ['its subject without a namespace', about(CART_SUBJECT, { kind: 'User', name: 'alice' }), [1, 0]],
  ['nobody, where it is about none of them', about({ kind: 'Namespace', name: 'shop' }), [0, 0]],
  ['nobody, where it is about somebody else', about(CART_SUBJECT, { kind: 'User', name: 'bob' }), [0, 0]],
])('a finding goes to %s', (_, finding, counts) => {
  expect(findingsOf([finding], OWNERS).map((each) => each.length)).toEqual(counts);
});
