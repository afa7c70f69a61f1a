import { yamlSafeJson } from './json-value.ts';
import { KubeError } from './kube-error.ts';
import { ask, type Cluster } from './request.ts';
import type { Waiting } from './waiting.ts';

/** How objects are written. */
export interface Writing {
  readonly cluster: Cluster;
  readonly waiting: Waiting;
  /** Who owns the fields that we write. */
  readonly fieldManager: string;
  /** Lets the API server check everything and keep nothing. */
  readonly dryRun?: boolean;
}

/** An object as it was when it was looked at. */
export interface Sighting {
  readonly uid: string;
  readonly resourceVersion: string;
}

const APPLY_TYPE = 'application/apply-patch+yaml';

/**
 * Applies an object, or its part at a subresource, and takes its fields from whoever changed them.
 * @returns whether it is new
 * @throws KubeError
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
export async function applyObject(writing: Writing, path: string, object: object): Promise<boolean> {
  const { cluster, waiting, fieldManager, dryRun = false } = writing;
  const query = { fieldManager, force: 'true', ...(dryRun ? { dryRun: 'All' } : {}) };
  const body = { type: APPLY_TYPE, text: yamlSafeJson(object) };
  const { status } = await ask(cluster, { method: 'PATCH', path, query, body }, waiting);
  return status === 201;
}

/**
 * Deletes what was looked at, and nothing that was changed or made anew since.
 * @throws KubeError, also where it is gone already (404) or is not what it was (409)
 */
export async function deleteSeen(writing: Writing, path: string, seen: Sighting): Promise<void> {
  const { cluster, waiting, dryRun = false } = writing;
  const { uid, resourceVersion } = seen;
  const text = JSON.stringify({
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    preconditions: { uid, resourceVersion },
    // With a body the API server reads none of the query.
    ...(dryRun ? { dryRun: ['All'] } : {}),
  });
  await ask(cluster, { method: 'DELETE', path, body: { type: 'application/json', text } }, waiting);
}

/**
 * As {@link deleteSeen}, for whom it is no failure to come too late.
 * @returns false where it is gone already, or is not what it was
 * @throws KubeError
 */
export async function deleteExactly(writing: Writing, path: string, seen: Sighting): Promise<boolean> {
  try {
    await deleteSeen(writing, path, seen);
    return true;
  } catch (error) {
    if (error instanceof KubeError && (error.status === 404 || error.status === 409)) return false;
    throw error;
  }
}
