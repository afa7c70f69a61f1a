import { StateError } from '@leastwise/state';
import { openEmbeddedStore, type SubjectStore } from '@leastwise/state';
import { describe, expect, test } from 'vitest';

import { EvidenceReader } from './evidence-reader.ts';
import { A_HUNDRED_DAYS, count, listeningLog, NOW_MS, policyOf, roleAndBinding } from './testing/uses.ts';
import { UnusedKeeper, type UnusedKeeperParts } from './unused-keeper.ts';

/** A store that may be away. */
class Place {
  isAway = false;
  opened = 0;
  readonly store: SubjectStore;

  constructor(store: SubjectStore) {
    this.store = store;
  }

  open = async () => {
    this.opened += 1;
    return {
      read: async () => {
        if (this.isAway) throw new StateError('the state is away');
        return this.store.read();
      },
      facts: () => this.store.facts(),
      [Symbol.asyncDispose]: async () => undefined,
    };
  };
}

async function scene(more: Partial<UnusedKeeperParts> = {}) {
  const place = new Place(await openEmbeddedStore());
  const { log, said } = listeningLog();
  const reader = new EvidenceReader(place.open, log);
  let changes = 0;
  const keeper = new UnusedKeeper({
    cluster: 'prod',
    read: () => reader.read(),
    policy: policyOf(),
    objects: () => roleAndBinding('get,list', 'pods'),
    waiting: { now: () => NOW_MS, sleep: () => new Promise<void>(() => undefined) },
    onChange: () => (changes += 1),
    log,
    ...more,
  });
  /** Looks, and waits for the end of it. */
  const look = async (): Promise<string[]> => {
    await keeper.lookAgain(90);
    await reader.read();
    await new Promise<void>((resolve) => setImmediate(resolve));
    return keeper.known.map(({ verb, resource }) => `${verb} ${resource}`);
  };
  return { place, said, look, keeper, reader, changes: () => changes };
}

describe('the unused of a cluster', () => {
  test('is known once evidence was read, and a change of it is told', async () => {
    const { place, look, said, changes } = await scene();
    await count(place.store, A_HUNDRED_DAYS);
    expect(await look()).toEqual(['list pods']);
    expect(await look()).toEqual(['list pods']);
    expect(changes()).toBe(1);
    await count(place.store, [['shop:ci', 'list', 99]]);
    expect(await look()).toEqual([]);
    expect(changes()).toBe(2);
    expect(said).toEqual([]);
  });

  test('is nothing while the state is away, which is said once, and known again when it is back', async () => {
    const { place, look, said } = await scene();
    await count(place.store, A_HUNDRED_DAYS);
    expect(await look()).toEqual(['list pods']);
    place.isAway = true;
    expect(await look()).toEqual([]);
    expect(await look()).toEqual([]);
    expect(said).toEqual([
      'nothing is called unused: evidence cannot be read {"reason":"the state is away"}',
    ]);
    const { opened } = place;
    place.isAway = false;
    expect(await look()).toEqual(['list pods']);
    expect(place.opened).toBe(opened + 1);
    place.isAway = true;
    await look();
    expect(said).toHaveLength(2);
  });

  test('is nothing of an empty state, which is said once', async () => {
    const { look, said } = await scene();
    expect([await look(), await look()]).toEqual([[], []]);
    expect(said).toEqual([
      'nothing is called unused: evidence cannot be read {"reason":"the state is empty"}',
    ]);
  });

  test.each([
    ['of another cluster', { cluster: 'stage' }, 'the state knows no cluster of this name'],
    [
      'without its audit policy',
      { policy: undefined },
      'the audit policy of the cluster is not known: auditPolicies',
    ],
    [
      'of which no events come',
      { waiting: { now: () => NOW_MS + 10 * 86_400_000, sleep: async () => undefined } },
      'no events of the cluster come any more',
    ],
  ])('is nothing %s, which is said once', async (_, more, reason) => {
    const { place, look, said } = await scene(more);
    await count(place.store, A_HUNDRED_DAYS);
    expect([await look(), await look()]).toEqual([[], []]);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain(reason);
  });

  test('is nothing where events were lost', async () => {
    const { place, look, said } = await scene();
    await count(place.store, A_HUNDRED_DAYS, 3);
    expect(await look()).toEqual([]);
    expect(said.join()).toContain('events were lost before they were read');
  });

  test('holds up the first judgement for some seconds only, and no later one', async () => {
    const never = new Promise<undefined>(() => undefined);
    let slept = 0;
    const { keeper } = await scene({
      read: () => never,
      waiting: { now: () => NOW_MS, sleep: async (ms) => void (slept += ms) },
    });
    await keeper.lookAgain(90);
    await keeper.lookAgain(90);
    expect(slept).toBe(10_000);
    expect(keeper.known).toEqual([]);
  });
});

test('those who ask at once share one reading', async () => {
  const place = new Place(await openEmbeddedStore());
  await count(place.store, A_HUNDRED_DAYS);
  await using reader = new EvidenceReader(place.open, listeningLog().log);
  const [one, other] = await Promise.all([reader.read(), reader.read()]);
  expect(one).toBe(other);
  expect(await reader.read()).not.toBe(one);
  expect(place.opened).toBe(1);
});

test('what is a bug is no trouble of the store', async () => {
  await using reader = new EvidenceReader(() => Promise.reject(new TypeError('a bug')), listeningLog().log);
  await expect(reader.read()).rejects.toThrow('a bug');
});
