import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type AccessRequest, createAuthorizer, type RbacObject } from '@leastwise/rbac';
import { type ControlPlane, type KubeClient, startControlPlane } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { fillAggregatedRoles, untilSettled } from './fuzz/aggregation.ts';
import {
  collectionOf,
  createNamespaces,
  createObjects,
  forEach,
  readObjects,
  review,
  type Review,
  untilAllowed,
} from './fuzz/cluster.ts';
import { FAULTS } from './fuzz/faults.ts';
import { goldenCases, goldenRequests } from './fuzz/golden.ts';
import { randomRequest } from './fuzz/random-request.ts';
import { randomWorld, type World, worldRandom } from './fuzz/random-world.ts';
import { testSeed } from './fuzz/seed.ts';
import { sentinel } from './fuzz/sentinel.ts';
import { kubernetesBinaries } from './support/binaries.ts';
import { yourCluster } from './support/your-cluster.ts';

const WORLDS = 200;
const REQUESTS = 50;
const NO_AUDIT = JSON.stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  rules: [{ level: 'None' }],
});

interface Pair {
  readonly world: World;
  readonly request: AccessRequest;
  readonly server: Review;
}

const yours = await yourCluster();
const binaries = yours ? undefined : await kubernetesBinaries();

describe.skipIf(!yours && !binaries)('our authorizer and the API server', () => {
  const seed = testSeed();
  let dir = '';
  let plane: ControlPlane | undefined;
  let admin: KubeClient;
  let worlds: World[] = [];
  let pairs: Pair[] = [];
  let live: RbacObject[] = [];
  let bootstrap: RbacObject[] = [];
  let unfaulted: Pair[] = [];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'leastwise-fuzz-'));
    if (binaries)
      plane = await startControlPlane({ dir, apiServer: binaries.apiServer, auditPolicy: NO_AUDIT });
    admin = yours ?? plane?.admin ?? admin;
    const asked: { world: World; request: AccessRequest }[] = [];
    worlds = Array.from({ length: WORLDS }, (_, index) => {
      const random = worldRandom(seed, index);
      const world = randomWorld(random, index);
      for (let i = 0; i < REQUESTS; i += 1) asked.push({ world, request: randomRequest(random, world) });
      return world;
    });
    await createNamespaces(
      admin,
      worlds.flatMap(({ namespaces }) => namespaces),
    );
    await createObjects(
      admin,
      [...worlds, ...goldenCases()].flatMap(({ objects }) => objects),
    );
    // A cluster of yours has a controller manager of its own.
    if (plane && binaries) await fillAggregatedRoles(plane, binaries.controllerManager, dir);
    else await untilSettled(admin);
    const last = sentinel('default');
    await createObjects(admin, last.objects);
    await untilAllowed(admin, last.requests);
    live = await readObjects(admin);
    bootstrap = await readObjects(admin, '?labelSelector=kubernetes.io/bootstrapping%3Drbac-defaults');
    pairs = await forEach(asked, async (each) => ({ ...each, server: await review(admin, each.request) }));
    unfaulted = disagreements();
  });

  afterAll(async () => {
    yours?.close();
    await plane?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  test('allow the same of 10 000 requests, by the objects that the cluster has', () => {
    const authorizer = createAuthorizer(live);
    const allowed = pairs.filter(({ server }) => server.allowed).length;
    const wrong = pairs.filter(
      ({ request, server }) => authorizer.authorize(request).allowed !== server.allowed,
    );
    console.table({
      'rule sets': WORLDS,
      'objects in the cluster': live.length,
      pairs: pairs.length,
      'allowed, %': Math.round((1000 * allowed) / pairs.length) / 10,
      disagreements: wrong.length,
    });
    expect(pairs.length).toBeGreaterThanOrEqual(10_000);
    expect(allowed / pairs.length).toBeGreaterThan(0.3);
    expect(allowed / pairs.length).toBeLessThan(0.6);
    expect(wrong.map(described)).toEqual([]);
  });

  test('and by each rule set alone, as it was written', () => {
    expect(unfaulted.map(described)).toEqual([]);
  });

  test('and where several bindings allow it, name one of the same sort', () => {
    const authorizer = createAuthorizer(live);
    const wrong = pairs.filter(({ request, server }) => {
      const named = /^RBAC: allowed by (\w+) /u.exec(server.reason)?.[1];
      return named !== undefined && authorizer.authorize(request).by?.binding.kind !== named;
    });
    expect(wrong.map(described)).toEqual([]);
  });

  test.each(FAULTS)('would disagree if $what', (fault) => {
    expect(disagreements(fault).length).toBeGreaterThan(unfaulted.length);
  });

  test.each(goldenCases())('the golden case is still one: $name', async (golden) => {
    const asked = goldenRequests(golden);
    const answers = await forEach(asked, ({ request }) => review(admin, request));
    expect(answers.map(({ allowed }) => allowed)).toEqual(asked.map(({ allowed }) => allowed));
  });

  test('a ClusterRoleBinding of a service account without a namespace is refused', async () => {
    const binding: RbacObject = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'no-namespace' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'ServiceAccount', name: 'app' }],
    };
    const path = collectionOf(binding);
    const { status, text } = await admin.send({ method: 'POST', path, body: binding });
    expect(status).toBe(422);
    expect(text).toContain('subjects[0].namespace');
  });

  /** The pairs on which the evaluator, given one world and a fault, and the server disagree. */
  function disagreements(fault?: (typeof FAULTS)[number]): Pair[] {
    const authorizers = new Map(
      worlds.map((world) => {
        const objects = [...bootstrap, ...world.objects];
        return [world, createAuthorizer(fault?.objects?.(objects) ?? objects)];
      }),
    );
    return pairs.filter(({ world, request, server }) => {
      const asked = fault?.request?.(request) ?? request;
      return authorizers.get(world)?.authorize(asked).allowed !== server.allowed;
    });
  }

  /** All that it takes to have a disagreement again, in one line. */
  function described({ world, request, server }: Pair): string {
    const ours = createAuthorizer([...bootstrap, ...world.objects]).authorize(request);
    return JSON.stringify({ seed, world: world.id, request, server, ours, objects: world.objects });
  }
});
