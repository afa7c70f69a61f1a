import type { Permission } from '@leastwise/audit-event';
import { describe, expect, test } from 'vitest';

import { bind, clusterRole, ref, role, V1 } from '../authorizer/testing/build.ts';
import { describeCell } from '../grant.ts';
import { DEFAULT_OPTIONS, EXACT_PRESET, type PolicyOptions } from '../options.ts';
import { permission } from '../testing/requests.ts';
import { spell } from '../testing/spell.ts';
import type { BindingSubject, PolicyRule, RbacObject } from '../types.ts';
import { type Change, type ChangeInput, MAX_APPROVED_CELLS, objectKey, proposeChange } from './index.ts';
import { ME, wantedOf } from './testing/arbitrary.ts';

const OPTIONS: PolicyOptions = { ...DEFAULT_OPTIONS, ...EXACT_PRESET };
const BOB: BindingSubject = { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'bob' };
const MINE: BindingSubject = { kind: 'ServiceAccount', name: 's1', namespace: 'a' };

const rule = (verbs: string, resources: string, over: Partial<PolicyRule> = {}): PolicyRule => ({
  verbs: verbs.split(','),
  apiGroups: [''],
  resources: resources.split(','),
  ...over,
});

/** A Role with its binding as the product names them; a ClusterRole for namespace `''`. */
function files(namespace: string, rules: PolicyRule[], subjects = [MINE]): RbacObject[] {
  if (namespace === '') {
    const name = 'suggested-sa-a.s1-clusterrole';
    const metadata = { name: `${name}-binding` };
    const binding = { apiVersion: V1, kind: 'ClusterRoleBinding', metadata, subjects } as const;
    return [clusterRole(name, ...rules), { ...binding, roleRef: ref('ClusterRole', name) }];
  }
  const name = 'suggested-sa-a.s1-role';
  const metadata = { name: `${name}-binding`, namespace };
  const binding = { apiVersion: V1, kind: 'RoleBinding', metadata, subjects } as const;
  return [role(namespace, name, ...rules), { ...binding, roleRef: ref('Role', name) }];
}

function input(approved: RbacObject[], asked: string[], over: Partial<ChangeInput> = {}): ChangeInput {
  const options = over.options ?? OPTIONS;
  const wanted = wantedOf(asked.map(permission), options);
  return { subject: ME, approved, wanted, pinned: [], mayRemove: true, options, ...over };
}

const propose = (...args: Parameters<typeof input>) => proposeChange(input(...args));

function lines(cells: readonly Permission[] | undefined): string[] | undefined {
  return cells?.map(describeCell);
}

/** Objects by kind, namespace and name, roles with their rules. */
function shape(change: Change | undefined): string[] | undefined {
  return change?.objects.map((object) => {
    const name = `${object.kind} ${object.metadata.namespace ?? '-'}/${object.metadata.name}`;
    return 'rules' in object ? `${name}: ${object.rules.map(spell).join('; ')}` : name;
  });
}

describe('what is proposed', () => {
  test('a subject without files gets what the inference made', () => {
    const made = input([], ['get pods a', 'list nodes', 'get /metrics']);
    const { additions, removals, foreign } = proposeChange(made);
    expect(additions?.objects).toEqual(made.wanted.objects);
    expect(lines(additions?.added)).toEqual(['list nodes in the cluster', 'get /metrics', 'get pods in a']);
    expect([removals, foreign]).toEqual([undefined, []]);
  });

  test('the files of a subject that is gone are deleted', () => {
    const rules = [rule('get,list', 'pods')];
    const { additions, removals } = propose([...files('a', rules), ...files('', rules)], []);
    expect(additions).toBeUndefined();
    expect(removals?.objects).toEqual([]);
    expect(lines(removals?.removed)).toEqual(['get pods in the cluster', 'list pods in the cluster']);
  });

  test('so is what granted nothing beside it', () => {
    const nobody = files('b', [rule('get', 'pods')], []);
    const { removals } = propose([...files('a', [rule('get', 'pods')]), ...nobody], []);
    expect(removals?.objects).toEqual([]);
  });

  test('additions and removals apart, each for itself', () => {
    const { additions, removals } = propose(files('a', [rule('get,delete', 'pods')]), [
      'get pods a',
      'list pods a',
    ]);
    expect(shape(additions)).toEqual([
      'Role a/suggested-sa-a.s1-role: delete,get,list pods',
      'RoleBinding a/suggested-sa-a.s1-role-binding',
    ]);
    expect([lines(additions?.added), lines(additions?.removed)]).toEqual([['list pods in a'], []]);
    expect(shape(removals)).toEqual([
      'Role a/suggested-sa-a.s1-role: get pods',
      'RoleBinding a/suggested-sa-a.s1-role-binding',
    ]);
    expect([lines(removals?.added), lines(removals?.removed)]).toEqual([[], ['delete pods in a']]);
  });

  test('a wildcard is kept by additions, and narrowed to what is used by removals', () => {
    const approved = [
      ...files('a', [rule('*', 'pods')]),
      ...files('', [{ verbs: ['get'], nonResourceURLs: ['/api*'] }]),
    ];
    const { additions, removals } = propose(approved, ['get pods a', 'get secrets a', 'get /api/v1']);
    expect(shape(additions)).toContain('Role a/suggested-sa-a.s1-role: * pods; get secrets');
    expect(lines(removals?.removed)).toEqual(['get /api*', '* pods in a']);
    expect(lines(removals?.narrowed)).toEqual(['get /api/v1', 'get pods in a']);
  });

  test('names are narrowed too, and the whole cluster to namespaces', () => {
    const { additions, removals } = propose(files('', [rule('get', '*')]), [
      'get pods a x',
      'get pods b x',
      'get nodes',
    ]);
    expect(additions).toBeUndefined();
    expect(shape(removals)?.filter((line) => line.includes('Role '))).toEqual([
      'Role a/suggested-sa-a.s1-role: get pods [x]',
      'Role b/suggested-sa-a.s1-role: get pods [x]',
      'ClusterRole -/suggested-sa-a.s1-clusterrole: get nodes',
    ]);
  });

  test('nothing is removed that may not be, or of which the policy does not know all', () => {
    const made = input(files('a', [rule('get,delete', 'pods')]), ['get pods a']);
    expect(proposeChange(made).removals).toBeDefined();
    expect(proposeChange({ ...made, mayRemove: false }).removals).toBeUndefined();
    const wanted = { ...made.wanted, isIncomplete: true };
    expect(proposeChange({ ...made, wanted }).removals).toBeUndefined();
  });
});

describe('what stays as it is', () => {
  const [person, binding] = files('a', [rule('list', 'pods'), rule('get', 'pods,pods/log')]);
  const edited = person && {
    ...person,
    metadata: { ...person.metadata, labels: { team: 'x' }, name: 'by-hand' },
  };
  const bound = binding?.kind === 'RoleBinding' ? { ...binding, roleRef: ref('Role', 'by-hand') } : binding;
  const byHand = [edited, bound].filter((object) => object !== undefined);
  const asked = ['get pods a', 'list pods a', 'get pods/log a'];

  test('the very objects that are wanted are nothing to propose; but for one word they are', () => {
    const wanted = wantedOf([permission('get pods a'), permission('list pods b')], OPTIONS);
    const change = (approved: readonly RbacObject[]) =>
      proposeChange({ subject: ME, approved, wanted, pinned: [], mayRemove: true, options: OPTIONS });
    const nothing = { foreign: [], ungranted: [] };
    expect(change(wanted.objects)).toEqual(nothing);
    expect(change(wanted.objects.toReversed())).toEqual(nothing);
    expect(change(wanted.objects.slice(1)).additions).toBeDefined();
    const words = JSON.stringify(wanted.objects).replace('"get"', '"watch"');
    const { additions, removals } = change(JSON.parse(words) as RbacObject[]);
    expect([lines(additions?.added), lines(removals?.removed)]).toEqual([
      ['get pods in a'],
      ['watch pods in a'],
    ]);
  });

  test('the same by other words is nothing to propose', () => {
    expect(propose(byHand, asked)).toEqual({ foreign: [], ungranted: [] });
  });

  test('a change in one namespace leaves the objects of another alone', () => {
    const { additions } = propose(
      [...byHand, ...files('b', [rule('get', 'pods')])],
      [...asked, 'list pods b', 'get pods b'],
    );
    expect(additions?.objects).toEqual(expect.arrayContaining(byHand));
    expect(shape(additions)).toContain('Role b/suggested-sa-a.s1-role: get,list pods');
    expect(additions?.together).toEqual([]);
  });

  test('a ClusterRole that another namespace needs anew is not kept in its old form', () => {
    const options = { ...OPTIONS, namespaceGroups: ['*'] };
    const before = wantedOf(['get pods a', 'get pods b'].map(permission), options).objects;
    const { additions } = propose([...before], ['get pods a', 'list pods b'], { options });
    expect(shape(additions)?.[0]).toMatch(
      /^ClusterRole -\/suggested-sa-a.s1-\w+-clusterrole: get,list pods$/,
    );
    expect(lines(additions?.added)).toEqual(['list pods in a', 'list pods in b']);
  });
});

describe('what is not ours to change', () => {
  test('a binding that somebody else was added to; what is missing stands beside it, under names of its own', () => {
    const approved = files('a', [rule('get', 'pods')], [MINE, BOB]);
    const { additions, removals, foreign } = propose(approved, ['get pods a', 'list pods a']);
    expect(foreign).toEqual(['RoleBinding a/suggested-sa-a.s1-role-binding binds other subjects too']);
    expect(shape(additions)).toEqual([
      expect.stringMatching(/^Role a\/suggested-sa-a\.s1-[0-9a-f]{12}-role: list pods$/),
      expect.stringMatching(/^RoleBinding a\/suggested-sa-a\.s1-[0-9a-f]{12}-role-binding$/),
      'Role a/suggested-sa-a.s1-role: get pods',
      'RoleBinding a/suggested-sa-a.s1-role-binding',
    ]);
    expect(additions?.objects).toEqual(expect.arrayContaining(approved));
    expect(removals).toBeUndefined();
    // And none of it is proposed twice.
    const again = propose([...(additions?.objects ?? [])], ['get pods a', 'list pods a']);
    expect([again.additions, again.removals]).toEqual([undefined, undefined]);
  });

  test('also where somebody was added to what stands beside', () => {
    const made = ['get pods a', 'list pods a'];
    const shared = (objects: readonly RbacObject[]) =>
      objects.map((object) =>
        'subjects' in object && !object.subjects.includes(BOB)
          ? { ...object, subjects: [...object.subjects, BOB] }
          : object,
      );
    const first = shared(files('a', [rule('get', 'pods')]));
    const second = shared(propose(first, made).additions?.objects ?? []);
    const { additions, foreign } = propose(second, [...made, 'watch pods a']);
    expect(foreign).toHaveLength(2);
    expect(additions?.objects).toHaveLength(6);
    expect(additions?.objects).toEqual(expect.arrayContaining(second));
    expect(new Set(additions?.objects.map(objectKey)).size).toBe(6);
    // A role that somebody else binds, too: the binding to what stands beside it is another one, for a roleRef is for ever.
    const theirs = bind('a', ref('Role', 'suggested-sa-a.s1-role'), BOB);
    const third = propose([...files('a', [rule('get', 'pods')]), theirs], made).additions;
    const names = third?.objects.filter((object) => 'roleRef' in object).map(({ metadata }) => metadata.name);
    expect(names).toEqual([expect.stringMatching(/-[0-9a-f]{12}-role-binding$/), theirs.metadata.name]);
  });

  test('names by a template are kept apart as well', () => {
    const options = { ...OPTIONS, naming: { template: 'team:${subject}', labels: {}, annotations: {} } };
    const before = wantedOf([permission('get pods a')], options).objects.map((object) =>
      'subjects' in object ? { ...object, subjects: [...object.subjects, BOB] } : object,
    );
    const { additions } = propose(before, ['list pods a'], { options });
    expect(shape(additions)?.[0]).toMatch(/^Role a\/team:a:s1-[0-9a-f]{12}: list pods$/);
  });

  test.each<[string, RbacObject[], RegExp]>([
    [
      'a role that is not there',
      files('a', [rule('get', 'pods')]).slice(1),
      /binds Role suggested-sa-a\.s1-role, which is not in these files$/,
    ],
    [
      'a role that others are made of',
      files('', [rule('get', 'pods')]).map((object) =>
        'rules' in object
          ? {
              ...object,
              metadata: {
                ...object.metadata,
                labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' },
              },
            }
          : object,
      ),
      /which is aggregated into other ClusterRoles$/,
    ],
    [
      'a role beside one that is made of others',
      [
        ...files('', [rule('get', 'pods')]),
        {
          ...clusterRole('all'),
          aggregationRule: { clusterRoleSelectors: [{ matchLabels: { agg: 'yes' } }] },
        },
      ],
      /which stands beside an aggregated ClusterRole$/,
    ],
    [
      'an empty resourceName',
      files('a', [rule('get', 'pods', { resourceNames: ['', 'x'] })]),
      /which lists an empty resourceName$/,
    ],
    [
      'more than can be listed',
      files('a', [rule(names('v', 400), names('r', 400))]),
      /^RoleBinding a\/suggested-sa-a\.s1-role-binding grants too much to be listed$/,
    ],
  ])('%s: it is left alone, and said', (_, approved, reason) => {
    const { additions, removals, foreign } = propose(approved, ['watch pods a']);
    expect(foreign).toEqual([expect.stringMatching(reason)]);
    expect(removals).toBeUndefined();
    expect(additions?.objects).toEqual(expect.arrayContaining(approved));
    expect(lines(additions?.added)).toEqual(['watch pods in a']);
  });

  test('what the files grant to everybody is not granted once more', () => {
    const everybody: BindingSubject = {
      apiGroup: BOB.apiGroup ?? '',
      kind: 'Group',
      name: 'system:authenticated',
    };
    const { additions } = propose(files('a', [rule('get', 'pods')], [everybody]), [
      'get pods a',
      'list pods a',
    ]);
    expect(lines(additions?.added)).toEqual(['list pods in a']);
    expect(shape(additions)?.[0]).toMatch(/: list pods$/);
  });

  test('a role that an own binding shares with somebody else stays for them', () => {
    const [shared, mine] = files('a', [rule('get,delete', 'pods')]);
    const theirs = { ...mine, metadata: { name: 'theirs', namespace: 'a' }, subjects: [BOB] };
    const approved = [shared, mine, theirs].filter((object) => object !== undefined) as RbacObject[];
    const { removals, foreign } = propose(approved, ['get pods a']);
    expect(foreign).toEqual(['RoleBinding a/theirs binds other subjects too']);
    expect(removals?.objects).toEqual(expect.arrayContaining([shared, theirs]));
    expect(removals?.objects).not.toContainEqual(mine);
    expect(lines(removals?.removed)).toEqual(['delete pods in a']);
  });

  test('the binding to such a role goes where nothing of it is used', () => {
    const [shared, mine] = files('a', [rule('get', 'pods')]);
    const theirs = bind('a', ref('Role', 'suggested-sa-a.s1-role'), BOB);
    const inA = [shared, mine, theirs].filter((object) => object !== undefined);
    const { removals } = propose([...inA, ...files('b', [rule('get', 'pods')])], ['get pods b']);
    expect(removals?.objects).toContainEqual(shared);
    expect(removals?.objects).not.toContainEqual(mine);
    expect(lines(removals?.removed)).toEqual(['get pods in a']);
  });

  test('a binding of theirs under the name of ours keeps it', () => {
    const name = 'suggested-sa-a.s1-role-binding';
    const theirs = { ...bind('a', ref('Role', 'theirs'), MINE, BOB), metadata: { name, namespace: 'a' } };
    const approved = [role('a', 'theirs', rule('get', 'pods')), theirs];
    const { additions } = propose(approved, ['list pods a']);
    expect(additions?.objects).toEqual(expect.arrayContaining(approved));
    expect(shape(additions)?.slice(0, 2)).toEqual([
      'Role a/suggested-sa-a.s1-role: list pods',
      expect.stringMatching(/^RoleBinding a\/suggested-sa-a\.s1-[0-9a-f]{12}-role-binding$/),
    ]);
  });

  test('what is left of a binding that somebody removed is written over', () => {
    const [leftOver] = files('a', [rule('delete', 'pods')]);
    const { additions } = propose(leftOver ? [leftOver] : [], ['get pods a']);
    expect(shape(additions)).toEqual([
      'Role a/suggested-sa-a.s1-role: get pods',
      'RoleBinding a/suggested-sa-a.s1-role-binding',
    ]);
  });
});

describe('what is used and cannot be wanted', () => {
  test('withheld verbs that were approved stay, as they are used', () => {
    const approved = files('', [rule('impersonate', 'users')]);
    const { additions, removals } = propose(approved, ['impersonate users - alice']);
    expect(additions).toBeUndefined();
    expect(lines(removals?.removed)).toEqual(['impersonate users in the cluster']);
    expect(lines(removals?.narrowed)).toEqual(['impersonate users named alice in the cluster']);
    expect(removals?.refused).toEqual([]);
  });

  test('so does what was used in other namespaces than the one that was chosen', () => {
    const approved = [...files('a', [rule('get,list', 'pods')]), ...files('b', [rule('get,list', 'pods')])];
    const options = { ...OPTIONS, namespace: 'a' };
    const { removals } = propose(approved, ['get pods a', 'get pods b'], { options });
    expect(lines(removals?.removed)).toEqual(['list pods in a', 'list pods in b']);
  });

  test('what no policy may hold is named where a removal would refuse it', () => {
    const approved = files('', [{ verbs: ['get'], nonResourceURLs: ['/x*'] }]);
    const { removals } = propose(approved, ['get /x*']);
    expect(lines(removals?.refused)).toEqual(['get /x*']);
    // Here it stays granted, as somebody else is bound too.
    const shared = files('', [{ verbs: ['get'], nonResourceURLs: ['/x*'] }], [MINE, BOB]);
    const other = propose([...shared, ...files('a', [rule('get', 'pods')])], ['get /x*']).removals;
    expect([lines(other?.removed), other?.refused]).toEqual([['get pods in a'], []]);
  });
});

describe('pinned rules', () => {
  const pinned = [{ namespace: 'a', rules: [rule('get,list', 'secrets')] }];

  test('are not removed, and not granted by themselves', () => {
    const { additions, removals } = propose(files('a', [rule('get,delete', 'secrets')]), [], { pinned });
    expect(additions).toBeUndefined();
    expect(lines(removals?.removed)).toEqual(['delete secrets in a']);
  });

  test('are granted where that is asked for, but for wildcards', () => {
    const wild = rule('get', '*', { apiGroups: ['*'] });
    const asked = [{ namespace: 'a', rules: [rule('get,list', 'secrets'), wild], grant: true }];
    const { additions, ungranted } = propose(files('a', [rule('get', 'secrets')]), [], { pinned: asked });
    expect(lines(additions?.added)).toEqual(['list secrets in a']);
    expect(lines(ungranted)).toEqual(['get *.* in a']);
  });

  test('that grant too much to be listed stop removals, and that is said', () => {
    const many = [
      { namespace: '', rules: [rule(names('v', 400), names('r', MAX_APPROVED_CELLS / 400 + 1))] },
    ];
    const { removals, foreign } = propose(files('a', [rule('get', 'pods')]), [], { pinned: many });
    expect(removals).toBeUndefined();
    expect(foreign).toEqual(['The pinned rules grant too much to be listed']);
  });
});

describe('files that belong together', () => {
  test('where a permission moves from the cluster to a namespace', () => {
    const approved = [...files('', [rule('get', 'pods')]), ...files('b', [rule('get,list', 'secrets')])];
    const { removals } = propose(approved, ['get pods a', 'get secrets b']);
    expect(removals?.together).toEqual(['', 'a']);
  });

  test('where one in the cluster takes the place of one in a namespace', () => {
    const { additions } = propose(files('a', [rule('get', 'pods')]), ['get pods']);
    expect(shape(additions)).toEqual([
      'ClusterRole -/suggested-sa-a.s1-clusterrole: get pods',
      'ClusterRoleBinding -/suggested-sa-a.s1-clusterrole-binding',
    ]);
    expect(additions?.together).toEqual(['', 'a']);
  });
});

function names(prefix: string, count: number): string {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`).join(',');
}
