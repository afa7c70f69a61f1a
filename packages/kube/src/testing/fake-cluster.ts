import { setImmediate as turn } from 'node:timers/promises';

import { textAt, valueAt } from '../json-value.ts';
import type { Cluster, KubeAnswer, KubeRequest } from '../request.ts';
import type { Waiting } from '../waiting.ts';

const BASE = '/apis/leastwise.dev/v1alpha1';

/** An answer as an API server gives it. */
export function answer(status: number, body: unknown, headers: Record<string, string> = {}): KubeAnswer {
  return { status, headers, text: JSON.stringify(body) };
}

/** A clock that stands still, and sleep that only notes how long. */
export function fakeWaiting(): Waiting & { readonly slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    sleep: async (ms) => {
      slept.push(ms);
    },
    now: () => Date.UTC(2026, 0, 5, 12),
    random: () => 0,
  };
}

/** Keeps applied objects as an API server would, as far as the code under test can see. */
export class FakeCluster implements Cluster {
  readonly server = 'https://fake';
  readonly objects = new Map<string, Record<string, unknown>>();
  readonly sent: KubeRequest[] = [];
  /** Answers or fails instead of the cluster, where it returns something. */
  fault: (request: KubeRequest, at: number) => KubeAnswer | undefined = () => undefined;
  /** How many were being answered at the same time, at most. */
  most = 0;
  #open = 0;
  #version = 0;

  /** Requests that change something, as `METHOD path`. */
  get writes(): string[] {
    return this.sent.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`);
  }

  async send(request: KubeRequest): Promise<KubeAnswer> {
    this.sent.push(request);
    this.#open += 1;
    this.most = Math.max(this.most, this.#open);
    await turn();
    this.#open -= 1;
    return this.fault(request, this.sent.length) ?? this.#answer(request);
  }

  close(): void {
    this.#open = 0;
  }

  #answer(request: KubeRequest): KubeAnswer {
    switch (request.method) {
      case 'GET':
        return this.#list(request);
      case 'PATCH':
        return this.#apply(request);
      case 'DELETE':
        this.objects.delete(request.path);
        return answer(200, {});
      case 'POST':
        return answer(201, { status: { allowed: true } });
    }
  }

  /** Pages of two. */
  #list({ query = {} }: KubeRequest): KubeAnswer {
    const from = Number(query['continue'] ?? 0);
    const all = [...this.objects.values()];
    const next = from + 2 < all.length ? String(from + 2) : '';
    return answer(200, { metadata: { continue: next }, items: all.slice(from, from + 2) });
  }

  #apply({ path, query = {}, body }: KubeRequest): KubeAnswer {
    const given: unknown = JSON.parse(body?.text ?? '');
    const key = path.replace(/\/status$/, '');
    const there = this.objects.get(key);
    if (query['dryRun'] !== undefined) return answer(there ? 200 : 201, {});
    if (path !== key) {
      if (!there) return answer(404, { details: { kind: 'subjectpolicyreports' }, message: 'gone' });
      there['status'] = valueAt(given, 'status');
      return answer(200, there);
    }
    this.#version += 1;
    const metadata = {
      namespace: textAt(given, 'metadata', 'namespace'),
      name: textAt(given, 'metadata', 'name'),
      uid: `uid-${key}`,
      resourceVersion: String(this.#version),
      labels: valueAt(given, 'metadata', 'labels'),
    };
    this.objects.set(key, { ...there, metadata, spec: valueAt(given, 'spec') });
    return answer(there ? 200 : 201, {});
  }
}

/** The path of a report. */
export function pathOf(namespace: string, name: string): string {
  return `${BASE}/namespaces/${namespace}/subjectpolicyreports/${name}`;
}
