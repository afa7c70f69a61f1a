import { CAPS, type ClusterState } from '@leastwise/rbac';
import { expect, it } from 'vitest';

import { deltasOf, identityOf, NOTHING_COUNTED, type SampleRequest, stateOf } from './deltas.ts';
import { apply, applyInOrder, type Context, request } from './support.ts';

/** What a state holds, and holds after a crash. */
export function describeContent({ store, crash }: Context): void {
  async function expectState(expected: readonly ClusterState[]): Promise<void> {
    expect(await store().read()).toEqual(expected);
    await store().flush();
    if (await crash()) expect(await store().read()).toEqual(expected);
  }

  it('answers with the clusters in the order of their names', async () => {
    const names = ['b', 'a', '', 'Z', 'ä', '__proto__', 'a/b', '\u{1f600}', '\uffff'];
    const requests = names.map((cluster, i) => request(i, { cluster }));
    await applyInOrder(store(), requests, 2);
    expect((await store().read()).map(({ cluster }) => cluster)).toEqual([...names].sort());
    await expectState(stateOf(requests));
  });

  it('keeps any names that people invent', async () => {
    const names = [
      '__proto__',
      'constructor',
      'toString',
      '',
      ' ',
      'a"b\\c\n\r\t',
      '\u2028\u2029\u0085',
      '\ud800',
      'é\u0301',
      '日本語\u{1f600}',
      '{"x":1}',
      '*',
      '0',
      '-1',
      'x'.repeat(10_000),
      'é'.repeat(10_000),
    ];
    const requests = names.flatMap((name, i) => [
      request(4 * i, { subject: { kind: 'User', namespace: '', name } }),
      request(4 * i + 1, { subject: { kind: 'ServiceAccount', namespace: name, name }, namespace: name }),
      request(4 * i + 2, { name, verb: name, auditID: name }),
      request(4 * i + 3, { name, isDenied: true, binding: name, ...(name === '' ? {} : { group: name }) }),
    ]);
    await applyInOrder(store(), requests, 5);
    await expectState(stateOf(requests));
  });

  it('keeps times to the microsecond, as far as numbers go', async () => {
    const times = [1, 999_999, 1_700_000_000_123_456, 9_007_199_254_740, Number.MAX_SAFE_INTEGER - 1];
    const requests = times.map((us, i) => request(i, { us, name: `at-${us}` }));
    requests.push(...times.map((us, i) => request(10 + i, { us, name: 'all' })));
    await applyInOrder(store(), requests, 3);
    await expectState(stateOf(requests));
  });

  it('keeps days with and without gaps', async () => {
    const days = [0, 1, 2, 5, 7, 8, 19_000, 19_001, 19_003];
    const requests = [...days].reverse().map((day, i) => request(i, { us: day * 86_400_000_000 + 5 }));
    await applyInOrder(store(), requests, 2);
    await expectState(stateOf(requests));
  });

  it('keeps the latest day of each binding, whatever came first', async () => {
    const days = [19_003, 19_000, 19_001, 19_001, 8];
    const requests = days.map((day, i) =>
      request(i, { us: day * 86_400_000_000 + 5, binding: `/b-${i % 2}/ClusterRole/r` }),
    );
    await applyInOrder(store(), requests, 2);
    const [cluster] = await store().read();
    const [subject] = cluster?.subjects.values() ?? [];
    const [rule] = subject?.allowed.rules.values() ?? [];
    expect(rule?.names.get('')?.grantingBindings).toEqual([
      { key: '/b-0/ClusterRole/r', lastDay: 19_003 },
      { key: '/b-1/ClusterRole/r', lastDay: 19_001 },
    ]);
    await expectState(stateOf(requests));
  });

  it('keeps to the caps, and remembers what they left out', async () => {
    const requests: SampleRequest[] = [];
    const add = (count: number, of: (i: number) => Partial<SampleRequest>): void => {
      for (let i = 0; i < count; i += 1) requests.push(request(requests.length, of(i)));
    };
    add(CAPS.names + 44, (i) => ({ name: `pod-${i}` }));
    add(CAPS.deniedRules + 20, (i) => ({ verb: `verb-${i}`, isDenied: true }));
    add(CAPS.groups + 8, (i) => ({ name: 'grouped', verb: 'list', group: `group-${i}` }));
    add(CAPS.bindings + 8, (i) => ({ name: 'bound', verb: 'list', binding: `ns1/binding-${i}/Role/r` }));
    await applyInOrder(store(), [...requests].reverse(), 37);
    const [cluster] = await store().read();
    const [subject] = cluster?.subjects.values() ?? [];
    expect(subject?.denied.overflow?.count).toBe(20);
    await expectState(stateOf(requests));
    const oneMore = request(requests.length, { name: 'one-more' });
    await apply(store(), await store().claim('b'), ['', '1'], [oneMore]);
    await expectState(stateOf([...requests, oneMore]));
  });

  it('shares nothing with the batches it was given', async () => {
    const claim = await store().claim('a');
    const deltas = deltasOf([request(1), request(2, { name: 'x', isDenied: true })], NOTHING_COUNTED);
    await store().applyBatch({ claim, from: '', to: '1', deltas });
    for (const cluster of deltas.clusters.values()) {
      cluster.lastSeenUs = 1;
      for (const { allowed, denied } of cluster.subjects.values()) {
        for (const rule of [...allowed.rules.values(), ...denied.rules.values()]) {
          for (const evidence of rule.names.values()) {
            evidence.count = 77;
            evidence.days = [...evidence.days, 99_999];
          }
          rule.names.clear();
        }
      }
      cluster.subjects.clear();
    }
    await expectState(stateOf([request(1), request(2, { name: 'x', isDenied: true })]));
  });

  it('refuses a batch that it could not keep, and then has nothing of it', async () => {
    const claim = await store().claim('a');
    const broken = deltasOf([request(1), request(2, { cluster: 'z' })], NOTHING_COUNTED, [identityOf(3)]);
    for (const { subjects } of [...broken.clusters.values()].slice(-1)) {
      for (const { allowed } of subjects.values()) {
        for (const { names } of allowed.rules.values())
          for (const evidence of names.values()) evidence.count = NaN;
      }
    }
    await expect(store().applyBatch({ claim, from: '', to: '1', deltas: broken })).rejects.toThrow(TypeError);
    const unsorted = deltasOf([request(1, { binding: 'b' })], NOTHING_COUNTED);
    for (const { subjects } of unsorted.clusters.values()) {
      for (const { allowed } of subjects.values()) {
        for (const { names } of allowed.rules.values()) {
          for (const evidence of names.values())
            evidence.grantingBindings = [...evidence.grantingBindings, { key: 'a', lastDay: 1 }];
        }
      }
    }
    await expect(store().applyBatch({ claim, from: '', to: '1', deltas: unsorted })).rejects.toThrow(
      TypeError,
    );
    const half = {
      ...deltasOf([], NOTHING_COUNTED),
      counted: [identityOf(4), { ...identityOf(5), hi: -1, lo: 0.5 }],
    };
    await expect(store().applyBatch({ claim, from: '', to: '1', deltas: half })).rejects.toThrow(TypeError);
    expect(await store().read()).toEqual([]);
    expect(await store().facts()).toMatchObject({ onlyReceived: 0 });
    expect([1, 2, 4].map((n) => claim.isCounted(identityOf(n)))).toEqual([false, false, false]);
    expect((await store().claim('a')).position).toBe('');
  });
}
