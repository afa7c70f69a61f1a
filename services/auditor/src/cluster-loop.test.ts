import { type KubeRequest, REAL_WAITING, type WatchableCluster } from '@leastwise/kube';
import { answer } from '@leastwise/kube/testing';
import type { RbacObject } from '@leastwise/rbac';
import { createMetrics, createNullLog, loadConfig } from '@leastwise/runtime';
import { openEmbeddedStore } from '@leastwise/state';
import { expect, test, vi } from 'vitest';

import { ClusterLoop, type ClusterLoopParts } from './cluster-loop.ts';
import { configSchema } from './config.ts';
import { EvidenceReader } from './evidence-reader.ts';
import { AuditorMetrics } from './metrics.ts';
import { A_HUNDRED_DAYS, count, NOW_MS, policyOf, roleAndBinding } from './testing/uses.ts';

/** An API server with some RBAC, in which nothing ever changes. */
class StillCluster implements WatchableCluster {
  readonly server = 'https://still';
  readonly #objects: readonly RbacObject[];
  /** The violations that were written, by their rule. */
  readonly written: string[] = [];

  constructor(objects: readonly RbacObject[]) {
    this.#objects = objects;
  }

  async send({ method, path, body }: KubeRequest) {
    if (method !== 'GET') {
      const rule = /"rule":"(R\d+)"/.exec(body?.text ?? '')?.[1];
      if (rule !== undefined) this.written.push(rule);
      return answer(200, { metadata: {} });
    }
    const kind = path.slice(path.lastIndexOf('/') + 1);
    const items = this.#objects
      .filter((each) => `${each.kind.toLowerCase()}s` === kind)
      .map((each, n) => ({
        ...each,
        metadata: { ...each.metadata, uid: `uid-${kind}-${n}`, resourceVersion: '1' },
      }));
    return answer(200, { metadata: { resourceVersion: '1' }, items });
  }

  follow(_: KubeRequest, __: (line: string) => void, signal: AbortSignal) {
    return new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        reject(new DOMException('aborted', 'AbortError'));
      });
    });
  }

  close(): void {
    // Nothing is open.
  }
}

async function audited(evidence: ClusterLoopParts['evidence']): Promise<string[]> {
  const argv = ['--lease.enabled=false', '--settle=10ms'];
  const config = loadConfig({ service: 'auditor', schema: configSchema, env: {}, argv });
  if (!config.ok) throw new Error(config.problems.join('\n'));
  const cluster = new StillCluster(roleAndBinding('get,list', 'pods,secrets'));
  const loop = new ClusterLoop({
    ...{ name: 'prod', cluster, config: config.value, self: [], issues: undefined, holder: 'me' },
    ...{ evidence, auditPolicy: policyOf(), log: createNullLog() },
    metrics: new AuditorMetrics(createMetrics(), () => new Map()),
    waiting: { ...REAL_WAITING, now: () => NOW_MS },
  });
  const stop = new AbortController();
  const running = loop.run(stop.signal);
  await vi.waitUntil(() => loop.isReady, { timeout: 20_000 });
  stop.abort();
  await running.catch(() => undefined);
  return [...new Set(cluster.written)].sort();
}

test('what is unused is a violation from the first audit on, where evidence can be read', async () => {
  await using store = await openEmbeddedStore();
  await count(store, A_HUNDRED_DAYS);
  const open = async () => ({
    read: () => store.read(),
    facts: () => store.facts(),
    [Symbol.asyncDispose]: async () => undefined,
  });
  await using reader = new EvidenceReader(open, createNullLog());
  const without = await audited(undefined);
  expect(without).not.toContain('R094');
  expect(await audited(() => reader.read())).toEqual([...without, 'R094'].sort());
  expect(await audited(async () => undefined)).toEqual(without);
});
