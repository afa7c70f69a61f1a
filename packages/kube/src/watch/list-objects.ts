import { listAt, textAt, valueAt } from '../json-value.ts';
import { KubeError } from '../kube-error.ts';
import { ask, type Cluster } from '../request.ts';
import type { Waiting } from '../waiting.ts';
import { keyOf, type KubeObject, toKubeObject } from './kube-object.ts';

/** All objects of a kind at one moment. */
export interface ObjectList {
  /** By {@link keyOf}. */
  readonly objects: Map<string, KubeObject>;
  /** From which a watch goes on without a gap. */
  readonly resourceVersion: string;
}

/** Which objects. */
export interface ListRequest {
  /** Of the kind, in all namespaces or in one. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
}

const PAGE_SIZE = 500;
/** How often a list is begun again after it expired between two pages. */
const MAX_LISTS = 3;

async function listOnce(
  cluster: Cluster,
  { path, query = {} }: ListRequest,
  { limit, waiting }: { readonly limit: number; readonly waiting: Waiting },
): Promise<ObjectList> {
  const objects = new Map<string, KubeObject>();
  let next = '';
  for (;;) {
    const paged = {
      ...query,
      ...(limit > 0 ? { limit: String(limit) } : {}),
      ...(next === '' ? {} : { continue: next }),
    };
    const { status, body } = await ask(cluster, { method: 'GET', path, query: paged }, waiting);
    const resourceVersion = textAt(body, 'metadata', 'resourceVersion');
    if (!Array.isArray(valueAt(body, 'items')) || resourceVersion === '') {
      throw new KubeError('unexpected', `${cluster.server}: GET ${path}: no list`, status);
    }
    for (const item of listAt(body, 'items')) {
      const object = toKubeObject(item);
      if (object) objects.set(keyOf(object), object);
    }
    next = textAt(body, 'metadata', 'continue');
    // Every page names the version of the first one, so that a watch from there misses nothing.
    if (next === '') return { objects, resourceVersion };
  }
}

/**
 * All objects of a kind, page by page, as they were at one moment. A list that expired between two pages (410) is
 * begun again, at last in one page, which cannot expire.
 * @throws KubeError where they cannot all be read: a part of them would make the rest look gone
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
 */
export async function listObjects(
  cluster: Cluster,
  request: ListRequest,
  { waiting, pageSize = PAGE_SIZE }: { readonly waiting: Waiting; readonly pageSize?: number },
): Promise<ObjectList> {
  for (let attempt = 1; ; attempt += 1) {
    const limit = attempt === MAX_LISTS ? 0 : pageSize;
    try {
      return await listOnce(cluster, request, { limit, waiting });
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 410 || attempt === MAX_LISTS) throw error;
    }
  }
}
