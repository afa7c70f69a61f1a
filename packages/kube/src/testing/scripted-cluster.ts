import { KubeError } from '../kube-error.ts';
import type { KubeAnswer, KubeRequest, WatchableCluster } from '../request.ts';
import { answer } from './fake-cluster.ts';

/** What one watch does: hands over lines, and ends with an answer or an error; without one it stays open. */
export interface ScriptedWatch {
  readonly lines?: readonly unknown[];
  readonly end?: KubeAnswer | Error;
}

/** An object of a list or an event. */
export function role(name: string, resourceVersion: number, rules: readonly unknown[] = []): object {
  return {
    metadata: { namespace: 'shop', name, uid: `uid-${name}`, resourceVersion: String(resourceVersion) },
    rules,
  };
}

/** An answer to a list. */
export function listed(resourceVersion: number, items: readonly object[], next = ''): KubeAnswer {
  return answer(200, { metadata: { resourceVersion: String(resourceVersion), continue: next }, items });
}

/** Answers as it was told to, in that order, and notes what it was asked. */
export class ScriptedCluster implements WatchableCluster {
  readonly server = 'https://scripted';
  readonly asked: string[] = [];
  readonly #lists: (KubeAnswer | Error)[];
  readonly #watches: ScriptedWatch[];

  constructor(lists: readonly (KubeAnswer | Error)[], watches: readonly ScriptedWatch[]) {
    this.#lists = [...lists];
    this.#watches = [...watches];
  }

  async send({ query = {} }: KubeRequest): Promise<KubeAnswer> {
    this.asked.push(`list ${query['limit'] ?? 'all'} ${query['continue'] ?? ''}`.trim());
    const next = this.#lists.shift();
    if (next === undefined) throw new Error('no list is left');
    if (next instanceof Error) throw next;
    return next;
  }

  follow(
    { query = {} }: KubeRequest,
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<KubeAnswer> {
    this.asked.push(`watch ${query['resourceVersion'] ?? ''}`);
    const watch = this.#watches.shift() ?? {};
    return new Promise((resolve, reject) => {
      const aborted = (): void => {
        reject(new KubeError('unreachable', 'aborted'));
      };
      signal.addEventListener('abort', aborted);
      queueMicrotask(() => {
        for (const line of watch.lines ?? []) onLine(typeof line === 'string' ? line : JSON.stringify(line));
        if (watch.end instanceof Error) reject(watch.end);
        else if (watch.end) resolve(watch.end);
      });
    });
  }

  close(): void {
    this.#watches.length = 0;
  }
}
