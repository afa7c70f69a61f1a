import { impliedGroups, type Permission, type Subject, subjectFromUsername } from '@leastwise/audit-event';
import type {
  AccessRequest,
  BindingSubject,
  ClusterRoleBinding,
  PolicyRule,
  RoleBinding,
} from '@leastwise/rbac';
import type { Random } from '@leastwise/testkit';

import { chance, METHODS, OBJECT_NAMES, PATHS, RESOURCES, VERBS } from './random-rules.ts';
import type { World } from './random-world.ts';

/** A request of somebody in a world: aimed at a rule of a binding most of the time, and then often missing it a little. */
export function randomRequest(random: Random, world: World): AccessRequest {
  const aimed = chance(random, 0.8) ? aimedRequest(random, world) : undefined;
  if (!aimed) return request(random, world, randomSubject(random, world), randomPermission(random, world));
  if (!chance(random, 0.4)) return aimed;
  const other = request(random, world, randomSubject(random, world), randomPermission(random, world));
  if (chance(random, 0.25)) return { ...other, permission: aimed.permission };
  return { ...aimed, permission: mixed(random, aimed.permission, other.permission) };
}

/** One field of the other permission in the first, where both are of one sort. */
function mixed(random: Random, aimed: Permission, other: Permission): Permission {
  const isUrl = aimed.resource === '';
  if (isUrl !== (other.resource === '')) return aimed;
  const field = random.pick(
    isUrl ? (['verb', 'path'] as const) : (['verb', 'apiGroup', 'resource', 'namespace', 'name'] as const),
  );
  return { ...aimed, [field]: other[field] };
}

function request(random: Random, world: World, subject: Subject, permission: Permission): AccessRequest {
  const extra = [
    ...(chance(random, 0.15) ? [world.group] : []),
    ...(chance(random, 0.05) ? [`${world.id}:alice`] : []),
    ...(chance(random, 0.005) ? ['system:masters'] : []),
  ];
  // The server adds no groups to what a review says, so that a user without any is asked for, too.
  const own = chance(random, 0.05) && subject.kind !== 'Group' ? [] : impliedGroups(subject);
  return { subject, groups: random.shuffle([...own, ...extra]), permission };
}

function account(namespace: string, name: string): Subject {
  return { kind: 'ServiceAccount', namespace, name };
}

function group(name: string): Subject {
  return { kind: 'Group', namespace: '', name };
}

function randomSubject(random: Random, world: World): Subject {
  const [a, b] = world.namespaces;
  const user = (name: string): Subject => ({ kind: 'User', namespace: '', name });
  return random.pick([
    user(random.pick(world.users)),
    user(world.group),
    account(a, 'app'),
    account(b, 'app'),
    account(b, 'job'),
    group(world.group),
    user('system:anonymous'),
  ]);
}

function randomPermission(random: Random, world: World): Permission {
  const namespace = random.pick(['', ...world.namespaces, `${world.id}-c`]);
  if (chance(random, 0.2)) {
    const path = random.pick([...PATHS, world.fence.path, `${world.fence.path}/b`]);
    return url(random.pick(METHODS), path);
  }
  return {
    verb: random.pick(VERBS),
    apiGroup: random.pick(['', 'apps', world.fence.apiGroup]),
    resource: random.pick(RESOURCES),
    namespace,
    name: random.pick(OBJECT_NAMES),
    path: '',
  };
}

function url(verb: string, path: string): Permission {
  return { verb, apiGroup: '', resource: '', namespace: '', name: '', path };
}

function aimedRequest(random: Random, world: World): AccessRequest | undefined {
  const bindings = world.objects.filter(
    (each) => each.kind === 'RoleBinding' || each.kind === 'ClusterRoleBinding',
  );
  const binding = random.pick(bindings);
  const rule = aimedRule(random, world, binding);
  const subject = aimedSubject(random.pick(binding.subjects), binding.metadata.namespace ?? '');
  if (!rule || !subject) return undefined;
  const namespace = binding.metadata.namespace ?? random.pick(['', ...world.namespaces]);
  return request(random, world, subject, aimedPermission(random, world, rule, namespace));
}

/** A rule of the role that is bound; of any other ClusterRole where it is aggregated or gone. */
function aimedRule(
  random: Random,
  { objects }: World,
  { roleRef, metadata }: RoleBinding | ClusterRoleBinding,
): PolicyRule | undefined {
  const roles = objects.filter((each) => each.kind === 'Role' || each.kind === 'ClusterRole');
  const bound = roles.find(
    (each) =>
      each.kind === roleRef.kind &&
      each.metadata.name === roleRef.name &&
      (each.kind === 'ClusterRole' || each.metadata.namespace === metadata.namespace),
  );
  const isPlain = bound !== undefined && !('aggregationRule' in bound);
  const rules = isPlain
    ? bound.rules
    : roles.flatMap((each) => (each.kind === 'ClusterRole' ? each.rules : []));
  return rules.length === 0 ? undefined : random.pick(rules);
}

function aimedSubject(listed: BindingSubject, namespace: string): Subject | undefined {
  switch (listed.kind) {
    case 'User':
      return subjectFromUsername(listed.name);
    case 'Group':
      return group(listed.name);
    case 'ServiceAccount':
      return subjectFromUsername(`system:serviceaccount:${listed.namespace ?? namespace}:${listed.name}`);
  }
}

function aimedPermission(random: Random, world: World, rule: PolicyRule, namespace: string): Permission {
  const other = randomPermission(random, world);
  const listedVerb = random.pick(rule.verbs);
  if (rule.nonResourceURLs) {
    const verb = listedVerb === '*' ? random.pick(METHODS) : listedVerb;
    return url(verb, pathUnder(random, random.pick(rule.nonResourceURLs)));
  }
  const apiGroup = random.pick(rule.apiGroups ?? ['']);
  const names = rule.resourceNames ?? [];
  return {
    verb: listedVerb === '*' ? random.pick(VERBS) : listedVerb,
    apiGroup: apiGroup === '*' ? other.apiGroup : apiGroup,
    resource: resourceOf(random, random.pick(rule.resources ?? ['*'])),
    namespace,
    name: names.length > 0 && chance(random, 0.8) ? random.pick(names) : other.name,
    path: '',
  };
}

function pathUnder(random: Random, listed: string): string {
  if (!listed.endsWith('*')) return listed;
  return listed.replace(/\*+$/u, '') + random.pick(['', '/', 'b', 'b/c']);
}

function resourceOf(random: Random, listed: string): string {
  // A request on a resource without a name does not exist.
  if (listed === '*' || listed === '' || listed === '*/') return random.pick(RESOURCES);
  return listed.startsWith('*/') ? random.pick(['pods', 'deployments']) + listed.slice(1) : listed;
}
