import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { keyOf, type KubeObject, openCluster, type WatchableCluster, WatchedObjects } from '@leastwise/kube';
import { type ControlPlane, type KubeClient, startControlPlane } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { at, textAt, until } from './living/api.ts';
import { kubernetesBinaries } from './support/binaries.ts';

const binaries = await kubernetesBinaries();
const NAMESPACE = '/api/v1/namespaces/shop/configmaps';

async function must(client: KubeClient, method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await client.send({ method, path, ...(body === undefined ? {} : { body }) });
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.body;
}

function configMap(name: string, value = ''): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop' }, data: { value } };
}

function contentOf(objects: ReadonlyMap<string, KubeObject>): string[] {
  return [...objects.values()]
    .map((object) => `${keyOf(object)}=${textAt(object.value, 'data', 'value')}@${object.resourceVersion}`)
    .sort();
}

describe.skipIf(binaries === undefined)('watched objects of a real API server', () => {
  let dir: string;
  let plane: ControlPlane;
  let cluster: WatchableCluster;

  beforeAll(async () => {
    if (!binaries) return;
    dir = await mkdtemp(join(tmpdir(), 'leastwise-watch-'));
    plane = await startControlPlane({ dir, apiServer: binaries.apiServer });
    await must(plane.admin, 'POST', '/api/v1/namespaces', { metadata: { name: 'shop' } });
    cluster = await openCluster({ kubeconfigFile: await plane.kubeconfig('watch', 'admin-token') });
  });

  afterAll(async () => {
    cluster.close();
    await plane[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  /** What the server has, in one page, by another client. */
  async function truth(): Promise<string[]> {
    const list = await must(plane.admin, 'GET', NAMESPACE);
    const items = at(list, 'items');
    return (Array.isArray(items) ? items : [])
      .map((item: unknown) => {
        const version = textAt(item, 'metadata', 'resourceVersion');
        return `shop/${textAt(item, 'metadata', 'name')}=${textAt(item, 'data', 'value')}@${version}`;
      })
      .sort();
  }

  interface Watching extends AsyncDisposable {
    readonly objects: WatchedObjects;
    readonly lists: number[];
    readonly told: Map<string, string>;
  }

  async function watching(options: { pageSize?: number; watchSeconds?: number } = {}): Promise<Watching> {
    const stop = new AbortController();
    const lists: number[] = [];
    const told = new Map<string, string>();
    const listener = {
      onListed: (count: number): void => {
        lists.push(count);
      },
      onChanges: (changes: readonly { before?: KubeObject; after?: KubeObject }[]): void => {
        for (const { before, after } of changes) {
          if (after) told.set(keyOf(after), textAt(after.value, 'data', 'value'));
          else if (before) told.delete(keyOf(before));
        }
      },
    };
    const objects = new WatchedObjects(cluster, { path: NAMESPACE }, listener, options);
    const running = objects.run(stop.signal);
    await until('the first list', async () => lists.length > 0);
    return {
      objects,
      lists,
      told,
      [Symbol.asyncDispose]: async () => {
        stop.abort();
        await running;
      },
    };
  }

  async function settles(watched: Watching): Promise<void> {
    await until('what is watched is what is there', async () => {
      return JSON.stringify(contentOf(watched.objects.objects)) === JSON.stringify(await truth());
    });
    const told = [...watched.told].map(([key, value]) => `${key}=${value}`).sort();
    expect(told).toEqual((await truth()).map((each) => each.replace(/@\d+$/, '')));
  }

  test('are all there, though they fill many pages', async () => {
    for (let i = 0; i < 25; i += 1) await must(plane.admin, 'POST', NAMESPACE, configMap(`page-${i}`));
    await using watched = await watching({ pageSize: 4 });
    expect(watched.lists).toEqual([25]);
    await settles(watched);
  });

  test('follow what is made, changed and deleted, over many short watches', async () => {
    await using watched = await watching({ watchSeconds: 1 });
    for (let i = 0; i < 30; i += 1) {
      await must(plane.admin, 'POST', NAMESPACE, configMap(`short-${i}`));
      if (i % 3 === 0)
        await must(plane.admin, 'PUT', `${NAMESPACE}/short-${i}`, configMap(`short-${i}`, 'changed'));
      if (i % 3 === 1) await must(plane.admin, 'DELETE', `${NAMESPACE}/short-${i}`);
      await new Promise((resolve) => setTimeout(resolve, 120));
    }
    await settles(watched);
    expect(watched.lists, 'no watch that merely ended needs a new list').toHaveLength(1);
  });

  test('have no gap after the API server was restarted and etcd compacted in between', async () => {
    await using watched = await watching();
    await must(plane.admin, 'POST', NAMESPACE, configMap('before'));
    await settles(watched);
    await plane.restart();
    // What was watched up to is compacted away before the watch is back.
    for (let i = 0; i < 5; i += 1)
      await must(plane.admin, 'PUT', `${NAMESPACE}/before`, configMap('before', `v${i}`));
    await must(plane.admin, 'DELETE', `${NAMESPACE}/page-0`);
    await must(plane.admin, 'POST', NAMESPACE, configMap('after'));
    await plane.compact();
    await settles(watched);
  });

  test('have no gap after a compaction that happened while the API server was away', async () => {
    await using watched = await watching();
    await must(plane.admin, 'POST', NAMESPACE, configMap('lonely'));
    await settles(watched);
    await plane.restart(() => plane.compact());
    await must(plane.admin, 'DELETE', `${NAMESPACE}/lonely`);
    await settles(watched);
  });
});
