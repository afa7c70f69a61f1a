import { expect, it } from 'vitest';

import type { Tally } from '../types.ts';
import { deltasOf, identityOf, NOTHING, NOTHING_COUNTED } from './deltas.ts';
import { apply, applyReceived, type Context, request } from './support.ts';

/** What counts once, and what was only received. */
export function describeIdentities({ store }: Context): void {
  it('gives all claims the same key', async () => {
    const claim = await store().claim('a');
    expect(claim.identityKey).toMatch(/^[0-9a-f]{16}$/);
    expect((await store().claim('b')).identityKey).toBe(claim.identityKey);
  });

  it('knows what was counted, by this claim and by earlier ones', async () => {
    const earlier = await store().claim('a');
    await apply(store(), earlier, ['', '1'], [request(1)]);
    const claim = await store().claim('a');
    expect(claim.isCounted(identityOf(1))).toBe(true);
    expect(claim.isCounted(identityOf(2))).toBe(false);
    await apply(store(), claim, ['1', '2'], [request(2)]);
    expect(claim.isCounted(identityOf(2))).toBe(true);
  });

  it('knows identities at the edges, and never takes their halves for one another', async () => {
    const halves = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff];
    const all = halves.flatMap((hi) => halves.map((lo) => ({ hi, lo, cluster: 'default', hour: 0 })));
    const claim = await store().claim('a');
    for (const [i, identity] of all.entries()) {
      expect(claim.isCounted(identity)).toBe(false);
      await apply(store(), claim, [i === 0 ? '' : `${i}`, `${i + 1}`], [{ identity }]);
      expect(all.map((each) => claim.isCounted(each))).toEqual(all.map((_, j) => j <= i));
    }
  });

  it('does not take what was only received, or a base identity, for counted', async () => {
    const claim = await store().claim('a');
    const base = identityOf(2);
    const deltas = deltasOf([request(1, { base })], NOTHING_COUNTED, [identityOf(3)]);
    await store().applyBatch({ claim, from: '', to: '1', deltas });
    expect([1, 2, 3].map((n) => claim.isCounted(identityOf(n)))).toEqual([true, false, false]);
  });

  it('counts a request once that comes in several batches, and sees it each time', async () => {
    const day = 86_400_000_000;
    const claim = await store().claim('a');
    await apply(store(), claim, ['', '1'], [request(1), request(1)]);
    await apply(store(), claim, ['1', '2'], [request(1), request(2)]);
    await apply(store(), await store().claim('a'), ['2', '3'], [request(2, { us: 9 * day, name: 'late' })]);
    const [cluster] = await store().read();
    const rules = [...(cluster?.subjects.values() ?? [])].flatMap((subject) => [
      ...subject.allowed.rules.values(),
    ]);
    const counts = rules.flatMap((rule) =>
      [...rule.names].map(([name, { count, days }]) => [name, count, days]),
    );
    expect(counts.sort()).toEqual([
      ['', 2, [Math.floor(1_700_000_000_000_000 / day)]],
      ['late', 0, [9]],
    ]);
  });
}

/** Requests of which nothing but RequestReceived was seen, and what was missed. */
export function describeFacts({ store, crash }: Context): void {
  const counted = request(1);
  const impersonated = request(2, { base: identityOf(3) });

  it('counts as only received what was neither counted nor counted under impersonation', async () => {
    const claim = await store().claim('a');
    await applyReceived(
      store(),
      claim,
      ['', '1'],
      [1, 3, 4, 5, 5].map((n) => identityOf(n)),
    );
    expect(await store().facts()).toMatchObject({ onlyReceived: 4 });
    await apply(store(), claim, ['1', '2'], [counted, impersonated]);
    expect(await store().facts()).toMatchObject({ onlyReceived: 2 });
    await applyReceived(
      store(),
      claim,
      ['2', '3'],
      [1, 3, 4].map((n) => identityOf(n)),
    );
    expect(await store().facts()).toMatchObject({ onlyReceived: 2 });
  });

  it('counts them the same in any order, and in one batch', async () => {
    const claim = await store().claim('a');
    await apply(store(), claim, ['', '1'], [counted]);
    await applyReceived(
      store(),
      claim,
      ['1', '2'],
      [1, 3, 4, 5].map((n) => identityOf(n)),
    );
    const deltas = deltasOf(
      [impersonated],
      NOTHING_COUNTED,
      [3, 4, 6].map((n) => identityOf(n)),
    );
    await store().applyBatch({ claim, from: '2', to: '3', deltas });
    expect(await store().facts()).toMatchObject({ onlyReceived: 3 });
  });

  it('knows them after a crash, and what they still may be matched with', async () => {
    const before = await store().claim('a');
    await apply(store(), before, ['', '1'], [counted, impersonated]);
    await applyReceived(store(), before, ['1', '2'], [identityOf(4)]);
    await store().flush();
    if (!(await crash())) return;
    expect(await store().facts()).toMatchObject({ onlyReceived: 1 });
    const claim = await store().claim('a');
    await applyReceived(
      store(),
      claim,
      ['2', '3'],
      [1, 3, 5].map((n) => identityOf(n)),
    );
    expect(await store().facts()).toMatchObject({ onlyReceived: 2 });
    await apply(store(), claim, ['3', '4'], [request(4), request(5)]);
    expect(await store().facts()).toMatchObject({ onlyReceived: 0 });
  });

  it('sums up what came late and what was lost, with the batch that says so', async () => {
    const claim = await store().claim('a');
    const add = (from: string, to: string, tally: Tally): Promise<unknown> =>
      store().applyBatch({ claim, from, to, deltas: { ...NOTHING, tally } });
    await add('', '1', { late: 3, lost: 0 });
    await add('', '1', { late: 3, lost: 0 });
    await add('1', '2', { late: 1, lost: 40 });
    expect(await store().facts()).toEqual({ onlyReceived: 0, late: 4, lost: 40 });
    await store().flush();
    if (await crash()) expect(await store().facts()).toEqual({ onlyReceived: 0, late: 4, lost: 40 });
  });
}
