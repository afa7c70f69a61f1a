import { applyObject, type Writing } from './apply.ts';
import { textAt, valueAt } from './json-value.ts';
import { KubeError } from './kube-error.ts';
import { ask } from './request.ts';

/** A lease of `coordination.k8s.io`, and who wants it. */
export interface LeaseOptions {
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process. */
  readonly holder: string;
  /** How long it lasts without being renewed. */
  readonly seconds: number;
}

interface SeenLease {
  readonly holder: string;
  readonly renewTime: string;
  readonly transitions: number;
  readonly resourceVersion: string;
  readonly seconds: number;
}

function seenOf(body: unknown): SeenLease {
  const spec = valueAt(body, 'spec');
  const number = (key: string): number => {
    const value = valueAt(spec, key);
    return typeof value === 'number' ? value : 0;
  };
  return {
    holder: textAt(spec, 'holderIdentity'),
    renewTime: textAt(spec, 'renewTime'),
    transitions: number('leaseTransitions'),
    resourceVersion: textAt(body, 'metadata', 'resourceVersion'),
    seconds: number('leaseDurationSeconds'),
  };
}

/** Kubernetes' MicroTime. */
function microTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000Z`;
}

/**
 * One of several processes at a time, by a lease in the cluster. A holder that has not renewed it for its duration, by
 * the clock of whoever looks and since they looked first, has lost it: no two clocks are compared.
 *
 * It keeps two from doing the same at once; it is no fence. What holders do has to stay right when both do it.
 * @see https://kubernetes.io/docs/concepts/architecture/leases/
 */
export class ClusterLease {
  readonly #writing: Writing;
  readonly #options: LeaseOptions;
  /** What was seen last, and since when it has not changed. */
  #last: { readonly seen: SeenLease; readonly sinceMs: number } | undefined;

  constructor(writing: Writing, options: LeaseOptions) {
    this.#writing = writing;
    this.#options = options;
  }

  get #path(): string {
    const { namespace, name } = this.#options;
    return `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases/${encodeURIComponent(name)}`;
  }

  /**
   * Takes or renews it.
   * @returns whether it is ours for its duration from now
   * @throws KubeError where that cannot be found out
   */
  async hold(): Promise<boolean> {
    const { waiting } = this.#writing;
    const nowMs = waiting.now();
    const seen = await this.#look();
    if (seen && seen.holder !== '' && seen.holder !== this.#options.holder && !this.#isOver(seen, nowMs)) {
      return false;
    }
    return await this.#write(this.#options.holder, seen, nowMs);
  }

  /** Gives it back, if it is ours: the next one need not wait. */
  async release(): Promise<void> {
    const seen = await this.#look();
    if (seen?.holder === this.#options.holder) await this.#write('', seen, this.#writing.waiting.now());
  }

  async #look(): Promise<SeenLease | undefined> {
    const { cluster, waiting } = this.#writing;
    try {
      return seenOf((await ask(cluster, { method: 'GET', path: this.#path }, waiting)).body);
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return undefined;
      throw error;
    }
  }

  #isOver(seen: SeenLease, nowMs: number): boolean {
    const last = this.#last;
    if (last?.seen.renewTime !== seen.renewTime || last.seen.holder !== seen.holder) {
      this.#last = { seen, sinceMs: nowMs };
      return false;
    }
    return nowMs - last.sinceMs > Math.max(seen.seconds, this.#options.seconds) * 1000;
  }

  async #write(holder: string, seen: SeenLease | undefined, nowMs: number): Promise<boolean> {
    const { name, namespace, seconds } = this.#options;
    const isNewHolder = seen?.holder !== holder;
    // With the version that was seen nobody else's renewal is written over.
    const version = seen ? { resourceVersion: seen.resourceVersion } : {};
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace, ...version },
      spec: {
        holderIdentity: holder,
        leaseDurationSeconds: seconds,
        renewTime: microTime(nowMs),
        leaseTransitions: (seen?.transitions ?? 0) + (isNewHolder && holder !== '' ? 1 : 0),
      },
    };
    try {
      const isCreated = await applyObject(this.#writing, this.#path, lease);
      // Somebody else made it in between, and may believe to hold it until they look again.
      return seen !== undefined || isCreated;
    } catch (error) {
      if (error instanceof KubeError && error.status === 409) return false;
      throw error;
    }
  }
}
