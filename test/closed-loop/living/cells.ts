import { type Api, listAt, textAt } from './api.ts';
import type { Right, Rights } from './rights.ts';

/** The verbs of each resource, `pods` and `pods/log` alike, by API group. */
export type Discovery = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

/** Reads what a server serves, all versions of a group together. */
export async function readDiscovery(api: Api): Promise<Discovery> {
  const groups = (await api.get('/apis')) ?? {};
  const paths: (readonly [string, string])[] = [['', '/api/v1']];
  for (const group of listAt(groups, 'groups')) {
    for (const version of listAt(group, 'versions')) {
      paths.push([textAt(group, 'name'), `/apis/${textAt(version, 'groupVersion')}`]);
    }
  }
  const discovery = new Map<string, Map<string, readonly string[]>>();
  for (const [group, path] of paths) {
    const known = discovery.get(group) ?? new Map<string, readonly string[]>();
    discovery.set(group, known);
    for (const resource of listAt(await api.get(path), 'resources')) {
      const name = textAt(resource, 'name');
      const verbs = listAt(resource, 'verbs').map(String);
      known.set(name, [...new Set([...(known.get(name) ?? []), ...verbs])]);
    }
  }
  return discovery;
}

/** One permission: a verb on a resource, perhaps by name and in a namespace, or on a URL. */
export interface Cell {
  readonly namespace: string;
  readonly group: string;
  /** A URL path where it begins with a slash. */
  readonly resource: string;
  readonly verb: string;
  /** `''`: any. */
  readonly name: string;
}

/** A cell as text: equal for equal cells. */
export function cellKey({ namespace, group, resource, verb, name }: Cell): string {
  return JSON.stringify([namespace, group, resource, verb, name]);
}

function texts(rule: unknown, field: string): readonly string[] {
  return listAt(rule, field).map(String);
}

function isResource(pattern: string, resource: string): boolean {
  if (pattern === '*' || pattern === resource) return true;
  return pattern.startsWith('*/') && resource.endsWith(pattern.slice(1));
}

/** The resources of a rule's groups, with the verbs that they have; what is not served counts as it is written. */
function resourcesOf(rule: unknown, discovery: Discovery): (readonly [string, string, readonly string[]])[] {
  const groups = texts(rule, 'apiGroups').flatMap((group) =>
    group === '*' ? [...discovery.keys()] : [group],
  );
  return groups.flatMap((group) => {
    const served = [...(discovery.get(group) ?? [])];
    return texts(rule, 'resources').flatMap((pattern) => {
      const found = served.filter(([resource]) => isResource(pattern, resource));
      if (found.length === 0 && !pattern.includes('*')) return [[group, pattern, []] as const];
      return found.map(([resource, verbs]) => [group, resource, verbs] as const);
    });
  });
}

function cellsOfRight({ namespace, rule }: Right, discovery: Discovery): Cell[] {
  const verbs = texts(rule, 'verbs');
  const names = texts(rule, 'resourceNames');
  const urls = texts(rule, 'nonResourceURLs').flatMap((resource) =>
    verbs.map((verb) => ({ namespace, group: '', resource, verb, name: '' })),
  );
  const resources = resourcesOf(rule, discovery).flatMap(([group, resource, served]) =>
    verbs
      .flatMap((verb) => (verb === '*' ? served : [verb]))
      .flatMap((verb) =>
        (names.length === 0 ? [''] : names).map((name) => ({ namespace, group, resource, verb, name })),
      ),
  );
  return [...urls, ...resources];
}

/** The cells of a user's rights, each once. `*` stands for what the server serves: verbs beyond that are not counted. */
export function cellsOf(rights: Rights, user: string, discovery: Discovery): ReadonlyMap<string, Cell> {
  const cells = (rights.get(user) ?? []).flatMap((right) => cellsOfRight(right, discovery));
  return new Map(cells.map((cell) => [cellKey(cell), cell]));
}

/** Whether a cell is among others, or a wider one is: without its name, or in all namespaces. */
export function isCovered(cell: Cell, by: ReadonlyMap<string, Cell>): boolean {
  const wider = [cell, { ...cell, name: '' }].flatMap((each) => [each, { ...each, namespace: '' }]);
  return wider.some((each) => by.has(cellKey(each)));
}
