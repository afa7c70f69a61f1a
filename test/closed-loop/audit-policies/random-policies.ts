import type { AuditPolicy, AuditRule, GroupResources } from '@leastwise/audit-policy';
import type { Random, StaticUser } from '@leastwise/testkit';

import { user } from './requests.ts';

const LEVELS = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
const STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
const VERBS = [
  'get',
  'list',
  'watch',
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
  '*',
  'post',
  'head',
  '',
];
const GROUPS = ['', 'apps', 'rbac.authorization.k8s.io', 'authentication.k8s.io', 'metrics.k8s.io'];
const RESOURCES = [
  'pods',
  'pods/log',
  'pods/*',
  '*/status',
  '*',
  '*/*',
  'secrets',
  'configmaps',
  'namespaces',
  'nodes/proxy',
  'deployments',
  'deployments/scale',
  'clusterroles',
  'tokenreviews',
];
const NAMES = ['web', 'controller-leader', 'edit', 'kube-system', '*', ''];
const NAMESPACES = ['default', 'kube-system', '', '*', 'nowhere'];
const URLS = [
  '*',
  '/api',
  '/api*',
  '/version',
  '/healthz*',
  '/healthz',
  '/healthz/*',
  '/livez',
  '/logs*',
  '/',
];

/** A policy together with the users that it is tried on: no other policy knows them. */
export interface RandomPolicy {
  readonly policy: AuditPolicy;
  readonly users: readonly StaticUser[];
}

/** A few of a list, mostly none. */
function some<T>(random: Random, items: readonly T[]): T[] {
  return random.int(2) === 0 ? [] : random.shuffle(items).slice(0, 1 + random.int(3));
}

function groupResources(random: Random): GroupResources {
  const resources = some(random, RESOURCES);
  return {
    group: random.pick(GROUPS),
    resources,
    resourceNames: resources.length === 0 || random.int(3) > 0 ? [] : some(random, NAMES),
  };
}

function rule(random: Random, users: readonly StaticUser[]): AuditRule {
  const isURL = random.int(4) === 0;
  const count = isURL ? 0 : random.int(3);
  return {
    level: random.pick(LEVELS),
    users: random.int(3) === 0 ? [random.pick(users).name] : [],
    userGroups: random.int(4) === 0 ? [random.pick(['team', 'system:authenticated', 'other', '*'])] : [],
    verbs: some(random, VERBS),
    resources: Array.from({ length: count }, () => groupResources(random)),
    namespaces: isURL ? [] : random.int(3) === 0 ? some(random, NAMESPACES) : [],
    nonResourceURLs: isURL ? some(random, URLS) : [],
    omitStages: random.int(3) === 0 ? some(random, STAGES) : [],
    omitManagedFields: random.pick([undefined, true, false]),
  };
}

function catchAll(level: AuditRule['level']): AuditRule {
  const none = { users: [], userGroups: [], verbs: [], resources: [], namespaces: [], nonResourceURLs: [] };
  return { level, ...none, omitStages: [], omitManagedFields: undefined };
}

/** A policy of some rules, and two users of its own, one of them in the group `team`. */
export function randomPolicy(random: Random, index: number): RandomPolicy {
  const name = `p${String(index)}`;
  const users = [user(`${name}-a`, `${name}-alice`, 'team'), user(`${name}-b`, `${name}-bob`)];
  const conditional = Array.from({ length: 1 + random.int(8) }, () => rule(random, users));
  const rules = random.int(2) === 0 ? conditional : [...conditional, catchAll(random.pick(LEVELS))];
  const policy = { omitStages: some(random, STAGES), omitManagedFields: undefined, rules };
  return { policy, users };
}

/**
 * One policy that does with the users of each policy what that one does: rules without users get all of the policy's
 * own, and the stages that the policy omits. So one API server tries them all.
 */
export function merged(policies: readonly RandomPolicy[]): AuditPolicy {
  const rules = policies.flatMap(({ policy, users }) =>
    policy.rules.map((each) => ({
      ...each,
      users: each.users.length === 0 ? users.map(({ name }) => name) : each.users,
      omitStages: [...new Set([...policy.omitStages, ...each.omitStages])],
    })),
  );
  return { omitStages: [], omitManagedFields: undefined, rules };
}

/** A policy as an API server reads it. */
export function policyJson(policy: AuditPolicy): string {
  return JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', ...policy });
}
