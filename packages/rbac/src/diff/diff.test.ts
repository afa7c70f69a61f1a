import { describe, expect, test } from 'vitest';

import { account, bind, clusterRole, ref, role, user } from '../authorizer/testing/build.ts';
import type { PolicyRule, RbacObject } from '../types.ts';
import { granted, lines, rule, urls } from './testing/lines.ts';

describe('coverage (policy_comparator.go)', () => {
  const get = (over: Partial<PolicyRule> = {}, resource = 'pods'): PolicyRule =>
    rule(['get'], [resource], over);
  const names = (...resourceNames: string[]): PolicyRule => get({ resourceNames });
  const inCluster = 'in the whole cluster';
  const cases: [string, PolicyRule[], PolicyRule[], string[]][] = [
    ['a new verb', [get()], [rule(['get', 'list'], ['pods'])], [`+ list pods ${inCluster}`]],
    ['a lost resource', [get(), get({}, 'nodes')], [get()], [`- get nodes ${inCluster}`]],
    [
      'a group',
      [],
      [get({ apiGroups: ['apps'] }, 'deployments/scale')],
      [`+ get deployments.apps/scale ${inCluster}`],
    ],
    ['an unnamed grant is no part of named ones', [names('a', 'b')], [get()], [`+ get pods ${inCluster}`]],
    ['named ones are part of it', [get()], [names('a')], [`- get pods ${inCluster}`]],
    ['names by name', [names('a')], [names('a', 'b')], [`+ get pods named b ${inCluster}`]],
    ['* of verbs is more than all verbs', [get()], [get({ verbs: ['*'] })], [`+ * pods ${inCluster}`]],
    ['and includes them', [get({ verbs: ['*'] })], [get()], [`- * pods ${inCluster}`]],
    ['* of groups', [get()], [get({ apiGroups: ['*'] })], [`+ get pods.* ${inCluster}`]],
    ['*/log includes pods/log', [get({}, 'pods/log')], [get({}, '*/log')], [`+ get */log ${inCluster}`]],
    ['* includes */log', [get({}, '*/log')], [get({}, '*')], [`+ get * ${inCluster}`]],
    [
      'pods/* includes nothing else',
      [get({}, 'pods/*')],
      [get({}, 'pods/log')],
      [`+ get pods/log ${inCluster}`, `- get pods/* ${inCluster}`],
    ],
    ['a path', [urls(['get'], '/a')], [urls(['get'], '/a', '/b')], ['+ get /b']],
    ['a prefix includes paths', [urls(['get'], '/a/b')], [urls(['get'], '/a/*')], ['+ get /a/*']],
    ['and longer prefixes', [urls(['get'], '/a/*')], [urls(['get'], '/a/b*')], ['- get /a/*']],
    ['and the path that it begins with', [], [urls(['get'], '/a/*', '/a/')], ['+ get /a/*']],
    ['several stars are one', [urls(['get'], '/a/**')], [urls(['get'], '/a/*', '/a/b')], []],
    ['/a/* is not /a', [urls(['get'], '/a/*')], [urls(['get'], '/a')], ['+ get /a', '- get /a/*']],
    ['* includes all paths', [urls(['get'], '*')], [urls(['get'], '/x')], ['- get URLs *']],
    [
      'a rule that allows nothing',
      [],
      [rule(['get'], []), rule([], ['pods']), { verbs: ['get'], resources: ['x'] }],
      [],
    ],
  ];
  test.each(cases)('%s', (_, before, after, expected) => {
    expect(lines(granted(before), granted(after))).toEqual(expected.map((line) => `alice: ${line}`));
  });

  test('the whole cluster includes a namespace, and a namespace is not the cluster', () => {
    const pods = [rule(['get'], ['pods'])];
    expect(lines(granted(pods, 'ns'), granted(pods))).toEqual(['alice: + get pods in the whole cluster']);
    expect(lines(granted(pods), granted(pods, 'ns'))).toEqual(['alice: - get pods in the whole cluster']);
    expect(lines([], [...granted(pods), ...granted(pods, 'ns')])).toEqual([
      'alice: + get pods in the whole cluster',
    ]);
    expect(lines(granted(pods, 'a'), granted(pods, 'b'))).toEqual([
      'alice: + get pods in namespace b',
      'alice: - get pods in namespace a',
    ]);
  });

  test('URLs in a Role grant nothing', () => {
    expect(lines([], granted([urls(['get'], '/healthz')], 'ns'))).toEqual([]);
  });

  test('what another new grant includes is not told as well', () => {
    const wide = rule(['*'], ['*'], { apiGroups: ['*'] });
    const after = [wide, rule(['get'], ['pods', 'pods/log', '*/log']), urls(['*'], '*', '/a', '/a/*')];
    expect(lines([], granted(after))).toEqual(['alice: + * *.* in the whole cluster', 'alice: + * URLs *']);
  });
});

describe('equal by semantics', () => {
  const before = granted(
    [
      rule(['get', 'list'], ['pods', 'configmaps']),
      rule(['get'], ['secrets'], { resourceNames: ['a', 'b'] }),
    ],
    'ns',
  );
  const cases: [string, RbacObject[]][] = [
    [
      'reordered rules and lists',
      granted(
        [
          rule(['get'], ['secrets'], { resourceNames: ['b', 'a'] }),
          rule(['list', 'get'], ['configmaps', 'pods']),
        ],
        'ns',
      ),
    ],
    [
      'spelled-out rules',
      granted(
        [
          ...['get', 'list'].flatMap((verb) => ['pods', 'configmaps'].map((each) => rule([verb], [each]))),
          ...['a', 'b'].map((name) => rule(['get'], ['secrets'], { resourceNames: [name] })),
        ],
        'ns',
      ),
    ],
    [
      'repeated and included rules',
      [
        ...granted(
          [
            rule(['get', 'list', 'get'], ['pods', 'configmaps']),
            rule(['list'], ['pods'], { resourceNames: ['x'] }),
            rule(['get'], ['secrets'], { resourceNames: ['a', 'b', 'a'] }),
          ],
          'ns',
        ),
      ],
    ],
    [
      'a renamed role, bound as a ClusterRole',
      [
        clusterRole(
          'other',
          rule(['get', 'list'], ['pods', 'configmaps']),
          rule(['get'], ['secrets'], { resourceNames: ['a', 'b'] }),
        ),
        bind('ns', ref('ClusterRole', 'other'), user('alice')),
      ],
    ],
    [
      'two roles with a binding each',
      [
        role('ns', 'a', rule(['get', 'list'], ['pods', 'configmaps'])),
        role('ns', 'b', rule(['get'], ['secrets'], { resourceNames: ['a', 'b'] })),
        bind('ns', ref('Role', 'a'), user('alice')),
        bind('ns', ref('Role', 'b'), user('alice')),
      ],
    ],
    [
      'objects that bind nobody or nothing',
      [...before, role('ns', 'unbound', rule(['*'], ['*'])), bind('ns', ref('Role', 'r2'))],
    ],
  ];
  test.each(cases)('%s', (_, after) => {
    expect(lines(before, after)).toEqual([]);
    expect(lines(after, before)).toEqual([]);
  });

  test('a service account with and without its namespace, or as the user that it is', () => {
    const to = (subject: Parameters<typeof account>[0], namespace?: string): RbacObject[] => [
      role('ns', 'r', rule(['get'], ['pods'])),
      bind('ns', ref('Role', 'r'), account(subject, namespace)),
    ];
    const asUser = [
      role('ns', 'r', rule(['get'], ['pods'])),
      bind('ns', ref('Role', 'r'), user('system:serviceaccount:ns:app')),
    ];
    expect(lines(to('app'), to('app', 'ns'))).toEqual([]);
    expect(lines(to('app'), asUser)).toEqual([]);
    expect(lines(to('app'), to('app', 'other'))).toHaveLength(2);
  });
});
