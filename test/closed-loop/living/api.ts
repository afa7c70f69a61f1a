import { setTimeout as sleep } from 'node:timers/promises';

import type { KubeClient, KubeResponse } from '@leastwise/testkit';

/** An object as it is sent. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

const IRREGULAR: Readonly<Record<string, string>> = {
  Endpoints: 'endpoints',
  StorageClass: 'storageclasses',
};

/** Where objects of a kind are created. */
function collectionOf({ apiVersion, kind, metadata }: KubeObject): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const inNamespace = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  return `${root}${inNamespace}/${IRREGULAR[kind] ?? `${kind.toLowerCase()}s`}`;
}

/** The value at a path of keys, `undefined` where the path ends early. */
export function at(value: unknown, ...keys: readonly (string | number)[]): unknown {
  let current = value;
  for (const key of keys) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = Reflect.get(current, key);
  }
  return current;
}

/** The text at a path of keys, `''` where there is none. */
export function textAt(value: unknown, ...keys: readonly (string | number)[]): string {
  const found = at(value, ...keys);
  return typeof found === 'string' ? found : '';
}

/** The list at a path of keys, empty where there is none. */
export function listAt(value: unknown, ...keys: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...keys);
  return Array.isArray(found) ? found : [];
}

/** What a drive does to a cluster: every call either succeeds or throws. */
export class Api {
  readonly #client: KubeClient;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  async #send(method: string, path: string, body?: unknown, type?: string): Promise<KubeResponse> {
    const headers = type === undefined ? {} : { headers: { 'content-type': type } };
    const response = await this.#client.send({ method, path, body, ...headers });
    if (response.status >= 300) {
      throw new Error(`${method} ${path}: ${String(response.status)} ${response.text.slice(0, 500)}`);
    }
    return response;
  }

  async create(...objects: readonly KubeObject[]): Promise<void> {
    for (const object of objects) await this.#send('POST', collectionOf(object), object);
  }

  /** @returns what a POST to a path, not to a collection of objects, answers */
  async post(path: string, body: unknown): Promise<unknown> {
    return (await this.#send('POST', path, body)).body;
  }

  async get(path: string): Promise<unknown> {
    return (await this.#send('GET', path)).body;
  }

  async items(path: string): Promise<readonly unknown[]> {
    return listAt(await this.get(path), 'items');
  }

  async patch(path: string, body: unknown): Promise<void> {
    await this.#send('PATCH', path, body, 'application/merge-patch+json');
  }

  async remove(path: string, propagationPolicy = 'Background'): Promise<void> {
    await this.#send('DELETE', `${path}?propagationPolicy=${propagationPolicy}`);
  }

  async isGone(path: string): Promise<boolean> {
    return (await this.#client.send({ method: 'GET', path })).status === 404;
  }
}

/**
 * Waits until something is so.
 * @throws Error that names it where it does not come about
 */
export async function until(what: string, isSo: () => Promise<boolean>, timeoutMs = 150_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  let last = '';
  for (;;) {
    const answer = await isSo().catch((error: unknown) => {
      last = `: ${String(error)}`;
      return false;
    });
    if (answer) return;
    if (Date.now() > end) throw new Error(`never came about: ${what}${last}`);
    await sleep(300);
  }
}
