import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  bootstrapDefaults,
  type ClusterRoleBinding,
  type PolicyRule,
  type RbacObject,
} from '@leastwise/rbac';
import { type ControlPlane, startControlPlane } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { readObjects } from './fuzz/cluster.ts';
import { kubernetesBinaries } from './support/binaries.ts';

const binaries = await kubernetesBinaries();

describe.skipIf(!binaries)('the bundled defaults and those of the API server', () => {
  let dir = '';
  let plane: ControlPlane | undefined;
  let server: RbacObject[] = [];
  let bundled: readonly RbacObject[] = [];

  beforeAll(async () => {
    if (!binaries) return;
    dir = await mkdtemp(join(tmpdir(), 'leastwise-bootstrap-'));
    plane = await startControlPlane({ dir, apiServer: binaries.apiServer });
    const { body } = await plane.admin.send({ method: 'GET', path: '/version' });
    const { major, minor } = body as { readonly major: string; readonly minor: string };
    server = await readObjects(plane.admin, '?labelSelector=kubernetes.io/bootstrapping%3Drbac-defaults');
    bundled = bootstrapDefaults({ major: Number(major), minor: Number.parseInt(minor) });
  });

  afterAll(async () => {
    await plane?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  test('grant the same to the same groups', () => {
    expect(Object.keys(grantsByGroup(server)).length).toBeGreaterThan(3);
    expect(grantsByGroup(bundled)).toEqual(grantsByGroup(server));
  });

  test('are objects of the same names, metadata, role references and subjects', () => {
    const bindings = groupBindings(server);
    expect(sorted(groupBindings(bundled))).toEqual(sorted(bindings));
    const isBound = (role: RbacObject): boolean =>
      role.kind === 'ClusterRole' && bindings.some(({ roleRef }) => roleRef.name === role.metadata.name);
    const metadata = (objects: readonly RbacObject[]): unknown =>
      sorted(objects.filter(isBound)).map((role) => role.metadata);
    expect(metadata(bundled)).toEqual(metadata(server));
  });

  test('leave out no RoleBinding of a group', () => {
    const bound = server.filter(
      (each) => each.kind === 'RoleBinding' && each.subjects.some(({ kind }) => kind === 'Group'),
    );
    expect(bound).toEqual([]);
  });
});

function groupBindings(objects: readonly RbacObject[]): ClusterRoleBinding[] {
  return objects.filter(
    (each): each is ClusterRoleBinding =>
      each.kind === 'ClusterRoleBinding' && each.subjects.some(({ kind }) => kind === 'Group'),
  );
}

function sorted<T extends RbacObject>(objects: readonly T[]): T[] {
  return [...objects].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** What each group holds, one verb on one resource or path each. */
function grantsByGroup(objects: readonly RbacObject[]): Record<string, string[]> {
  const grants = new Map<string, Set<string>>();
  for (const { subjects, roleRef } of groupBindings(objects)) {
    const role = objects.find(
      ({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === roleRef.name,
    );
    const cells = role?.kind === 'ClusterRole' ? role.rules.flatMap(cellsOf) : [];
    for (const { kind, name } of subjects) {
      if (kind === 'Group') grants.set(name, new Set([...(grants.get(name) ?? []), ...cells]));
    }
  }
  return Object.fromEntries([...grants].map(([group, cells]) => [group, [...cells].sort()]));
}

function cellsOf(rule: PolicyRule): string[] {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  const names = resourceNames.length > 0 ? resourceNames.map((name) => `/${name}`) : [''];
  const targets = [
    ...nonResourceURLs,
    ...apiGroups.flatMap((group) =>
      resources.flatMap((each) => names.map((name) => `${group}: ${each}${name}`)),
    ),
  ];
  return verbs.flatMap((verb) => targets.map((target) => `${verb} ${target}`));
}
