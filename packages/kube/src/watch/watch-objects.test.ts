import { setImmediate as turn } from 'node:timers/promises';

import { describe, expect, test } from 'vitest';

import { KubeError } from '../kube-error.ts';
import type { KubeAnswer } from '../request.ts';
import { answer } from '../testing/fake-cluster.ts';
import { listed, role, ScriptedCluster, type ScriptedWatch } from '../testing/scripted-cluster.ts';
import { WatchedObjects } from './watch-objects.ts';

const PATH = '/apis/rbac.authorization.k8s.io/v1/roles';
const GONE = answer(410, { kind: 'Status', code: 410, message: 'too old', details: { kind: 'roles' } });
const ENDED = answer(200, '');
const lost = new KubeError('unreachable', 'no answer');

const event = (type: string, object: object): object => ({ type, object });

interface Seen {
  readonly cluster: ScriptedCluster;
  readonly changes: string[];
  readonly errors: string[];
  readonly slept: number[];
  readonly objects: string[];
}

/** Runs until the cluster has been asked as often as it has answers, and once more. */
async function watched(
  lists: readonly (KubeAnswer | Error)[],
  watches: readonly ScriptedWatch[],
): Promise<Seen> {
  const cluster = new ScriptedCluster(lists, watches);
  const changes: string[] = [];
  const errors: string[] = [];
  const slept: number[] = [];
  const stop = new AbortController();
  let now = 0;
  const waiting = {
    sleep: async (ms: number): Promise<void> => {
      slept.push(ms);
    },
    // Each look at the clock finds it two seconds later: no watch is a hasty one.
    now: () => (now += 2000),
    random: () => 0,
  };
  const listener = {
    onListed: (count: number): void => {
      changes.push(`listed ${count}`);
    },
    onChanges: (all: readonly { before?: { name: string }; after?: { name: string } }[]): void => {
      for (const { before, after } of all) {
        changes.push(before ? (after ? `~${after.name}` : `-${before.name}`) : `+${after?.name ?? ''}`);
      }
    },
    onError: (error: KubeError): void => {
      errors.push(error.message);
    },
  };
  const objects = new WatchedObjects(cluster, { path: PATH }, listener, { waiting });
  const running = objects.run(stop.signal);
  // The last watch stays open.
  for (let i = 0; i < 200; i += 1) await turn();
  stop.abort();
  await running;
  const content = [...objects.objects.values()].map(
    ({ name, resourceVersion }) => `${name}@${resourceVersion}`,
  );
  return { cluster, changes, errors, slept, objects: content };
}

describe('watched objects', () => {
  test('are listed page by page, and watched from the version of the list', async () => {
    const { cluster, changes, objects } = await watched(
      [listed(10, [role('a', 1)], 'next'), listed(10, [role('b', 2)])],
      [
        {
          lines: [
            event('ADDED', role('c', 11)),
            event('MODIFIED', role('a', 12)),
            event('DELETED', role('b', 13)),
          ],
        },
      ],
    );
    expect(cluster.asked).toEqual(['list 500', 'list 500 next', 'watch 10']);
    expect(changes).toEqual(['listed 2', '+a', '+b', '+c', '~a', '-b']);
    expect(objects).toEqual(['a@12', 'c@11']);
  });

  test('go on from the last event or bookmark when the server ends a watch', async () => {
    const bookmark = event('BOOKMARK', { metadata: { resourceVersion: '20' } });
    const { cluster } = await watched(
      [listed(10, [])],
      [
        { lines: [event('ADDED', role('a', 11))], end: ENDED },
        { lines: [bookmark], end: ENDED },
      ],
    );
    expect(cluster.asked).toEqual(['list 500', 'watch 10', 'watch 11', 'watch 20']);
  });

  test.each([
    ['by its status', { end: GONE }],
    ['by an event', { lines: [event('ERROR', { kind: 'Status', code: 410 })], end: ENDED }],
  ])(
    'are listed anew when the server cannot go on (410 %s), and the difference is told',
    async (_, watch) => {
      const { cluster, changes, errors } = await watched(
        [
          listed(10, [role('a', 1), role('b', 2), role('c', 3)]),
          listed(30, [role('a', 1), role('c', 25), role('d', 26)]),
        ],
        [watch],
      );
      expect(cluster.asked).toEqual(['list 500', 'watch 10', 'list 500', 'watch 30']);
      expect(changes).toEqual(['listed 3', '+a', '+b', '+c', 'listed 3', '-b', '~c', '+d']);
      expect(errors).toEqual([]);
    },
  );

  test('wait ever longer while nobody answers, and go on without a new list', async () => {
    const { cluster, slept, errors } = await watched(
      [listed(10, [])],
      [{ end: lost }, { end: lost }, { end: lost }, { end: ENDED }, { end: lost }],
    );
    expect(cluster.asked).toEqual(['list 500', ...Array.from({ length: 6 }, () => 'watch 10')]);
    expect(slept).toEqual([125, 250, 500, 125]);
    expect(errors).toHaveLength(4);
  });

  test('are listed anew after a line that cannot be read: to pass over it would be a gap', async () => {
    const { cluster, errors, objects } = await watched(
      [listed(10, [role('a', 1)]), listed(12, [role('a', 11)])],
      [{ lines: ['{"type":"MODIF', event('ADDED', role('b', 12))] }],
    );
    expect(cluster.asked).toEqual(['list 500', 'watch 10', 'list 500', 'watch 12']);
    expect(errors).toEqual([`https://scripted: watch ${PATH}: a line that is no event`]);
    expect(objects).toEqual(['a@11']);
  });

  test('begin a list again that expired between two pages, at last in one page', async () => {
    const { cluster, changes } = await watched(
      [
        listed(10, [role('a', 1)], 'x'),
        GONE,
        listed(11, [role('a', 1)], 'y'),
        GONE,
        listed(12, [role('b', 2)]),
      ],
      [],
    );
    expect(cluster.asked).toEqual([
      'list 500',
      'list 500 x',
      'list 500',
      'list 500 y',
      'list all',
      'watch 12',
    ]);
    expect(changes).toEqual(['listed 1', '+b']);
  });

  test('are not lost while a list fails', async () => {
    const forbidden = answer(403, { message: 'no' });
    const { errors, objects, changes } = await watched(
      [listed(10, [role('a', 1)]), forbidden, listed(12, [role('a', 1)])],
      [{ end: GONE }],
    );
    expect(errors).toEqual([`https://scripted: GET ${PATH}: 403 no`]);
    expect(objects).toEqual(['a@1']);
    expect(changes).toEqual(['listed 1', '+a', 'listed 1']);
  });
});
