import { describe, expect, test } from 'vitest';

import { ME, wantedOf } from '../approved/testing/arbitrary.ts';
import { account, bind, bindCluster, clusterRole, group, ref, user } from '../authorizer/testing/build.ts';
import { bootstrapDefaults } from '../bootstrap/index.ts';
import { createInference } from '../infer.ts';
import { DEFAULT_OPTIONS } from '../options.ts';
import { permission, request, stateOf } from '../testing/requests.ts';
import type { BindingSubject, PolicyRule, RbacObject } from '../types.ts';
import { findRetirable, type ManagedSubject, MAX_EXCESS_CELLS, type RetirementInput } from './index.ts';

const MINE = account('s1', 'a');
const all = (verb: string): PolicyRule => ({ verbs: [verb], apiGroups: ['*'], resources: ['*'] });

function broad(name: string, rule: PolicyRule, ...subjects: BindingSubject[]): RbacObject[] {
  return [clusterRole(name, rule), bindCluster(ref('ClusterRole', name), ...subjects)];
}

/** Our service account, with all that it was seen to do merged. */
function managed(...asked: string[]): ManagedSubject {
  const wanted = wantedOf(asked.map(permission), DEFAULT_OPTIONS);
  return { subject: ME, own: wanted.objects, wanted };
}

/** Entries on one line each. */
function lines(input: Partial<RetirementInput> & { existing: RbacObject[] }): string[] {
  return findRetirable({ defaults: [], subjects: [], ...input }).map(
    ({ binding, action, released, remaining, excess }) =>
      `${action} ${binding.metadata.name}: ${released.map(({ name }) => name).join()} | ${remaining
        .map(({ name }) => name)
        .join()} | ${excess.cells}${excess.isCapped ? '+' : ''} in ${excess.rules}`,
  );
}

const ADMIN = broad('admin', all('*'), MINE);

describe('a binding that one subject does not need', () => {
  test('is listed once ours is in force, with what it grants too much and where it comes from', () => {
    const mine = managed('get pods a');
    const hints = new Map([['ClusterRoleBinding\0\0crb-admin', { managers: ['kubectl-create'] }]]);
    const [entry] = findRetirable({ existing: ADMIN, defaults: [], subjects: [mine], hints });
    expect(entry).toEqual({
      binding: ADMIN[1],
      action: 'delete-binding',
      released: [ME],
      remaining: [],
      excess: { cells: 1, isCapped: false, rules: 1 },
      origins: [{ tool: 'kubectl', manager: 'kubectl-create' }],
    });
    expect(lines({ existing: ADMIN, subjects: [{ ...mine, own: [] }] })).toEqual([]);
  });

  test('nothing is listed of a policy that is incomplete', () => {
    const mine = managed('get pods a');
    expect(
      lines({ existing: ADMIN, subjects: [{ ...mine, wanted: { ...mine.wanted, isIncomplete: true } }] }),
    ).toEqual([]);
  });

  test('ours, those of the API server and their live copies are not listed', () => {
    const mine = managed('get pods a');
    const defaults = bootstrapDefaults({ major: 1, minor: 34 });
    const live = broad('system:node', all('get'), MINE).map((object) => ({
      ...object,
      metadata: { ...object.metadata, labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' } },
    }));
    const existing = [...defaults, ...live, ...mine.own];
    expect(lines({ existing, defaults, subjects: [mine] })).toEqual([]);
  });

  test('a binding to a role that is not known is not listed', () => {
    expect(lines({ existing: ADMIN.slice(1), subjects: [managed('get pods a')] })).toEqual([]);
  });
});

describe('what keeps a binding', () => {
  const admin = { existing: ADMIN };

  test('a withheld verb that was used', () => {
    expect(lines({ ...admin, subjects: [managed('get pods a', 'impersonate users - alice')] })).toEqual([]);
  });

  test('what no policy may hold, and was used', () => {
    expect(lines({ ...admin, subjects: [managed('get pods a', 'delete pods a n/../x')] })).toEqual([]);
  });

  test('not what no binding of its own ever granted', () => {
    const some = { existing: broad('reader', all('get'), MINE) };
    expect(lines({ ...some, subjects: [managed('get pods a', 'impersonate users - alice')] })).toEqual([
      'delete-binding reader: s1 |  | 1 in 1'.replace('reader', 'crb-reader'),
    ]);
  });

  test('what counted as granted by what exists, unless something else grants it', () => {
    const options = { ...DEFAULT_OPTIONS, existing: ADMIN };
    const cluster = stateOf([request({ subject: ME, permissions: [permission('get pods a')] })]);
    const [state] = cluster.subjects.values();
    if (!state) throw new Error('no subject');
    const subjects = [{ subject: ME, own: [], wanted: createInference(options)(state, cluster) }];
    expect(lines({ ...admin, subjects })).toEqual([]);
    const also = broad(
      'also',
      { verbs: ['get'], apiGroups: [''], resources: ['pods'] },
      group('system:authenticated'),
    );
    expect(lines({ existing: [...ADMIN, ...also], subjects })).toEqual([
      'delete-binding crb-admin: s1 |  | 1 in 1',
    ]);
  });
});

describe('several subjects in one binding', () => {
  const bob = { kind: 'User', namespace: '', name: 'bob' } as const;
  const known: ManagedSubject = { subject: bob, own: [], wanted: managed().wanted };

  test('it can go where nobody needs it', () => {
    const existing = broad('admin', all('*'), MINE, user('bob'));
    expect(lines({ existing, subjects: [managed('get pods a'), known] })).toEqual([
      'delete-binding crb-admin: s1,bob |  | 1 in 1',
    ]);
  });

  test('those go who do not need it, where others may', () => {
    const existing = broad('admin', all('*'), MINE, user('bob'), user('stranger'));
    expect(lines({ existing, subjects: [managed('get pods a'), known] })).toEqual([
      'drop-subjects crb-admin: s1,bob | stranger | 1 in 1',
    ]);
  });

  test('a subject that is listed in two ways goes as one, and a listing that binds nobody does not matter', () => {
    const existing = broad('admin', all('*'), MINE, user('system:serviceaccount:a:s1'), account('nobody'));
    expect(lines({ existing, subjects: [managed('get pods a')] })).toEqual([
      'delete-binding crb-admin: s1 |  | 1 in 1',
    ]);
  });
});

describe('groups', () => {
  const team = group('system:serviceaccounts:a');

  test('what comes through a group is listed for its owner, and nothing rests on it being gone', () => {
    const existing = broad('admin', all('*'), team);
    expect(lines({ existing, subjects: [managed('get pods a')] })).toEqual([
      'via-group crb-admin: s1 | system:serviceaccounts:a | 1 in 1',
    ]);
  });

  test('also through one that the API server named', () => {
    const asked = request({ subject: ME, permissions: [permission('get pods a')], grantingGroup: 'team-a' });
    const cluster = stateOf([asked]);
    const [state] = cluster.subjects.values();
    if (!state) throw new Error('no subject');
    const wanted = createInference(DEFAULT_OPTIONS)(state, cluster);
    const mine: ManagedSubject = { subject: ME, own: wanted.objects, wanted };
    const existing = broad('admin', all('*'), group('team-a'));
    expect(lines({ existing, subjects: [mine] })).toEqual(['via-group crb-admin: s1 | team-a | 1 in 1']);
    // Its membership may end, so that it proves nothing.
    expect(lines({ existing, subjects: [{ ...mine, own: [] }] })).toEqual([]);
    expect(
      lines({ existing: [...existing, ...broad('mine', all('*'), MINE)], subjects: [{ ...mine, own: [] }] }),
    ).toEqual(['via-group crb-admin: s1 | team-a | 1 in 1']);
  });

  test('which keeps what somebody needs who was seen in it', () => {
    const asked = request({ subject: ME, permissions: [permission('get pods a')], grantingGroup: 'team-a' });
    const cluster = stateOf([asked]);
    const [state] = cluster.subjects.values();
    if (!state) throw new Error('no subject');
    const member: ManagedSubject = {
      subject: ME,
      own: [],
      wanted: createInference(DEFAULT_OPTIONS)(state, cluster),
    };
    const team = { kind: 'Group', namespace: '', name: 'team-a' } as const;
    const whole: ManagedSubject = { subject: team, own: [], wanted: managed().wanted };
    const existing = broad('admin', all('*'), group('team-a'));
    expect(lines({ existing, subjects: [whole] })).toEqual(['delete-binding crb-admin: team-a |  | 1 in 1']);
    expect(lines({ existing, subjects: [whole, member] })).toEqual([]);
  });

  test('a binding of its own may go where its group goes on granting it', () => {
    const existing = [...ADMIN, ...broad('team', all('get'), team)];
    const mine = { ...managed('get pods a'), own: [] };
    expect(lines({ existing, subjects: [mine] })).toEqual(['delete-binding crb-admin: s1 |  | 1 in 1']);
  });

  test('a group keeps what one of its members needs', () => {
    const everybody = { kind: 'Group', namespace: '', name: 'system:serviceaccounts:a' } as const;
    const subjects = [{ subject: everybody, own: [], wanted: managed().wanted }];
    const existing = broad('admin', all('*'), team);
    expect(lines({ existing, subjects })).toEqual([
      'delete-binding crb-admin: system:serviceaccounts:a |  | 1 in 1',
    ]);
    expect(lines({ existing, subjects: [...subjects, { ...managed('get pods a'), own: [] }] })).toEqual([]);
    expect(lines({ existing, subjects: [...subjects, managed('get pods a')] })).toEqual([
      'delete-binding crb-admin: system:serviceaccounts:a |  | 1 in 1',
    ]);
  });
});

describe('of two that cover each other the broader one goes and the narrower one stays', () => {
  const mine = { ...managed('get pods a'), own: [] };
  const pods = (name: string, ...verbs: string[]): RbacObject[] => [
    clusterRole(name, { verbs, apiGroups: [''], resources: ['pods'] }),
    bind('a', ref('ClusterRole', name), MINE),
  ];

  test('a wildcard is broader than any number of values', () => {
    const many = Array.from({ length: 30 }, (_, i) => `v${i}`);
    for (const name of ['a', 'z']) {
      const existing = [...broad(name, all('*'), MINE), ...pods('m', 'get', ...many)];
      expect(lines({ existing, subjects: [mine] })).toEqual([`delete-binding crb-${name}: s1 |  | 1 in 1`]);
    }
  });

  test('else the one that grants more, else the first by name', () => {
    expect(lines({ existing: [...pods('a', 'get'), ...pods('z', 'get', 'list')], subjects: [mine] })).toEqual(
      ['delete-binding rb-ClusterRole-z: s1 |  | 1 in 1'],
    );
    expect(lines({ existing: [...pods('z', 'get'), ...pods('a', 'get')], subjects: [mine] })).toEqual([
      'delete-binding rb-ClusterRole-a: s1 |  | 0 in 0',
    ]);
  });

  test('and both go where ours grants all that is needed', () => {
    const existing = [...pods('a', 'get'), ...ADMIN];
    expect(lines({ existing, subjects: [managed('get pods a')] })).toEqual([
      'delete-binding crb-admin: s1 |  | 1 in 1',
      'delete-binding rb-ClusterRole-a: s1 |  | 0 in 0',
    ]);
  });
});

test('a binding that grants more than can be counted is said to', () => {
  const list = (prefix: string): string[] => Array.from({ length: 200 }, (_, i) => `${prefix}${i}`);
  const rule = { verbs: list('v'), apiGroups: [''], resources: list('r') };
  const [entry] = findRetirable({
    existing: broad('vast', rule, MINE),
    defaults: [],
    subjects: [managed('get pods a')],
  });
  expect(entry?.excess).toEqual({ cells: MAX_EXCESS_CELLS, isCapped: true, rules: 1 });
});
