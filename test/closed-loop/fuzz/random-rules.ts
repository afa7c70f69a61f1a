import type { PolicyRule } from '@leastwise/rbac';
import type { Random } from '@leastwise/testkit';

/** Verbs that rules list and requests use; `''` is what an odd method comes to. */
export const VERBS = ['get', 'list', 'watch', 'create', 'update', 'delete', 'bind', ''] as const;
/** Resources that requests name: few, so that rules hit. */
export const RESOURCES = [
  'pods',
  'pods/log',
  'pods/exec',
  'deployments',
  'deployments/scale',
  'deployments/log',
  'nodes',
  'log',
  'pods/*',
] as const;
/** As rules list them: also the wildcard there is, and texts that only look like one. */
const LISTED_RESOURCES = [...RESOURCES, '*/log', '*/scale', '*/exec', '*/lo', '*/*', '*/', 'po*', ''];
/** Names of objects; `''` where the authorizer sees none. */
export const OBJECT_NAMES = ['', 'one', 'two', 'three', '*'] as const;
/** How a request on a path says what it does. */
export const METHODS = ['get', 'post', 'head', 'list'] as const;
/** Paths of requests, some of them the bootstrap roles' own. */
export const PATHS = [
  '/a',
  '/a/',
  '/a/b',
  '/a/b/c',
  '/ab',
  '/a/*',
  '/a/*/c',
  '/A',
  '/',
  '',
  '/healthz',
  '/healthz/etcd',
  '/version/',
  '/api/v1',
  '/metrics',
  '/openid/v1/jwks',
] as const;
const LISTED_PATHS = ['/a', '/a/', '/a/*', '/a*', '/a/b*', '/a/**', '/a/*/c', '*/c', '/b', 'a', '', '*'];

/** What keeps rules inside one world, whoever holds them. */
export interface Fence {
  /** An API group of the world's own. */
  readonly apiGroup: string;
  /** A path of the world's own. */
  readonly path: string;
}

/** True in that share of calls. */
export function chance(random: Random, share: number): boolean {
  return random.next() < share;
}

/** One to three of a list, each once. */
export function some<T>(random: Random, items: readonly T[]): T[] {
  return random.shuffle(items).slice(0, 1 + random.int(3));
}

function orAll(random: Random, share: number, items: readonly string[]): string[] {
  return chance(random, share) ? random.shuffle([...items.slice(1), '*']) : [...items];
}

function named(random: Random): Pick<PolicyRule, 'resourceNames'> {
  if (chance(random, 0.35)) return { resourceNames: some(random, OBJECT_NAMES) };
  return chance(random, 0.1) ? { resourceNames: [] } : {};
}

function urlRule(random: Random, nonResourceURLs: readonly string[]): PolicyRule {
  return { verbs: orAll(random, 0.2, some(random, METHODS)), nonResourceURLs };
}

/** A rule that the API server takes in a Role or, with paths, in a ClusterRole. */
export function randomRule(random: Random, { apiGroup }: Fence, kind: 'Role' | 'ClusterRole'): PolicyRule {
  if (kind === 'ClusterRole' && chance(random, 0.25)) return urlRule(random, some(random, LISTED_PATHS));
  return {
    verbs: orAll(random, 0.2, some(random, VERBS)),
    apiGroups: orAll(random, 0.15, some(random, ['', 'apps', 'app*', apiGroup])),
    resources: orAll(random, 0.12, some(random, LISTED_RESOURCES)),
    ...named(random),
  };
}

/** A rule that allows nothing outside its world, even to everybody. */
export function fencedRule(random: Random, { apiGroup, path }: Fence): PolicyRule {
  if (chance(random, 0.4)) return urlRule(random, some(random, [path, `${path}/*`, `${path}/b`]));
  return {
    verbs: orAll(random, 0.3, some(random, VERBS)),
    apiGroups: [apiGroup],
    resources: orAll(random, 0.2, some(random, LISTED_RESOURCES)),
    ...named(random),
  };
}
