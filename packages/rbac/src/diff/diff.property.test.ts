import { impliedGroups, type Permission } from '@leastwise/audit-event';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createAuthorizer } from '../authorizer/index.ts';
import { PERMISSIONS, rbacObjects, SUBJECTS } from '../authorizer/testing/arbitrary.ts';
import { diffRbac, type Grant } from './index.ts';

/** Whether a grant allows a request, by the words of the API reference. */
function covers(grant: Grant, asked: Permission): boolean {
  const is = (value: string, wanted: string): boolean => value === '*' || value === wanted;
  if (!is(grant.verb, asked.verb) || (grant.path === '') !== (asked.path === '')) return false;
  if (asked.path !== '') {
    const isPrefix = grant.path.endsWith('*') && asked.path.startsWith(grant.path.replace(/\*+$/, ''));
    return grant.path === asked.path || isPrefix;
  }
  const [, subresource] = asked.resource.split('/');
  return (
    is(grant.scope, asked.namespace) &&
    is(grant.apiGroup, asked.apiGroup) &&
    (is(grant.resource, asked.resource) ||
      (subresource !== undefined && grant.resource === `*/${subresource}`)) &&
    (grant.name === '' || grant.name === asked.name)
  );
}

test('a request becomes allowed iff it was refused and an added grant covers it; refused likewise', () => {
  let flips = 0;
  fc.assert(
    fc.property(rbacObjects, rbacObjects, (before, after) => {
      const { subjects, isComplete } = diffRbac(before, after);
      expect(isComplete).toBe(true);
      const [old, now] = [createAuthorizer(before), createAuthorizer(after)];
      for (const subject of SUBJECTS) {
        const groups = impliedGroups(subject);
        const own = subjects.filter(
          (each) =>
            (each.subject.kind === subject.kind &&
              each.subject.namespace === subject.namespace &&
              each.subject.name === subject.name) ||
            (each.subject.kind === 'Group' && groups.includes(each.subject.name)),
        );
        for (const permission of PERMISSIONS) {
          const was = old.authorize({ subject, groups, permission }).allowed;
          const is = now.authorize({ subject, groups, permission }).allowed;
          const isAdded = own.some(({ added }) => added.some((grant) => covers(grant, permission)));
          const isRemoved = own.some(({ removed }) => removed.some((grant) => covers(grant, permission)));
          if (was !== is) flips += 1;
          const isRight = (isAdded ? is : was || !is) && (isRemoved ? was : is || !was);
          if (!isRight) expect({ subject, permission, was, is, isAdded, isRemoved }).toBe('as the diff says');
        }
      }
    }),
    { numRuns: 150 },
  );
  expect(flips).toBeGreaterThan(1_000);
});

test('every added grant lets some request through that was refused, every removed one refuses one', () => {
  fc.assert(
    fc.property(rbacObjects, rbacObjects, (before, after) => {
      const [old, now] = [createAuthorizer(before), createAuthorizer(after)];
      for (const { subject, added, removed } of diffRbac(before, after).subjects) {
        const groups = impliedGroups(subject);
        const flips = PERMISSIONS.filter((permission) => {
          const request = { subject, groups, permission };
          return old.authorize(request).allowed !== now.authorize(request).allowed;
        });
        for (const grant of [...added, ...removed]) {
          if (!flips.some((permission) => covers(grant, permission))) expect(grant).toBe('covering a flip');
        }
      }
    }),
    { numRuns: 150 },
  );
});

test('is the other way round when read backwards, and empty for the same', () => {
  fc.assert(
    fc.property(rbacObjects, rbacObjects, (before, after) => {
      const forth = diffRbac(before, after).subjects;
      const back = diffRbac(after, before).subjects.map((each) => ({
        subject: each.subject,
        added: each.removed,
        removed: each.added,
        addedRoles: each.removedRoles,
        removedRoles: each.addedRoles,
      }));
      expect(back).toEqual(forth);
      expect(diffRbac(before, before).subjects).toEqual([]);
    }),
  );
});
