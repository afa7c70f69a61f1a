import type { Trace } from '../../traces/trace.ts';
import type { Draft, Near } from './command.ts';
import { isRead, never, parentOf, readsNamespaceOf, readsOf } from './match.ts';

/** What kubectl says it is in the query of a write. @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#managers */
const BY_FIELD_MANAGER: ReadonlyMap<string, Pick<Draft, 'verb' | 'certainty'>> = new Map<
  string,
  Pick<Draft, 'verb' | 'certainty'>
>([
  ['kubectl-client-side-apply', { verb: 'apply' }],
  ['kubectl-create', { verb: 'create' }],
  ['kubectl-edit', { verb: 'edit' }],
  ['kubectl-replace', { verb: 'replace' }],
  ['kubectl-patch', { verb: 'patch' }],
  ['kubectl-label', { verb: 'label' }],
  ['kubectl-annotate', { verb: 'annotate' }],
  ['kubectl-taint', { verb: 'taint' }],
  ['kubectl-expose', { verb: 'expose' }],
  ['kubectl-autoscale', { verb: 'autoscale' }],
  // Which of them is in the body.
  ['kubectl-set', { verb: 'set image/env/…' }],
  ['kubectl-rollout', { verb: 'rollout restart/pause/resume', certainty: 'likely' }],
]);

/** Waiting for the end of what is deleted, or for pods to leave a node. */
const WAIT_US = 60_000_000;
const DRAIN_US = 600_000_000;
const EDIT_US = 3_600_000_000;

const REVIEWS: ReadonlyMap<string, string> = new Map([
  ['selfsubjectaccessreviews.authorization.k8s.io', 'auth can-i'],
  ['selfsubjectrulesreviews.authorization.k8s.io', 'auth can-i --list'],
  ['selfsubjectreviews.authentication.k8s.io', 'auth whoami'],
]);

/** `auth can-i`: what it asked about is in the body. */
export function reviewRule(trace: Trace): Draft | undefined {
  const verb = trace.verb === 'create' ? REVIEWS.get(trace.resource) : undefined;
  return verb === undefined ? undefined : { verb, resource: '' };
}

/** Draining and cordoning, which name no field manager. */
export function nodeRule(trace: Trace, near: Near): Draft | undefined {
  const { resource, verb, name, hints } = trace;
  if (resource !== 'nodes' || verb !== 'patch' || hints.fieldManager !== '') return undefined;
  const before = readsOf(trace);
  const listsPods = (other: Trace): boolean =>
    other.resource === 'pods' && other.verb === 'list' && other.hints.nodeName === name;
  if (near.after(listsPods) === undefined) return { verb: 'cordon/uncordon', certainty: 'likely', before };
  // Drain lists the node's pods, gets the sets that own them, evicts them, and gets each until it is gone.
  const after = (other: Trace): boolean =>
    listsPods(other) ||
    other.resource === 'pods/eviction' ||
    (other.verb === 'get' && /^(?:pods|(?:daemonsets|replicasets|statefulsets)\.apps)$/.test(other.resource));
  return { verb: 'drain', before, after, afterUs: DRAIN_US, until: never };
}

/** Deletions, and the waiting for them. */
export function deleteRule(trace: Trace): Draft | undefined {
  const { verb, resource } = trace;
  if (resource.includes('/')) return undefined;
  if (verb === 'deletecollection') return { verb: 'delete', words: ['--all'] };
  if (verb !== 'delete') return undefined;
  // It waits until a watch or a look says that the object is gone.
  return { verb: 'delete', after: readsOf(trace), afterUs: WAIT_US };
}

/** Subresources that one command each is for. */
export function subresourceRule(trace: Trace): Draft | undefined {
  const { resource, verb } = trace;
  const isUpdate = verb === 'patch' || verb === 'update';
  if (resource.endsWith('/scale') && isUpdate) {
    return { verb: 'scale', resource: parentOf(trace), before: readsOf(trace) };
  }
  if (resource === 'serviceaccounts/token' && verb === 'create') {
    return { verb: 'create token', resource: 'serviceaccounts' };
  }
  if (resource === 'certificatesigningrequests.certificates.k8s.io/approval' && isUpdate) {
    return { verb: 'certificate approve/deny', resource: parentOf(trace), before: readsOf(trace) };
  }
  return undefined;
}

/** Writes by what kubectl says of itself: its field manager, and for server-side apply the question of force. */
export function fieldManagerRule(trace: Trace): Draft | undefined {
  const { verb, resource, hints } = trace;
  if (!/^(?:create|update|patch)$/.test(verb) || resource === '') return undefined;
  const reads = readsOf(trace);
  const readsNamespace = readsNamespaceOf(trace);
  const before = (other: Trace): boolean => reads(other) || readsNamespace(other);
  if (verb === 'patch' && hints.force !== '') {
    const words = ['--server-side', ...(hints.force === 'true' ? ['--force-conflicts'] : [])];
    return { verb: 'apply', words, before };
  }
  const known = BY_FIELD_MANAGER.get(hints.fieldManager);
  if (known === undefined) return undefined;
  // An editor is open in between.
  if (known.verb === 'edit') return { ...known, before: reads, beforeUs: EDIT_US };
  // What is exposed is another object than the service that is made.
  return { ...known, before: known.verb === 'expose' ? isRead : before };
}

/** `rollout undo` patches without a word on who it is, after it has looked at the revisions. */
export function undoRule(trace: Trace, near: Near): Draft | undefined {
  const { verb, resource, hints, namespace } = trace;
  if (verb !== 'patch' || hints.fieldManager !== '' || !resource.endsWith('.apps')) return undefined;
  const isRevision = (other: Trace): boolean =>
    other.verb === 'list' &&
    other.namespace === namespace &&
    /^(?:replicasets|controllerrevisions)\.apps$/.test(other.resource);
  if (near.before(isRevision) === undefined) return undefined;
  const reads = readsOf(trace);
  return { verb: 'rollout undo', certainty: 'likely', before: (other) => isRevision(other) || reads(other) };
}
