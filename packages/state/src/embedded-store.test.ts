import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { deltasOf, describeSubjectStore, identityOf, stateOf } from './conformance.ts';
import { openEmbeddedStore } from './embedded-store.ts';
import { copyAsAfterCrash, temporaryFolder } from './testing/folder.ts';

describeSubjectStore('the embedded store in memory', async () => {
  const store = await openEmbeddedStore();
  return {
    store,
    reopen: () => undefined,
    dispose: async () => {
      await store[Symbol.asyncDispose]();
    },
  };
});

describeSubjectStore('the embedded store in a folder', async () => {
  const folder = await temporaryFolder();
  let generation = 0;
  const stores = [await openEmbeddedStore({ dir: join(folder.path, '0') })];
  const crash = async (): ReturnType<typeof openEmbeddedStore> => {
    const from = join(folder.path, `${generation}`);
    generation += 1;
    const dir = join(folder.path, `${generation}`);
    await copyAsAfterCrash(from, dir);
    const store = await openEmbeddedStore({ dir });
    stores.push(store);
    return store;
  };
  const [store] = stores;
  if (!store) throw new Error('unreachable');
  return {
    store,
    reopen: crash,
    dispose: async () => {
      for (const each of stores) await each[Symbol.asyncDispose]();
      await folder.remove();
    },
  };
});

describe('the embedded store', () => {
  const request = { identity: identityOf(1) };

  it('answers `stale` to a batch that counts what another source counted meanwhile', async () => {
    await using store = await openEmbeddedStore();
    const [a, b] = [await store.claim('a'), await store.claim('b')];
    const deltas = deltasOf([request], a);
    const copies = deltasOf([request], b);
    expect(await store.applyBatch({ claim: a, from: '', to: '1', deltas })).toBe('applied');
    expect(await store.applyBatch({ claim: b, from: '', to: '1', deltas: copies })).toBe('stale');
    const again = await store.claim('b');
    const known = deltasOf([request], again);
    expect(await store.applyBatch({ claim: again, from: again.position, to: '1', deltas: known })).toBe(
      'applied',
    );
    expect(await store.read()).toEqual(stateOf([request]));
  });

  it('takes a key for a new state, and none that is not a key', async () => {
    await using store = await openEmbeddedStore({ identityKey: '00112233445566ff' });
    expect((await store.claim('a')).identityKey).toBe('00112233445566ff');
    for (const identityKey of ['', '00112233445566FF', '00112233445566f', 'zz112233445566ff']) {
      await expect(async () => openEmbeddedStore({ identityKey })).rejects.toThrow(TypeError);
    }
  });

  it('draws another key for every state', async () => {
    await using one = await openEmbeddedStore();
    await using other = await openEmbeddedStore();
    expect((await one.claim('a')).identityKey).not.toBe((await other.claim('a')).identityKey);
  });

  it('is of no use once it is disposed of, which may be done twice', async () => {
    const store = await openEmbeddedStore();
    await store[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    await expect(store.read()).rejects.toThrow('closed');
    await expect(store.claim('a')).rejects.toThrow('closed');
  });

  it('never writes a state after a batch that failed half-way', async () => {
    const folder = await temporaryFolder();
    const dir = join(folder.path, 'state');
    const store = await openEmbeddedStore({ dir });
    const claim = await store.claim('a');
    const good = deltasOf([request], claim);
    await store.applyBatch({ claim, from: '', to: '1', deltas: good });
    await store.flush();
    const deltas = { ...deltasOf([{ identity: identityOf(2) }], claim) };
    // Passes the check, then fails as an allocation would.
    let reads = 0;
    const received = new Proxy([identityOf(3)], {
      get(target, key, receiver): unknown {
        if (key === Symbol.iterator) reads += 1;
        if (reads > 1) throw new RangeError('Array buffer allocation failed');
        return Reflect.get(target, key, receiver);
      },
    });
    const batch = { claim, from: '1', to: '2', deltas: { ...deltas, received } };
    await expect(store.applyBatch(batch)).rejects.toThrow('allocation failed');
    await expect(store.flush()).rejects.toThrow('opened again');
    await expect(store.read()).rejects.toThrow('opened again');
    await expect(store[Symbol.asyncDispose]()).rejects.toThrow('opened again');
    await using reopened = await openEmbeddedStore({ dir });
    expect((await reopened.claim('a')).position).toBe('1');
    expect(await reopened.read()).toEqual(stateOf([request]));
    await folder.remove();
  });
});
