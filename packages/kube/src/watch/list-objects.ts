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

/**
 * Goes through the pages of one list.
 * @param limit - of a page; 0 for one page with all
 * @returns the version of the list: every page names that of the first one
 * @throws KubeError, with the status 410 where the list expired between two pages
 */
export async function forEachListed(
  cluster: Cluster,
  { path, query = {} }: ListRequest,
  { limit, waiting }: { readonly limit: number; readonly waiting: Waiting },
  take: (item: unknown) => void,
): Promise<string> {
  let next = '';
  for (;;) {
    const paged = {
      ...query,
      ...(limit > 0 ? { limit: String(limit) } : {}),
      ...(next === '' ? {} : { continue: next }),
    };
    const { status, body } = await ask(cluster, { method: 'GET', path, query: paged }, waiting);
    if (!Array.isArray(valueAt(body, 'items'))) throw noList(cluster, path, status);
    for (const item of listAt(body, 'items')) take(item);
    next = textAt(body, 'metadata', 'continue');
    if (next === '') return textAt(body, 'metadata', 'resourceVersion');
  }
}

function noList({ server }: Cluster, path: string, status?: number): KubeError {
  return new KubeError('unexpected', `${server}: GET ${path}: no list`, status);
}

async function listOnce(
  cluster: Cluster,
  request: ListRequest,
  options: { readonly limit: number; readonly waiting: Waiting },
): Promise<ObjectList> {
  const objects = new Map<string, KubeObject>();
  const resourceVersion = await forEachListed(cluster, request, options, (item) => {
    const object = toKubeObject(item);
    if (object) objects.set(keyOf(object), object);
  });
  // Without one no watch could go on from here.
  if (resourceVersion === '') throw noList(cluster, request.path);
  return { objects, resourceVersion };
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
