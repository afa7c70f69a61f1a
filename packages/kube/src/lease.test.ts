import { describe, expect, test } from 'vitest';

import { KubeError } from './kube-error.ts';
import { ClusterLease } from './lease.ts';
import type { Cluster, KubeAnswer, KubeRequest } from './request.ts';
import { answer } from './testing/fake-cluster.ts';

/** Keeps one lease, and refuses to write over what the writer has not seen. */
class LeaseCluster implements Cluster {
  readonly server = 'https://lease';
  #lease: { spec: unknown; version: number } | undefined;

  async send({ method, body }: KubeRequest): Promise<KubeAnswer> {
    if (method === 'GET') {
      if (!this.#lease) return answer(404, { details: { kind: 'leases' } });
      return answer(200, {
        metadata: { resourceVersion: String(this.#lease.version) },
        spec: this.#lease.spec,
      });
    }
    const sent: unknown = JSON.parse(body?.text ?? '');
    const given = Reflect.get(Object(Reflect.get(Object(sent), 'metadata')), 'resourceVersion') as unknown;
    if (given !== undefined && given !== String(this.#lease?.version))
      return answer(409, { details: { kind: 'leases' } });
    const isNew = this.#lease === undefined;
    this.#lease = {
      spec: Reflect.get(Object(sent), 'spec') as unknown,
      version: (this.#lease?.version ?? 0) + 1,
    };
    return answer(isNew ? 201 : 200, {});
  }

  close(): void {
    this.#lease = undefined;
  }
}

class Clock {
  ms = 1_000_000;
  readonly waiting = {
    sleep: async (): Promise<void> => undefined,
    now: (): number => this.ms,
    random: (): number => 0,
  };
}

const OPTIONS = { namespace: 'n', name: 'l', seconds: 15 };

describe('a lease', () => {
  const cluster = new LeaseCluster();
  const mine = new Clock();
  // Another clock: that it is hours behind makes no difference.
  const theirs = new Clock();
  theirs.ms -= 7_200_000;
  const first = new ClusterLease(
    { cluster, waiting: mine.waiting, fieldManager: 'a' },
    { ...OPTIONS, holder: 'a' },
  );
  const second = new ClusterLease(
    { cluster, waiting: theirs.waiting, fieldManager: 'a' },
    { ...OPTIONS, holder: 'b' },
  );
  const pass = (seconds: number): void => {
    mine.ms += seconds * 1000;
    theirs.ms += seconds * 1000;
  };

  test('is one holder’s for as long as it renews it', async () => {
    expect(await first.hold()).toBe(true);
    for (let i = 0; i < 10; i += 1) {
      expect(await second.hold()).toBe(false);
      pass(5);
      expect(await first.hold()).toBe(true);
    }
  });

  test('is another one’s when it was not renewed for its duration, and not before', async () => {
    expect(await second.hold()).toBe(false);
    pass(15);
    expect(await second.hold()).toBe(false);
    pass(1);
    expect(await second.hold()).toBe(true);
    expect(await first.hold()).toBe(false);
  });

  test('is free at once when it is given back', async () => {
    await second.release();
    expect(await first.hold()).toBe(true);
    await second.release();
    expect(await first.hold(), 'of another it cannot be given back').toBe(true);
  });
});

test('two that make it at the same time do not both hold it for long', async () => {
  const cluster = new LeaseCluster();
  const clock = new Clock();
  const leases = ['a', 'b'].map(
    (holder) =>
      new ClusterLease({ cluster, waiting: clock.waiting, fieldManager: 'x' }, { ...OPTIONS, holder }),
  );
  const first = await Promise.all(leases.map((each) => each.hold()));
  expect(first.filter(Boolean)).toHaveLength(1);
  const next: boolean[] = [];
  for (const each of leases) next.push(await each.hold());
  expect(next.filter(Boolean)).toHaveLength(1);
});

test('what cannot be found out is an error, not a lease', async () => {
  const cluster: Cluster = {
    server: 'https://lease',
    send: async () => {
      throw new KubeError('unreachable', 'no answer');
    },
    close: () => undefined,
  };
  const lease = new ClusterLease(
    { cluster, waiting: new Clock().waiting, fieldManager: 'x' },
    { ...OPTIONS, holder: 'a' },
  );
  await expect(lease.hold()).rejects.toThrow('no answer');
});
