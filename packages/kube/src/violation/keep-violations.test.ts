import { describe, expect, test } from 'vitest';

import { valueAt } from '../json-value.ts';
import { answer, FakeCluster, fakeWaiting } from '../testing/fake-cluster.ts';
import { type KubeObject, toKubeObject } from '../watch/kube-object.ts';
import { keepViolations, type KeepOptions, type KeptViolations, VIOLATIONS_PATH } from './keep-violations.ts';
import type { WantedViolation } from './types.ts';
import { violationObjects } from './violation-object.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 0, 5, 12);

function wanted(name: string, message = 'm'): WantedViolation {
  const [only] = violationObjects(
    [
      {
        check: 'R009',
        severity: 'HIGH',
        message,
        object: { kind: 'ClusterRoleBinding', name },
        paths: [],
        key: name,
      },
    ],
    { catalogue: new Map(), ownersOf: () => [] },
  );
  if (!only) throw new Error('no violation');
  return only;
}

class World {
  readonly cluster = new FakeCluster();

  standing(): Map<string, KubeObject> {
    const all = [...this.cluster.objects].flatMap(([, value]) => toKubeObject(value) ?? []);
    return new Map(all.map((object) => [`/${object.name}`, object]));
  }

  async keep(all: readonly WantedViolation[], more: Partial<KeepOptions> = {}): Promise<KeptViolations> {
    this.cluster.sent.length = 0;
    const writing = { cluster: this.cluster, waiting: fakeWaiting(), fieldManager: 'auditor' };
    return await keepViolations(this.standing(), all, { writing, nowMs: START_MS, resolvedDays: 7, ...more });
  }

  status(name: string): unknown {
    const [found] = [...this.standing().values()].filter((each) => each.name.includes(name));
    return valueAt(found?.value, 'status');
  }
}

describe('violations in a cluster', () => {
  test('are written once: doing the same again writes nothing', async () => {
    const world = new World();
    const first = await world.keep([wanted('a'), wanted('b')]);
    expect(first.opened).toHaveLength(2);
    expect(world.status('r009-a')).toEqual({ state: 'Open', firstSeen: '2026-01-05T12:00:00Z' });
    const again = await world.keep([wanted('a'), wanted('b')], { nowMs: START_MS + DAY_MS });
    expect(again).toMatchObject({ opened: [], resolved: [], writes: 0 });
  });

  test('become resolved, are open anew if they come back, and go when they were resolved for long', async () => {
    const world = new World();
    await world.keep([wanted('a')]);
    const gone = await world.keep([], { nowMs: START_MS + DAY_MS });
    expect(gone.resolved).toHaveLength(1);
    expect(world.status('r009-a')).toEqual({
      state: 'Resolved',
      firstSeen: '2026-01-05T12:00:00Z',
      resolvedAt: '2026-01-06T12:00:00Z',
    });
    expect((await world.keep([], { nowMs: START_MS + 2 * DAY_MS })).writes).toBe(0);
    const back = await world.keep([wanted('a')], { nowMs: START_MS + 3 * DAY_MS });
    expect(back.opened).toHaveLength(1);
    expect(world.status('r009-a')).toEqual({ state: 'Open', firstSeen: '2026-01-08T12:00:00Z' });
    await world.keep([], { nowMs: START_MS + 4 * DAY_MS });
    expect((await world.keep([], { nowMs: START_MS + 11 * DAY_MS })).pruned).toEqual([]);
    expect((await world.keep([], { nowMs: START_MS + 11 * DAY_MS + 1000 })).pruned).toHaveLength(1);
    expect(world.cluster.objects.size).toBe(0);
  });

  test('say what was done about them, also when they are resolved by it', async () => {
    const world = new World();
    const violation = wanted('a');
    const { name } = violation.violation.metadata;
    const remediation = { action: 'deleted', reason: 'r', at: '2026-01-05T12:00:00Z', copy: '{}' } as const;
    await world.keep([violation], { remediated: new Map([[name, remediation]]) });
    await world.keep([], { nowMs: START_MS + 1000 });
    expect(world.status('r009-a')).toMatchObject({ state: 'Resolved', remediation });
  });

  test('that are suppressed say who took responsibility', async () => {
    const world = new World();
    const suppressed = { owner: 'ann', until: '2026-12-31', reason: 'known' };
    const kept = await world.keep([{ ...wanted('a'), suppressed }]);
    expect(kept.opened).toHaveLength(1);
    expect(world.status('r009-a')).toMatchObject({ state: 'Suppressed', suppressed });
  });

  test('that are refused do not keep the others back; where nobody may write, nothing is written', async () => {
    const world = new World();
    const refused = `${VIOLATIONS_PATH}/${wanted('a').violation.metadata.name}`;
    world.cluster.fault = ({ path }) => (path === refused ? answer(422, { message: 'no' }) : undefined);
    const kept = await world.keep([wanted('a'), wanted('b')]);
    expect(kept.failed.map(({ error }) => error.failure)).toEqual(['invalid']);
    expect(kept.opened).toHaveLength(1);
    world.cluster.fault = () => answer(403, { message: 'no' });
    await expect(world.keep([wanted('c')])).rejects.toThrow('403');
  });
});
