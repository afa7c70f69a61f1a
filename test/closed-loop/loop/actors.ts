import type { ControlPlane, StaticUser } from '@leastwise/testkit';

import type { RbacManifest } from './rendered.ts';

/** Who acts in the workload. `rights` are what it has while it is recorded; the replay has what was generated. */
export interface Actor {
  readonly name: string;
  readonly username: string;
  readonly groups: readonly string[];
  readonly rights: 'everything' | 'pods-of-dev' | 'none';
}

const user = (name: string, rights: Actor['rights'], groups: readonly string[] = []): Actor => ({
  name,
  username: `${name}@example.com`,
  groups,
  rights,
});

const robot = (namespace: string, name: string): Actor => ({
  name,
  username: `system:serviceaccount:${namespace}:${name}`,
  groups: [],
  rights: 'everything',
});

/** Every actor with a token of its own; `anonymous` and `nobody` (a bad token) are in the workload, too. */
export const ACTORS = {
  alice: user('alice', 'everything', ['dev-team']),
  bob: user('bob', 'everything', ['ops']),
  carol: user('carol', 'everything'),
  crista: user('crista', 'everything'),
  dora: user('dora', 'everything'),
  eve: user('eve', 'everything'),
  ivan: user('ivan', 'everything'),
  jane: user('jane', 'everything'),
  kate: user('kate', 'everything'),
  raw: user('raw', 'everything'),
  robot: robot('dev', 'robot'),
  builder: robot('dev', 'builder'),
  lim: user('lim', 'pods-of-dev'),
  mallory: user('mallory', 'none'),
} as const;

/** An actor's name, or one of those whom no token names. */
export type Who = keyof typeof ACTORS | 'anonymous' | 'nobody';

/** The users of the API server's token file. */
export function staticUsers(): StaticUser[] {
  return Object.values(ACTORS)
    .filter(({ username }) => !username.startsWith('system:serviceaccount:'))
    .map(({ name, username, groups }) => ({ token: `token-of-${name}`, name: username, groups }));
}

function subjectOf({ username }: Actor): RbacSubject {
  const [, , namespace, name] = username.split(':');
  return namespace === undefined || name === undefined
    ? { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: username }
    : { kind: 'ServiceAccount', namespace, name };
}

type RbacSubject = NonNullable<RbacManifest['subjects']>[number];

const RBAC = { apiVersion: 'rbac.authorization.k8s.io/v1' };
const API_GROUP = 'rbac.authorization.k8s.io';

/** The rights of the recording. */
export function broadRbac(): RbacManifest[] {
  const holding = (rights: Actor['rights']): RbacSubject[] =>
    Object.values(ACTORS)
      .filter((each) => each.rights === rights)
      .map(subjectOf);
  const metadata = { name: 'recording' };
  const ofDev = { ...metadata, namespace: 'dev' };
  const everything = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
  const everyUrl = { nonResourceURLs: ['*'], verbs: ['*'] };
  const pods = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] };
  return [
    { ...RBAC, kind: 'ClusterRole', metadata, rules: [everything, everyUrl] },
    {
      ...RBAC,
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup: API_GROUP, kind: 'ClusterRole', name: 'recording' },
      subjects: holding('everything'),
    },
    { ...RBAC, kind: 'Role', metadata: ofDev, rules: [pods] },
    {
      ...RBAC,
      kind: 'RoleBinding',
      metadata: ofDev,
      roleRef: { apiGroup: API_GROUP, kind: 'Role', name: 'recording' },
      subjects: holding('pods-of-dev'),
    },
  ];
}

/** Tokens of all actors; those of service accounts come from the API server. */
export async function tokensOf(plane: ControlPlane): Promise<Map<Who, string>> {
  const tokens = new Map<Who, string>([
    ['anonymous', ''],
    ['nobody', 'no-such-token'],
  ]);
  for (const [who, { name, username }] of Object.entries(ACTORS)) {
    const [, , namespace, account] = username.split(':');
    let token = `token-of-${name}`;
    if (namespace !== undefined && account !== undefined) {
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
      const answer = await plane.admin.send({ method: 'POST', path, body });
      token = (answer.body as { status: { token: string } }).status.token;
    }
    tokens.set(who as Who, token);
  }
  return tokens;
}
