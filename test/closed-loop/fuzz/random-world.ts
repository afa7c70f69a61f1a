import type {
  BindingSubject,
  ClusterRole,
  ClusterRoleBinding,
  LabelSelector,
  PolicyRule,
  RbacObject,
  Role,
  RoleBinding,
  RoleRef,
} from '@leastwise/rbac';
import { createRandom, type Random } from '@leastwise/testkit';

import { chance, type Fence, fencedRule, randomRule, some } from './random-rules.ts';

const RBAC_GROUP = 'rbac.authorization.k8s.io';
const API_VERSION = 'rbac.authorization.k8s.io/v1';

/** One rule set with names of its own, so that many can live in one API server. */
export interface World {
  readonly id: string;
  readonly fence: Fence;
  /** The namespaces that it has bindings in. */
  readonly namespaces: readonly [string, string];
  readonly users: readonly string[];
  readonly group: string;
  readonly objects: readonly RbacObject[];
}

/** A source of randomness for one world, which does not depend on how many others there are. */
export function worldRandom(seed: number, index: number): Random {
  return createRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
}

/** The world of a seed and a number. Aggregation never runs in a circle, in which a cluster would never settle. */
export function randomWorld(random: Random, index: number): World {
  const id = `w${String(index)}`;
  const namespaces = [`${id}-a`, `${id}-b`] as const;
  const frame = {
    id,
    fence: { apiGroup: `${id}.example`, path: `/${id}` },
    namespaces,
    // Names that look like wildcards, service accounts or something else, each one of a plain user.
    users: [
      `${id}:alice`,
      `${id}:Alice`,
      `${id}:*`,
      `${id}: bob\n# "ü"`,
      `system:serviceaccount:${namespaces[0]}:`,
      `system:serviceaccount:${namespaces[0]}:app:x`,
    ],
    group: `${id}:devs`,
  };
  const clusterRoles = [...plainRoles(random, frame), ...aggregatedRoles(random, frame)];
  const roles = namespaces.flatMap((namespace) =>
    some(random, ['r1', 'r2', 'r3']).map((name) => role(random, frame, namespace, name)),
  );
  const bindings = [
    ...Array.from({ length: 3 + random.int(3) }, (_, i) => roleBinding(random, frame, i)),
    ...Array.from({ length: 1 + random.int(3) }, (_, i) => clusterRoleBinding(random, frame, i)),
  ];
  return { ...frame, objects: random.shuffle([...clusterRoles, ...roles, ...bindings]) };
}

type Frame = Omit<World, 'objects'>;

function rules(random: Random, { fence }: Frame, kind: 'Role' | 'ClusterRole'): PolicyRule[] {
  return Array.from({ length: random.int(4) }, () => randomRule(random, fence, kind));
}

function role(random: Random, frame: Frame, namespace: string, name: string): Role {
  return {
    apiVersion: API_VERSION,
    kind: 'Role',
    metadata: { name: `${frame.id}:${name}`, namespace },
    rules: rules(random, frame, 'Role'),
  };
}

function plainRoles(random: Random, frame: Frame): ClusterRole[] {
  const plain = ['r1', 'r2', 'r3'].map((name) => [name, rules(random, frame, 'ClusterRole')] as const);
  const fenced = ['fenced', [fencedRule(random, frame.fence), fencedRule(random, frame.fence)]] as const;
  return [...plain, fenced].map(([name, list]) => ({
    apiVersion: API_VERSION,
    kind: 'ClusterRole',
    metadata: {
      name: `${frame.id}:${name}`,
      labels: { world: frame.id, ...(chance(random, 0.7) ? { tier: random.pick(['x', 'y']) } : {}) },
    },
    rules: list,
  }));
}

/** Two of them, of which the second may select the first, and either itself. */
function aggregatedRoles(random: Random, frame: Frame): ClusterRole[] {
  const notHigher: Expression[][] = [
    [{ key: 'level', operator: 'NotIn', values: ['2'] }],
    chance(random, 0.5) ? [] : [{ key: 'level', operator: 'DoesNotExist' }],
  ];
  return notHigher.map((bound, i) => ({
    apiVersion: API_VERSION,
    kind: 'ClusterRole',
    metadata: {
      name: `${frame.id}:agg${String(i + 1)}`,
      labels: { world: frame.id, tier: random.pick(['x', 'y']), level: String(i + 1) },
    },
    // What an aggregated role lists itself is overwritten, or not.
    rules: chance(random, 0.4) ? rules(random, frame, 'ClusterRole') : [],
    aggregationRule: {
      clusterRoleSelectors: Array.from({ length: 1 + random.int(2) }, () => selector(random, frame, bound)),
    },
  }));
}

type Expression = NonNullable<LabelSelector['matchExpressions']>[number];

function selector(random: Random, { id }: Frame, bound: readonly Expression[]): LabelSelector {
  const inWorld: Expression = { key: 'world', operator: 'In', values: ['nowhere', id] };
  const isByLabel = chance(random, 0.5);
  const expressions: Expression[] = [
    ...bound,
    ...(isByLabel ? [] : [inWorld]),
    ...(chance(random, 0.6) ? [tierExpression(random)] : []),
  ];
  const tier = chance(random, 0.3) ? { tier: random.pick(['x', 'y', 'none']) } : {};
  const matchLabels = { ...(isByLabel ? { world: id } : {}), ...tier };
  return {
    ...(Object.keys(matchLabels).length > 0 ? { matchLabels } : {}),
    ...(expressions.length > 0 ? { matchExpressions: expressions } : {}),
  };
}

function tierExpression(random: Random): Expression {
  const operator = random.pick(['In', 'NotIn', 'Exists', 'DoesNotExist'] as const);
  const hasValues = operator === 'In' || operator === 'NotIn';
  return { key: 'tier', operator, ...(hasValues ? { values: some(random, ['x', 'y', 'z']) } : {}) };
}

function subject(random: Random, frame: Frame, namespace: string): BindingSubject {
  const [a, b] = frame.namespaces;
  const account = (at: string, name: string): BindingSubject => ({
    kind: 'ServiceAccount',
    name,
    ...(at === '' ? {} : { namespace: at }),
  });
  return random.pick<BindingSubject>([
    { apiGroup: RBAC_GROUP, kind: 'User', name: random.pick(frame.users) },
    { apiGroup: RBAC_GROUP, kind: 'User', name: random.pick(frame.users) },
    { apiGroup: RBAC_GROUP, kind: 'User', name: `system:serviceaccount:${a}:app` },
    // A group's name as a user's, and the other way round: two others.
    { apiGroup: RBAC_GROUP, kind: 'User', name: frame.group },
    { apiGroup: RBAC_GROUP, kind: 'Group', name: `${frame.id}:alice` },
    { apiGroup: RBAC_GROUP, kind: 'Group', name: frame.group },
    { apiGroup: RBAC_GROUP, kind: 'Group', name: frame.group },
    { apiGroup: RBAC_GROUP, kind: 'Group', name: `system:serviceaccounts:${random.pick([a, b])}` },
    account(a, 'app'),
    account(b, 'app'),
    // The server takes any namespace here, and only a ClusterRoleBinding needs one.
    account(`${a}:app`, 'x'),
    account(namespace === '' ? a : '', 'app'),
    account(namespace === '' ? b : '', 'job'),
  ]);
}

function subjects(random: Random, frame: Frame, namespace: string): BindingSubject[] {
  return Array.from({ length: 1 + random.int(4) }, () => subject(random, frame, namespace));
}

function everybody(random: Random): BindingSubject {
  const name = random.pick(['system:authenticated', 'system:unauthenticated', 'system:serviceaccounts']);
  return { apiGroup: RBAC_GROUP, kind: 'Group', name };
}

function roleRef(random: Random, { id }: Frame, kind: RoleRef['kind']): RoleRef {
  const own = ['r1', 'r2', 'r3'];
  const name = random.pick(kind === 'Role' ? own : [...own, 'agg1', 'agg2', 'agg2', 'fenced']);
  return { apiGroup: RBAC_GROUP, kind, name: `${id}:${chance(random, 0.07) ? 'gone' : name}` };
}

function roleBinding(random: Random, frame: Frame, index: number): RoleBinding {
  const namespace = random.pick(frame.namespaces);
  const all = chance(random, 0.15) ? [everybody(random)] : [];
  return {
    apiVersion: API_VERSION,
    kind: 'RoleBinding',
    metadata: { name: `${frame.id}:rb${String(index)}`, namespace },
    roleRef: roleRef(random, frame, random.pick(['Role', 'ClusterRole', 'ClusterRole'])),
    subjects: [...subjects(random, frame, namespace), ...all],
  };
}

function clusterRoleBinding(random: Random, frame: Frame, index: number): ClusterRoleBinding {
  // What everybody holds everywhere must not reach into the other worlds.
  const isForAll = chance(random, 0.25);
  const fenced: RoleRef = { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name: `${frame.id}:fenced` };
  return {
    apiVersion: API_VERSION,
    kind: 'ClusterRoleBinding',
    metadata: { name: `${frame.id}:crb${String(index)}` },
    roleRef: isForAll ? fenced : roleRef(random, frame, 'ClusterRole'),
    subjects: [...(isForAll ? [everybody(random)] : []), ...subjects(random, frame, '')],
  };
}
