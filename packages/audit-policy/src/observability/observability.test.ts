import type { Subject } from '@leastwise/audit-event';
import type { Cell } from '@leastwise/rbac';
import { describe, expect, test } from 'vitest';

import { of, policy, sourced } from '../testing/build.ts';
import type { AuditPolicy, AuditRule } from '../types.ts';
import { PolicyObservability } from './observability.ts';

const ALICE: Subject = { kind: 'User', namespace: '', name: 'alice' };
const NODE: Subject = { kind: 'User', namespace: '', name: 'system:node:n1' };
const CART: Subject = { kind: 'ServiceAccount', namespace: 'shop', name: 'cart' };
const DEVS: Subject = { kind: 'Group', namespace: '', name: 'devs' };
const LOGGED: Partial<AuditRule> = {};
const NONE = { level: 'None' } as const;

/** `get pods shop web`, `list apps:deployments`, `get /metrics`. */
function cell(text: string): Cell {
  const [verb = '', what = '', namespace = '', name = ''] = text.split(' ');
  if (what.startsWith('/')) return { verb, apiGroup: '', resource: '', namespace: '', name: '', path: what };
  const at = what.indexOf(':');
  return {
    verb,
    apiGroup: what.slice(0, Math.max(0, at)),
    resource: what.slice(at + 1),
    namespace,
    name,
    path: '',
  };
}

function sight(made: AuditPolicy, text: string, subject: Subject = CART): string {
  return new PolicyObservability(sourced(made)).of(subject).sightOf(cell(text)).sight;
}

describe('whether the use of a permission would have been logged', () => {
  test('is decided by the first rule that matches, and no rule is level None', () => {
    const made = policy([{ ...NONE, resources: [of(['events'])] }, { resources: [of([])] }]);
    expect(sight(made, 'get pods shop')).toBe('logged');
    expect(sight(made, 'create events shop')).toBe('hidden');
    expect(sight(made, '* * shop')).toBe('partly');
    expect(sight(made, 'get apps:deployments shop')).toBe('hidden');
    expect(sight(made, 'get *:pods')).toBe('partly');
    expect(sight(made, 'get /metrics')).toBe('hidden');
  });

  test('is told with the rule and its line', () => {
    const made = policy([LOGGED, NONE], { omitStages: ['ResponseComplete'] });
    const observability = new PolicyObservability(
      sourced(policy([{ ...NONE, verbs: ['get'] }, { verbs: ['list'] }])),
    );
    const why = (text: string) => observability.of(CART).sightOf(cell(text)).hiding;
    expect(why('get pods')).toEqual({
      rule: 0,
      line: 10,
      reason: 'rule 1 of the audit policy (line 10) has level None',
      isAboutSome: false,
    });
    expect(why('list pods')).toBeUndefined();
    expect(why('watch pods')).toMatchObject({
      rule: undefined,
      reason: 'no rule of the audit policy matches',
    });
    const stages = new PolicyObservability(sourced(made)).of(CART);
    expect(stages.sightOf(cell('get pods')).hiding?.reason).toBe(
      'rule 1 of the audit policy (line 10) leaves out the stage that tells how a request ended',
    );
  });

  test('needs the stage ResponseComplete, or ResponseStarted where a request runs long', () => {
    const made = policy([LOGGED], { omitStages: ['RequestReceived', 'ResponseComplete'] });
    expect(sight(made, 'get pods')).toBe('hidden');
    expect(sight(made, 'watch pods')).toBe('logged');
    expect(sight(made, 'get pods/log')).toBe('logged');
    expect(sight(made, '* pods')).toBe('partly');
    expect(sight(made, 'get /debug/pprof/heap')).toBe('logged');
    expect(sight(made, 'get /debug/*')).toBe('partly');
    const late = policy([{ omitStages: ['ResponseStarted'] }]);
    expect(sight(late, 'watch pods')).toBe('logged');
    const early = policy([{ omitStages: ['ResponseStarted', 'ResponseComplete'] }]);
    expect(sight(early, 'watch pods')).toBe('hidden');
  });

  test('sees the rest of a rule for long-running requests where an earlier rule logs the others', () => {
    const made = policy([{ verbs: ['get'] }, { omitStages: ['ResponseComplete'] }]);
    expect(sight(made, 'get pods')).toBe('logged');
    expect(sight(made, 'watch pods')).toBe('logged');
    expect(sight(made, 'list pods')).toBe('hidden');
  });

  test('looks at names and namespaces: a rule of one namespace hides a part of a grant in all of them', () => {
    const made = policy([{ ...NONE, namespaces: ['kube-system'] }, LOGGED]);
    expect(sight(made, 'get pods kube-system')).toBe('hidden');
    expect(sight(made, 'get pods shop')).toBe('logged');
    expect(sight(made, 'get pods')).toBe('partly');
    // What is not in namespaces is in none of theirs.
    expect(sight(made, 'get nodes')).toBe('logged');
    expect(sight(made, 'get x.io:things')).toBe('partly');
    const named = policy([{ ...NONE, resources: [of(['configmaps'], '', ['leader'])] }, LOGGED]);
    expect(sight(named, 'update configmaps shop leader')).toBe('hidden');
    expect(sight(named, 'update configmaps shop other')).toBe('logged');
    expect(sight(named, 'update configmaps shop')).toBe('partly');
  });

  test('asks about the places of the requests where they are given', () => {
    const made = policy([{ namespaces: ['a'] }]);
    const { sightOf } = new PolicyObservability(sourced(made));
    expect(sightOf(CART)(cell('list pods'), ['a'])).toBe('logged');
    expect(sightOf(CART)(cell('list pods'), ['a', ''])).toBe('partly');
    expect(sightOf(CART)(cell('list pods'), [''])).toBe('hidden');
  });

  test('knows what needs a permission besides: upserts and WebSockets need create', () => {
    const patches = policy([{ ...NONE, verbs: ['patch'] }, LOGGED]);
    expect(sight(patches, 'create configmaps shop')).toBe('partly');
    expect(sight(patches, 'delete configmaps shop')).toBe('logged');
    const gets = policy([{ ...NONE, verbs: ['get'] }, LOGGED]);
    expect(sight(gets, 'create pods/exec shop')).toBe('partly');
    expect(sight(gets, 'create pods/eviction shop')).toBe('logged');
    expect(sight(gets, 'create * shop')).toBe('partly');
  });

  test('looks for verbs that no request has at what makes the API server ask for them', () => {
    const events = policy([{ ...NONE, resources: [of(['events'])] }, LOGGED]);
    const RBAC = 'rbac.authorization.k8s.io';
    expect(sight(events, `bind ${RBAC}:clusterroles`)).toBe('logged');
    expect(sight(events, `escalate ${RBAC}:roles shop`)).toBe('logged');
    expect(sight(events, 'approve certificates.k8s.io:signers')).toBe('logged');
    expect(sight(events, 'impersonate users')).toBe('partly');
    expect(sight(events, '* users')).toBe('partly');
    expect(sight(events, 'frobnicate x.io:things')).toBe('partly');
    const bindings = policy([{ ...NONE, resources: [of(['rolebindings'], RBAC)] }, LOGGED]);
    expect(sight(bindings, `bind ${RBAC}:clusterroles`)).toBe('partly');
    expect(sight(bindings, `* ${RBAC}:clusterroles`)).toBe('partly');
    expect(sight(bindings, `escalate ${RBAC}:clusterroles`)).toBe('logged');
    const csrs = policy([
      { ...NONE, resources: [of(['certificatesigningrequests/*'], 'certificates.k8s.io')] },
      LOGGED,
    ]);
    expect(sight(csrs, 'approve certificates.k8s.io:signers')).toBe('hidden');
    expect(sight(csrs, 'sign certificates.k8s.io:signers')).toBe('hidden');
    expect(sight(csrs, 'attest certificates.k8s.io:signers')).toBe('logged');
  });

  test('reads prefixes of URLs on both sides', () => {
    const made = policy([{ ...NONE, nonResourceURLs: ['/healthz*', '/version'] }, LOGGED]);
    expect(sight(made, 'get /healthz')).toBe('hidden');
    expect(sight(made, 'get /healthz/etcd')).toBe('hidden');
    expect(sight(made, 'get /healthz/*')).toBe('hidden');
    expect(sight(made, 'get /version')).toBe('hidden');
    expect(sight(made, 'get /version/*')).toBe('logged');
    expect(sight(made, 'get /v*')).toBe('partly');
    expect(sight(made, 'get /livez')).toBe('logged');
    expect(sight(policy([{ nonResourceURLs: ['/api/*'] }]), 'get /*')).toBe('partly');
  });
});

describe('whose requests', () => {
  test('are hidden by a rule about the user, and that of nobody else', () => {
    const made = policy([{ ...NONE, users: ['system:serviceaccount:shop:cart'] }, LOGGED]);
    const observability = new PolicyObservability(sourced(made));
    expect(observability.of(CART)).toMatchObject({
      isHidden: true,
      hiding: [{ rule: 0, isAboutSome: true, reason: 'rule 1 of the audit policy (line 10) has level None' }],
    });
    expect(observability.of(ALICE)).toMatchObject({ isHidden: false, hiding: [] });
    expect(observability.of(ALICE)).toBe(observability.of({ ...ALICE, name: 'bob' }));
    expect(observability.of({ ...CART, name: 'pay' }).isHidden).toBe(false);
  });

  test('are logged where an earlier rule has them, whatever comes later', () => {
    const made = policy([{ users: ['alice'] }, NONE]);
    expect(sight(made, '* *', ALICE)).toBe('logged');
    expect(sight(made, '* *', { ...ALICE, name: 'bob' })).toBe('hidden');
    const some = policy([{ users: ['alice'], verbs: ['delete'] }, NONE]);
    expect(new PolicyObservability(sourced(some)).of(ALICE).isHidden).toBe(false);
  });

  test('are those of the groups that it is in for certain', () => {
    const made = policy([{ ...NONE, userGroups: ['system:serviceaccounts:shop'] }, LOGGED]);
    expect(sight(made, 'get pods', CART)).toBe('hidden');
    expect(sight(made, 'get pods', { ...CART, namespace: 'pay' })).toBe('logged');
    expect(sight(made, 'get pods', ALICE)).toBe('logged');
    expect(
      sight(policy([{ ...NONE, userGroups: ['system:authenticated'] }, LOGGED]), 'get pods', ALICE),
    ).toBe('hidden');
    const anonymous: Subject = { ...ALICE, name: 'system:anonymous' };
    const nobody = policy([{ ...NONE, userGroups: ['system:unauthenticated'] }, LOGGED]);
    expect([sight(nobody, 'get pods', anonymous), sight(nobody, 'get pods', ALICE)]).toEqual([
      'hidden',
      'logged',
    ]);
  });

  test('are hidden by a rule about a group that a user may be in, and not logged by one', () => {
    const hides = policy([{ ...NONE, userGroups: ['devs'] }, LOGGED]);
    expect([sight(hides, 'get pods', ALICE), sight(hides, 'get pods', CART)]).toEqual(['partly', 'logged']);
    expect(sight(hides, 'get pods', DEVS)).toBe('hidden');
    const logs = policy([{ userGroups: ['devs'] }, NONE]);
    expect([sight(logs, 'get pods', ALICE), sight(logs, 'get pods', DEVS)]).toEqual(['partly', 'logged']);
    const both = policy([{ userGroups: ['devs'] }, { ...NONE, userGroups: ['devs'] }, LOGGED]);
    expect(sight(both, 'get pods', ALICE)).toBe('logged');
  });

  test('in groups that Kubernetes keeps for others are not taken for a user', () => {
    const nodes = policy([{ ...NONE, userGroups: ['system:nodes', 'system:bootstrappers:kubeadm'] }, LOGGED]);
    expect([sight(nodes, 'get nodes', ALICE), sight(nodes, 'get nodes', NODE)]).toEqual(['logged', 'partly']);
    expect(sight(nodes, 'get nodes', DEVS)).toBe('logged');
    expect(sight(nodes, 'get nodes', { ...DEVS, name: 'system:authenticated' })).toBe('partly');
    expect(sight(nodes, 'get nodes', { ...DEVS, name: 'system:nodes' })).toBe('hidden');
  });

  test('of a group may be those of any user in it', () => {
    const made = policy([{ ...NONE, users: ['alice'] }, LOGGED]);
    expect(sight(made, 'get pods', DEVS)).toBe('partly');
  });
});

test('rules that are too many to tell in time count as hiding what they may hide', () => {
  const names = Array.from({ length: 1500 }, (_, i) => `r${String(i)}`);
  const same = { resources: [of(names)] };
  const made = policy([same, { ...NONE, ...same }, LOGGED]);
  expect(sight(made, 'get r7 shop')).toBe('logged');
  expect(sight(made, 'get * shop')).toBe('partly');
});
