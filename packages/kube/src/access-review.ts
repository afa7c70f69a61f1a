import { valueAt } from './json-value.ts';
import { KubeError } from './kube-error.ts';
import { ask, type Cluster } from './request.ts';
import type { Waiting } from './waiting.ts';

/** Something that one may be allowed to do. */
export interface AccessQuestion {
  readonly verb: string;
  /** `''` for the core group. */
  readonly group: string;
  /** In the plural, without its subresource. */
  readonly resource: string;
  readonly subresource?: string | undefined;
  /** In all namespaces, and of the cluster, without one. */
  readonly namespace?: string | undefined;
  /** Of any name without one. */
  readonly name?: string | undefined;
}

const PATH = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

/**
 * Asks an API server whether it would let us do something. That is a POST that keeps nothing: every account may ask it
 * about itself by `system:basic-user`, and the answer is that of all its authorizers.
 * @throws KubeError where it does not say
 * @see https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/self-subject-access-review-v1/
 */
export async function isAllowed(
  cluster: Cluster,
  question: AccessQuestion,
  waiting: Waiting,
): Promise<boolean> {
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: question },
  };
  const body = { type: 'application/json', text: JSON.stringify(review) };
  const answer = await ask(cluster, { method: 'POST', path: PATH, body }, waiting);
  const allowed = valueAt(answer.body, 'status', 'allowed');
  if (typeof allowed === 'boolean') return allowed;
  throw new KubeError('unexpected', `${cluster.server}: an access review without an answer`, answer.status);
}
