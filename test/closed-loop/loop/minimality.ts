import type { Cell } from '@leastwise/rbac';
import type { ControlPlane } from '@leastwise/testkit';

import { applyRbac, inParallel, review } from './apply.ts';
import type { NeededCell } from './audit.ts';
import type { RbacManifest } from './rendered.ts';

const API_GROUP = 'rbac.authorization.k8s.io';

/** A synthetic user who has all that a subject was given but one cell. */
interface Mutant {
  readonly user: string;
  readonly without: number;
}

type Rule = NonNullable<RbacManifest['rules']>[number];

function ruleOf({ verb, apiGroup, resource, name, path }: Cell): Rule {
  if (resource === '') return { verbs: [verb], nonResourceURLs: [path] };
  const names = name === '' ? {} : { resourceNames: [name] };
  return { verbs: [verb], apiGroups: [apiGroup], resources: [resource], ...names };
}

/** A role and its binding that give cells of one namespace (`''`: everywhere) to users. */
function grant(
  name: string,
  namespace: string,
  cells: readonly Cell[],
  users: readonly string[],
): RbacManifest[] {
  const kind = namespace === '' ? 'ClusterRole' : 'Role';
  const metadata = namespace === '' ? { name } : { name, namespace };
  const apiVersion = `${API_GROUP}/v1`;
  return [
    { apiVersion, kind, metadata, rules: cells.map(ruleOf) },
    {
      apiVersion,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: API_GROUP, kind, name },
      subjects: users.map((user) => ({ apiGroup: API_GROUP, kind: 'User', name: user })),
    },
  ];
}

function objectsOf(prefix: string, cells: readonly Cell[], mutants: readonly Mutant[]): RbacManifest[] {
  const namespaces = [...new Set(cells.map(({ namespace }) => namespace))];
  return namespaces.flatMap((namespace) => {
    const here = cells.filter((cell) => cell.namespace === namespace);
    const isTouched = ({ without }: Mutant): boolean => cells[without]?.namespace === namespace;
    const whole = mutants.filter((mutant) => !isTouched(mutant)).map(({ user }) => user);
    // A user of this name has all of it.
    whole.push(prefix);
    return [
      ...grant(`${prefix}-whole`, namespace, here, whole),
      ...mutants.filter(isTouched).flatMap(({ user, without }) =>
        grant(
          user,
          namespace,
          here.filter((cell) => cell !== cells[without]),
          [user],
        ),
      ),
    ];
  });
}

function questionFor(user: string, { groups, cell }: NeededCell): object {
  const { verb, apiGroup, resource: whole, namespace, name, path } = cell;
  if (whole === '') return { user, groups, nonResourceAttributes: { verb, path } };
  // The key of a userextra may hold a slash itself.
  const [, resource, subresource] = /^([^/]*)(?:\/(.*))?$/.exec(whole) ?? [];
  return {
    user,
    groups,
    resourceAttributes: { verb, group: apiGroup, resource, subresource, namespace, name },
  };
}

/**
 * Takes every cell away, one at a time, and asks the API server's own authorizer whether anything that was
 * needed is refused then.
 * @param granted - the cells of the rendered rules, by username
 * @param needed - what the recorded requests needed, by username
 * @returns the cells that nobody misses
 */
export async function unneededCells(
  plane: ControlPlane,
  granted: ReadonlyMap<string, readonly Cell[]>,
  needed: ReadonlyMap<string, readonly NeededCell[]>,
): Promise<{ readonly asked: number; readonly unneeded: { username: string; cell: Cell }[] }> {
  const worlds = [...granted].map(([username, cells], index) => ({
    username,
    cells,
    mutants: cells.map((_, without) => ({ user: `mutant-${String(index)}-${String(without)}`, without })),
    prefix: `mutant-${String(index)}`,
  }));
  // All at once, so that the authorizer's cache is waited for once.
  await applyRbac(
    plane,
    worlds.flatMap(({ prefix, cells, mutants }) => objectsOf(prefix, cells, mutants)),
  );
  // What the whole policy leaves out, by its own word or as granted by default, no mutant can miss.
  const answerable = new Map<string, NeededCell[]>();
  await inParallel(worlds, async ({ username, prefix }) => {
    const allowed: NeededCell[] = [];
    for (const question of needed.get(username) ?? []) {
      if (await review(plane.admin, questionFor(prefix, question))) allowed.push(question);
    }
    answerable.set(username, allowed);
  });
  const unneeded: { username: string; cell: Cell }[] = [];
  let asked = 0;
  await inParallel(
    worlds.flatMap((world) => world.mutants.map((mutant) => ({ world, mutant }))),
    async ({ world, mutant }) => {
      const taken = world.cells[mutant.without];
      if (!taken) return;
      const isAlike = ({ cell }: NeededCell): boolean =>
        cell.verb === taken.verb && cell.resource === taken.resource;
      // Those that are likely to miss it come first; the others are asked before it is called needless.
      const questions = (answerable.get(world.username) ?? []).toSorted(
        (a, b) => Number(isAlike(b)) - Number(isAlike(a)),
      );
      for (const question of questions) {
        asked += 1;
        if (!(await review(plane.admin, questionFor(mutant.user, question)))) return;
      }
      unneeded.push({ username: world.username, cell: taken });
    },
  );
  return { asked, unneeded };
}
