import { expect, it } from 'vitest';

import { deltasOf, identityOf, NOTHING_COUNTED, stateOf } from './deltas.ts';
import { apply, type Context, request } from './support.ts';

/** Batches, positions and claims. */
export function describePositions({ store }: Context): void {
  it('begins with nothing', async () => {
    expect((await store().claim('a')).position).toBe('');
    expect(await store().read()).toEqual([]);
    expect(await store().facts()).toEqual({ onlyReceived: 0, late: 0, lost: 0 });
  });

  it('moves the position with what a batch adds', async () => {
    const claim = await store().claim('a');
    expect(await apply(store(), claim, ['', '5'], [request(1)])).toBe('applied');
    expect((await store().claim('a')).position).toBe('5');
    expect(await store().read()).toEqual(stateOf([request(1)]));
  });

  it('moves the position without anything to add', async () => {
    const claim = await store().claim('a');
    expect(await apply(store(), claim, ['', '5'], [])).toBe('applied');
    expect((await store().claim('a')).position).toBe('5');
  });

  it('answers `stale` to a batch applied before, and changes nothing', async () => {
    const claim = await store().claim('a');
    const deltas = deltasOf([request(1)], NOTHING_COUNTED, [identityOf(9)]);
    const batch = { claim, from: '', to: '5', deltas };
    expect(await store().applyBatch(batch)).toBe('applied');
    expect(await store().applyBatch(batch)).toBe('stale');
    expect(await store().applyBatch({ ...batch, claim: await store().claim('a') })).toBe('stale');
    expect(await store().read()).toEqual(stateOf([request(1)]));
    expect((await store().claim('a')).position).toBe('5');
    expect(await store().facts()).toMatchObject({ onlyReceived: 1 });
  });

  it('applies a batch once when it is sent twice at the same time', async () => {
    const claim = await store().claim('a');
    const batch = { claim, from: '', to: '5', deltas: deltasOf([request(1)], NOTHING_COUNTED) };
    const results = await Promise.all([store().applyBatch(batch), store().applyBatch(batch)]);
    expect(results.sort()).toEqual(['applied', 'stale']);
    expect(await store().read()).toEqual(stateOf([request(1)]));
  });

  it('answers `stale` to a batch that leaves a gap', async () => {
    const claim = await store().claim('a');
    expect(await apply(store(), claim, ['3', '5'], [request(1)])).toBe('stale');
    expect(await store().read()).toEqual([]);
    expect((await store().claim('a')).position).toBe('');
  });

  it('fences a worker that lost its source, whatever position it is at', async () => {
    const lost = await store().claim('a');
    const owner = await store().claim('a');
    expect(owner.token).not.toBe(lost.token);
    expect(await apply(store(), lost, ['', '5'], [request(1)])).toBe('fenced');
    expect(await apply(store(), owner, ['', '5'], [request(2)])).toBe('applied');
    expect(await apply(store(), lost, ['5', '6'], [request(3)])).toBe('fenced');
    expect(await store().read()).toEqual(stateOf([request(2)]));
  });

  it('keeps sources apart, names like `__proto__` included', async () => {
    const sources = ['a', '', '__proto__', 'constructor', 'topic/3', '日本 {x}', 'x'.repeat(10_000)];
    const claims = await Promise.all(sources.map((source) => store().claim(source)));
    for (const [i, claim] of claims.entries()) {
      expect(claim.position).toBe('');
      expect(await apply(store(), claim, ['', `at ${i}`], [request(i)])).toBe('applied');
    }
    for (const [i, source] of sources.entries())
      expect((await store().claim(source)).position).toBe(`at ${i}`);
    expect(await store().read()).toEqual(stateOf(sources.map((_, i) => request(i))));
  });

  it('takes positions as they are, and does not compute with them', async () => {
    const positions = ['9007199254740993', '9007199254740992', '-1', '{"inode":1}', '007', 'é\n\u2028"', ''];
    const claim = await store().claim('a');
    let from = '';
    for (const to of positions) {
      expect(await apply(store(), claim, [from, to], [])).toBe('applied');
      from = to;
      expect((await store().claim('b')).position).toBe('');
    }
    expect((await store().claim('a')).position).toBe('');
  });

  it('refuses what would be applied again and again: deltas at a standing position', async () => {
    const claim = await store().claim('a');
    await expect(apply(store(), claim, ['', ''], [request(1)])).rejects.toThrow(TypeError);
    expect(await apply(store(), claim, ['', ''], [])).toBe('applied');
    expect(await store().read()).toEqual([]);
  });
}
