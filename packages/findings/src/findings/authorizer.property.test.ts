import type { Permission, Subject } from '@leastwise/audit-event';
import { type Authorizer, createAuthorizer, type RbacObject } from '@leastwise/rbac';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { buildModel } from '../access/build-model.ts';
import type { Grant } from '../access/grants.ts';
import { createProfileBook } from '../access/profile.ts';
import type { Scope } from '../access/scope.ts';
import { COMBINATIONS, GRANT_CHECKS } from '../checks/all.ts';
import { NOW, findingsOf } from '../testing/objects.ts';
import { anyObjects, NAMES, PLACES } from '../testing/random-objects.ts';
import { isEffective } from './grant-drafts.ts';

/** The API server's own answer, for members of a group through somebody who is in no other. */
function mayDo(authorizer: Authorizer, subject: Subject, permission: Permission): boolean {
  const isGroup = subject.kind === 'Group';
  return authorizer.authorize({
    subject: isGroup ? { kind: 'User', namespace: '', name: 'a member' } : subject,
    groups: isGroup ? [subject.name] : [],
    permission,
  }).allowed;
}

/** A resource that a wildcard stands for; of `*` one with a subresource, which may be named in each request. */
function meant(resource: string): string {
  if (resource === '*') return 'things/part';
  return resource.startsWith('*/') ? `things/${resource.slice('*/'.length)}` : resource;
}

/** The requests that a grant stands for, in some place that it reaches. */
function requestsOf(grant: Grant, scope: Scope): readonly Permission[] {
  const { verbs, apiGroup, path, names, isNamespaced } = grant;
  const resource = meant(grant.resource);
  const namespace = isNamespaced ? scope.namespace || 'anywhere' : '';
  return verbs.map((verb) => {
    const isUnnamed = verb === 'deletecollection' || (verb === 'create' && !resource.includes('/'));
    return { verb, apiGroup, resource, namespace, name: isUnnamed ? '' : (names[0] ?? 'any'), path };
  });
}

test('whatever a check calls a grant, the authorizer allows to that subject in that place', () => {
  const book = createProfileBook({ grantChecks: GRANT_CHECKS, combinations: COMBINATIONS });
  fc.assert(
    fc.property(anyObjects, (objects) => {
      const authorizer = createAuthorizer(objects);
      const input = { objects: objects.map((object) => ({ object })), bootstrap: [], nowMs: NOW };
      for (const { subject, holdings } of buildModel(input, book).holders.values()) {
        for (const { role, binding } of holdings) {
          const parts = [...role.profile.parts.values()].flatMap((each) => [...each.values()].flat());
          const grants = [...role.profile.grants.values()].flat();
          for (const grant of [...grants, ...parts].filter((each) => isEffective(each, binding.scope))) {
            for (const permission of requestsOf(grant, binding.scope)) {
              expect(mayDo(authorizer, subject, permission), JSON.stringify([subject, permission])).toBe(
                true,
              );
            }
          }
        }
      }
    }),
    { numRuns: 200 },
  );
});

/** One dangerous request for each of some checks. */
const DANGERS: readonly (readonly [check: string, permission: Partial<Permission>, isNamespaced: boolean])[] =
  [
    ['R030', { verb: 'get', resource: 'secrets' }, true],
    ['R032', { verb: 'create', resource: 'serviceaccounts/token' }, true],
    ['R040', { verb: 'escalate', resource: 'roles', apiGroup: 'rbac.authorization.k8s.io' }, true],
    ['R040', { verb: 'escalate', resource: 'clusterroles', apiGroup: 'rbac.authorization.k8s.io' }, false],
    ['R041', { verb: 'bind', resource: 'clusterroles', apiGroup: 'rbac.authorization.k8s.io' }, true],
    ['R045', { verb: 'impersonate', resource: 'users' }, false],
    ['R050', { verb: 'update', resource: 'deployments', apiGroup: 'apps' }, true],
    ['R052', { verb: 'create', resource: 'pods/exec' }, true],
    ['R056', { verb: 'get', resource: 'nodes/proxy' }, false],
  ];

const ALICE: Subject = { kind: 'User', namespace: '', name: 'alice' };
const CI: Subject = { kind: 'ServiceAccount', namespace: 'shop', name: 'ci' };

function isTold(objects: readonly RbacObject[], subject: Subject, check: string, namespace: string): boolean {
  return findingsOf(objects, { bootstrap: [], judgeUnboundRoles: false }).some(
    (finding) =>
      [check, 'R001', 'R002'].includes(finding.check) &&
      finding.subject?.kind === subject.kind &&
      finding.subject.name === subject.name &&
      (finding.namespace ?? '') === namespace,
  );
}

describe.each(DANGERS)(
  '%s is told of a subject wherever the authorizer allows %j, and nowhere else',
  (...danger) => {
    const [check, asked, isNamespaced] = danger;
    const ask = (namespace: string, name: string): Permission => ({
      apiGroup: '',
      path: '',
      verb: '',
      resource: '',
      ...asked,
      namespace,
      name,
    });
    const siblings = DANGERS.filter(([other]) => other === check);

    test.each([ALICE, CI])('$kind $name', (subject) => {
      fc.assert(
        fc.property(anyObjects, (objects) => {
          const authorizer = createAuthorizer(objects);
          const may = (namespace: string, name: string): boolean =>
            mayDo(authorizer, subject, ask(namespace, name));
          const inCluster = may(isNamespaced ? 'elsewhere' : '', 'any');
          if (inCluster) expect(isTold(objects, subject, check, '')).toBe(true);
          for (const place of isNamespaced && !inCluster ? PLACES : []) {
            if (may(place, 'any')) expect(isTold(objects, subject, check, place)).toBe(true);
            const isSingle = siblings.length === 1 && ['R030', 'R032'].includes(check);
            const mayAny = ['any', ...NAMES].some((name) =>
              ['get', 'list', 'watch'].some((verb) =>
                mayDo(authorizer, subject, { ...ask(place, name), verb: check === 'R030' ? verb : 'create' }),
              ),
            );
            if (isSingle && !mayAny) expect(isTold(objects, subject, check, place)).toBe(false);
          }
        }),
        { numRuns: 40 },
      );
    });
  },
);
