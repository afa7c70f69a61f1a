import { impliedGroups, type Subject, usernameOf } from '@leastwise/audit-event';
import { type Cell, createAuthorizer, type RbacObject } from '@leastwise/rbac';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { matchPolicy } from '../match/match-policy.ts';
import { isLongRunning } from '../match/request-attributes.ts';
import { policy, rule, sourced } from '../testing/build.ts';
import type { AuditPolicy, RequestAttributes, Requester } from '../types.ts';
import { PolicyObservability } from './observability.ts';

const SUBJECTS: readonly Subject[] = [
  { kind: 'User', namespace: '', name: 'u1' },
  { kind: 'User', namespace: '', name: 'other' },
  { kind: 'ServiceAccount', namespace: 'ns1', name: 'a' },
  { kind: 'Group', namespace: '', name: 'g1' },
];

/** Everybody whom a subject may stand for: users in any groups, members of a group. */
function requesters(subject: Subject): Requester[] {
  const groups = impliedGroups(subject);
  if (subject.kind === 'ServiceAccount') return [{ username: usernameOf(subject), groups }];
  const names = subject.kind === 'Group' ? ['u1', 'u2', 'someone'] : [subject.name];
  return names.flatMap((username) =>
    [[], ['g1'], ['g2'], ['g1', 'g2']].map((more) => ({ username, groups: [...groups, ...more] })),
  );
}

const some = <T>(...values: T[]): fc.Arbitrary<T[]> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant<T[]>([]) },
    fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 }),
  );
const common = {
  level: fc.constantFrom('None' as const, 'Metadata' as const),
  users: some('u1', 'u2', 'system:serviceaccount:ns1:a'),
  userGroups: some('g1', 'g2', 'system:authenticated', 'system:serviceaccounts', 'system:unauthenticated'),
  verbs: some('get', 'list', 'watch', 'create', 'patch'),
  omitStages: fc.constantFrom<'ResponseComplete'[]>([], [], ['ResponseComplete']),
};
const group = fc
  .record({
    group: fc.constantFrom('', 'apps', '*'),
    resources: some('pods', 'pods/log', 'pods/*', '*/log', '*', 'pods/exec', 'deployments'),
    resourceNames: some('n1'),
  })
  .map((each) => (each.resources.length === 0 ? { ...each, resourceNames: [] } : each));
const arbitraryPolicy: fc.Arbitrary<AuditPolicy> = fc
  .array(
    fc.oneof(
      fc.record({ ...common, namespaces: some('', 'ns1'), resources: fc.array(group, { maxLength: 2 }) }),
      fc.record({ ...common, nonResourceURLs: some('*', '/a', '/a*', '/a/b', '/debug/pprof/heap') }),
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((rules) => policy(rules.map((fields) => rule(fields))));

const arbitraryCell: fc.Arbitrary<Cell> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      verb: fc.constantFrom('get', 'list', 'watch', 'create', 'patch', '*'),
      apiGroup: fc.constantFrom('', 'apps', '*'),
      resource: fc.constantFrom('pods', 'pods/log', 'pods/exec', 'deployments', '*', '*/log'),
      namespace: fc.constantFrom('', 'ns1', 'ns2'),
      name: fc.constantFrom('', '', 'n1', 'n2'),
      path: fc.constant(''),
    }),
  },
  fc.record({
    verb: fc.constantFrom('get', 'post', '*'),
    apiGroup: fc.constant(''),
    resource: fc.constant(''),
    namespace: fc.constant(''),
    name: fc.constant(''),
    path: fc.constantFrom('*', '/a', '/a*', '/a/*', '/b', '/debug/pprof/*'),
  }),
);

const NO_RESOURCE = { apiGroup: '', resource: '', subresource: '', namespace: '', name: '' };
/** Every request of a small world, with something in each dimension that nobody mentions. */
const REQUESTS: readonly Omit<RequestAttributes, 'user'>[] = [
  ...['get', 'list', 'watch', 'proxy', 'create', 'patch', 'update', 'delete'].flatMap((verb) =>
    ['', 'apps', 'x.io'].flatMap((apiGroup) =>
      ['pods', 'deployments', 'things'].flatMap((resource) =>
        ['', 'log', 'exec', 'scale'].flatMap((subresource) =>
          ['', 'ns1', 'ns2', 'ns3'].flatMap((namespace) =>
            ['', 'n1', 'n2', 'n3'].map((name) => ({
              ...{
                verb,
                isResourceRequest: true,
                apiGroup,
                resource,
                subresource,
                namespace,
                name,
                path: '',
              },
            })),
          ),
        ),
      ),
    ),
  ),
  // A method may be any word, in lower case: also one that makes a request run long.
  ...['get', 'post', 'list', 'watch', 'proxy', 'create', 'patch', 'put'].flatMap((verb) =>
    ['/a', '/ax', '/a/', '/a/b', '/a/c', '/b', '/c', '/debug/pprof/heap', '/debug/pprof/x'].map((path) => ({
      ...{ verb, isResourceRequest: false, ...NO_RESOURCE, path },
    })),
  ),
];

/** What the authorizer is asked about a request, one after the other. */
function asked(request: Omit<RequestAttributes, 'user'>): Cell[] {
  const { verb, apiGroup, resource, subresource, namespace, name, path } = request;
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  const cell = { verb, apiGroup, resource: whole, namespace, name, path };
  const isUpsert = request.isResourceRequest && ['patch', 'update'].includes(verb);
  const isUpgrade = verb === 'get' && apiGroup === '' && whole === 'pods/exec';
  return isUpsert || isUpgrade ? [cell, { ...cell, verb: 'create' }] : [cell];
}

const ME: Subject = { kind: 'User', namespace: '', name: 'me' };
const meta = (name: string) => ({ name, namespace: 'x' });

/** Whether a grant of one cell allows some of what a request asks for, by the authorizer itself. */
function usesOf(cell: Cell): (request: Omit<RequestAttributes, 'user'>) => boolean {
  const { namespace, verb, apiGroup, resource, name, path } = cell;
  const rules =
    resource === ''
      ? [{ nonResourceURLs: [path], verbs: [verb] }]
      : [
          {
            apiGroups: [apiGroup],
            resources: [resource],
            verbs: [verb],
            ...(name && { resourceNames: [name] }),
          },
        ];
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const ref = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'r' } as const;
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'me' }] as const;
  const objects: RbacObject[] = [
    { apiVersion, kind: 'ClusterRole', metadata: { name: 'r' }, rules },
    namespace === ''
      ? { apiVersion, kind: 'ClusterRoleBinding', metadata: { name: 'b' }, roleRef: ref, subjects }
      : { apiVersion, kind: 'RoleBinding', metadata: { ...meta('b'), namespace }, roleRef: ref, subjects },
  ];
  const authorizer = createAuthorizer(objects);
  return (request) =>
    asked(request).some(
      (permission) => authorizer.authorize({ subject: ME, groups: [], permission }).allowed,
    );
}

function isLogged(made: AuditPolicy, request: RequestAttributes): boolean {
  const { stages } = matchPolicy(made, request);
  return (
    stages.includes('ResponseComplete') || (isLongRunning(request) && stages.includes('ResponseStarted'))
  );
}

/** What going through every request of the small world says. */
function naiveSight(made: AuditPolicy, subject: Subject, cell: Cell): string {
  const using = REQUESTS.filter(usesOf(cell));
  const logged = new Set(
    requesters(subject).flatMap((user) => using.map((request) => isLogged(made, { ...request, user }))),
  );
  if (logged.size === 2) return 'partly';
  return logged.has(true) ? 'logged' : 'hidden';
}

describe('the sight of a grant, for any policy', () => {
  test('is what every request of a small world says: a grant that may be called unused was visible', () => {
    const seen = { logged: 0, partly: 0, hidden: 0 };
    fc.assert(
      fc.property(arbitraryPolicy, fc.constantFrom(...SUBJECTS), arbitraryCell, (made, subject, cell) => {
        const { sight, hiding } = new PolicyObservability(sourced(made)).of(subject).sightOf(cell);
        seen[sight] += 1;
        const naive = naiveSight(made, subject, cell);
        // What may impersonate uses that with any request whatever, also with those that are beyond this grant.
        const isAny =
          cell.verb === '*' &&
          (cell.resource === '*' || (cell.resource === '*/log' && cell.apiGroup === '*'));
        expect(isAny ? [naive, 'partly'] : [naive]).toContain(sight);
        expect(hiding === undefined).toBe(sight === 'logged');
      }),
      { numRuns: 600 },
    );
    expect(Math.min(seen.logged, seen.partly, seen.hidden)).toBeGreaterThan(30);
  });

  test('is not raised by a wider grant', () => {
    fc.assert(
      fc.property(arbitraryPolicy, fc.constantFrom(...SUBJECTS), arbitraryCell, (made, subject, cell) => {
        const sights = new PolicyObservability(sourced(made)).of(subject);
        const { sight } = sights.sightOf(cell);
        const wider =
          cell.resource === '' ? { ...cell, path: '*' } : { ...cell, verb: '*', resource: '*', name: '' };
        if (sight !== 'logged') expect(sights.sightOf(wider).sight).not.toBe('logged');
        if (sights.isHidden) expect(sight).toBe('hidden');
      }),
      { numRuns: 300 },
    );
  });
});
