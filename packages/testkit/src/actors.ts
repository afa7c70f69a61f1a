import type { Subject, UserInfo } from '@leastwise/audit-event';
import fc from 'fast-check';

import { withoutNul } from './api-request.ts';
import { HOSTILE_USERNAMES } from './arbitrary-rbac.ts';
import { userInfo } from './audit-event-line.ts';
import { NAMESPACES } from './kinds.ts';

/** Somebody who sends requests, with the subject that RBAC knows them as. */
export interface Actor {
  readonly user: UserInfo;
  readonly subject: Subject;
}

/** A service account as its token authenticates it. */
export function serviceAccountActor(namespace: string, name: string): Actor {
  return {
    subject: { kind: 'ServiceAccount', namespace, name },
    user: userInfo({
      username: `system:serviceaccount:${namespace}:${name}`,
      uid: '0c8f6a8e-5b7d-4d3c-9a55-6f1f0f3f7b11',
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
      extra: [['authentication.kubernetes.io/pod-name', [`${name}-5c9f8d7b6-x7x2p`]]],
    }),
  };
}

/** A user as a certificate or an identity provider authenticates them. */
export function userActor(username: string, groups: readonly string[] = []): Actor {
  return {
    subject: { kind: 'User', namespace: '', name: withoutNul(username) },
    user: userInfo({ username, groups: [...groups, 'system:authenticated'] }),
  };
}

/** Service accounts and users, some with groups, one in system:masters, some with hostile names or extras. */
export const arbitraryActor: fc.Arbitrary<Actor> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.constantFrom(...NAMESPACES), fc.constantFrom('app', 'deployer', 'default'))
      .map(([namespace, name]) => serviceAccountActor(namespace, name)),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      userActor('alice', ['team-shop']),
      userActor('bob'),
      userActor('carol@example.com', ['oidc:devs', 'oidc:oncall']),
      userActor('system:kube-scheduler'),
      userActor('system:node:node-1', ['system:nodes']),
    ),
  },
  { weight: 1, arbitrary: fc.constant(userActor('kubernetes-admin', ['system:masters'])) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...HOSTILE_USERNAMES, 'nul\0nul')
      .map((name) => withExtra(userActor(name, [name]), [[name, [name, name]]])),
  },
);

function withExtra(actor: Actor, extra: UserInfo['extra']): Actor {
  return { ...actor, user: { ...actor.user, extra } };
}
