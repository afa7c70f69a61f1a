import fc from 'fast-check';
import { expect, it } from 'vitest';

import type { Claim, Deltas, SubjectStore } from '../types.ts';
import { deltasOf, identityOf, type SampleRequest, stateOf } from './deltas.ts';
import { apply, applyInOrder, type Context, request, type StoreUnderTest } from './support.ts';

/** What a crash leaves. */
export function describeCrashes({ store, crash }: Context): void {
  it('has after a crash at least what was flushed, and of the rest whole batches only', async () => {
    const batches = [[request(1), request(2)], [request(3, { cluster: 'z' })], [request(1), request(4)]];
    const claim = await store().claim('a');
    await apply(store(), claim, ['', '1'], batches[0] ?? []);
    await store().flush();
    await apply(store(), claim, ['1', '2'], batches[1] ?? []);
    await apply(store(), claim, ['2', '3'], batches[2] ?? []);
    const { identityKey } = claim;
    if (!(await crash())) return;
    const again = await store().claim('a');
    expect(again.identityKey).toBe(identityKey);
    const reached = Number(again.position);
    expect(reached).toBeGreaterThanOrEqual(1);
    const applied = batches.slice(0, reached).flat();
    expect(await store().read()).toEqual(stateOf(applied));
    for (const n of [1, 2, 3, 4]) {
      expect(again.isCounted(identityOf(n))).toBe(applied.some(({ identity }) => identity.lo === n));
    }
  });

  it('knows every identity of every flush', async () => {
    // Each has something new in one of the sets of identities only, the last one in all of them.
    const additions: ((claim: Claim) => Deltas)[] = [
      (claim) =>
        deltasOf(
          [],
          claim,
          [50, 60].map((n) => identityOf(n)),
        ),
      (claim) => deltasOf([request(1)], claim),
      (claim) => ({ ...deltasOf([], claim), resolved: [identityOf(51)] }),
      (claim) => deltasOf([], claim, [identityOf(52)]),
      (claim) =>
        deltasOf(
          [request(50, { base: identityOf(53) })],
          claim,
          [51, 53, 54].map((n) => identityOf(n)),
        ),
    ];
    const expected = [
      { counted: [], onlyReceived: 2 },
      { counted: [1], onlyReceived: 2 },
      { counted: [1], onlyReceived: 2 },
      { counted: [1], onlyReceived: 3 },
      { counted: [1, 50], onlyReceived: 3 },
    ];
    for (const [i, addition] of additions.entries()) {
      const claim = await store().claim('a');
      const deltas = addition(claim);
      await store().applyBatch({ claim, from: claim.position, to: `${i + 1}`, deltas });
      await store().flush();
      if (!(await crash())) return;
      const again = await store().claim('a');
      const counted = [1, 50, 51, 52, 53, 54, 60].filter((n) => again.isCounted(identityOf(n)));
      expect({ counted, onlyReceived: (await store().facts()).onlyReceived }).toEqual(expected[i]);
    }
  });

  it('survives crash after crash with nothing new between', async () => {
    await applyInOrder(store(), [request(1), request(2)], 1);
    await store().flush();
    for (let i = 0; i < 3; i += 1) {
      if (!(await crash())) return;
      await store().flush();
      expect(await store().read()).toEqual(stateOf([request(1), request(2)]));
    }
  });
}

/** Requests that meet in few subjects, rules, names, days and namespaces; the same for the same number. */
function requestOf(n: number): SampleRequest {
  const kinds = ['User', 'Group', 'ServiceAccount'] as const;
  const kind = kinds[n % 3] ?? 'User';
  return request(n, {
    us: 1_700_000_000_000_000 + ((n * 7) % 11) * 40_000_000_000,
    cluster: n % 4 === 0 ? 'edge' : 'main',
    subject: { kind, namespace: kind === 'ServiceAccount' ? 'shop' : '', name: `who-${n % 2}` },
    verb: n % 5 === 0 ? 'list' : 'get',
    name: `pod-${n % 7}`,
    namespace: `ns-${n % 3}`,
    auditID: `id-${n % 6}`,
    isDenied: n % 9 === 0,
    ...(n % 6 === 1 ? { base: identityOf(1000 + n) } : {}),
    ...(n % 4 === 1 ? { group: `group-${n % 3}` } : {}),
    ...(n % 5 === 0 ? {} : { binding: `ns-${n % 3}/binding-${n % 2}/Role/r` }),
  });
}

interface Log {
  readonly source: string;
  /** The requests of each batch. A request and its copies are in one source. */
  readonly batches: readonly (readonly number[])[];
}

/** What a worker does next: a batch of source 0 or 1, a flush, a new claim, or a crash of it all. */
type Action = 0 | 1 | 'flush' | 'claim' | 'crash';

/** Workers that read logs in batches, each from where the state says, through whatever happens. */
class Workers {
  readonly #tested: StoreUnderTest;
  readonly #reading = new Map<string, { readonly claim: Claim; position: string }>();
  store: SubjectStore;

  constructor(tested: StoreUnderTest) {
    this.#tested = tested;
    this.store = tested.store;
  }

  /** Applies the next batch of a log. @returns whether there was one. */
  async step({ source, batches }: Log): Promise<boolean> {
    let reading = this.#reading.get(source);
    if (!reading) {
      const claim = await this.store.claim(source);
      reading = { claim, position: claim.position };
      this.#reading.set(source, reading);
    }
    const { claim, position: from } = reading;
    const numbers = batches[Number(from)];
    if (!numbers) return false;
    const requests = numbers.map(requestOf);
    const received = requests.map(({ base, identity }) => base ?? identity);
    const deltas = deltasOf(requests, claim, received);
    const to = `${Number(from) + 1}`;
    expect(await this.store.applyBatch({ claim, from, to, deltas })).toBe('applied');
    reading.position = to;
    return true;
  }

  async act(action: Action, logs: readonly [Log, Log]): Promise<void> {
    switch (action) {
      case 0:
      case 1:
        await this.step(logs[action]);
        break;
      case 'flush':
        await this.store.flush();
        break;
      case 'claim':
        this.#reading.clear();
        break;
      case 'crash':
        this.store = (await this.#tested.reopen()) ?? this.store;
        this.#reading.clear();
        break;
    }
  }
}

/** Promise 3: the state is a function of the distinct requests alone. */
export function describePromise(makeStore: () => Promise<StoreUnderTest>): void {
  it('equals one clean run, in whatever order, batches, sources, claims and crashes it came', async () => {
    const log = (source: string, parity: 0 | 1): fc.Arbitrary<Log> =>
      fc
        .array(fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 6 }), { maxLength: 6 })
        .map((batches) => ({ source, batches: batches.map((batch) => batch.map((n) => 2 * n + parity)) }));
    const action = fc.constantFrom<Action>(0, 0, 0, 1, 1, 1, 'flush', 'flush', 'claim', 'crash');
    await fc.assert(
      fc.asyncProperty(
        log('a', 0),
        log('b', 1),
        fc.array(action, { maxLength: 25 }),
        async (a, b, actions) => {
          const tested = await makeStore();
          try {
            const workers = new Workers(tested);
            for (const each of actions) await workers.act(each, [a, b]);
            while (await workers.step(a));
            while (await workers.step(b));
            const numbers = new Set([...a.batches.flat(), ...b.batches.flat()]);
            expect(await workers.store.read()).toEqual(stateOf([...numbers].map(requestOf)));
            expect(await workers.store.facts()).toMatchObject({ onlyReceived: 0 });
          } finally {
            await tested.dispose();
          }
        },
      ),
      { numRuns: 60 },
    );
  });
}
