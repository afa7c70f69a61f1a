import type { Trace } from '../../traces/trace.ts';

/** The resource without its subresource: `deployments.apps` of `deployments.apps/scale`. */
export function parentOf({ resource }: Trace): string {
  const slash = resource.indexOf('/');
  return slash < 0 ? resource : resource.slice(0, slash);
}

/** Whether a request only reads. */
export function isRead({ verbClass, path }: Trace): boolean {
  return path === '' && (verbClass === 'read' || verbClass === 'list-watch');
}

/** Reads of the object that a request is about: kubectl gets what it is about to change, and watches what it waits for. */
export function readsOf(trace: Trace): (other: Trace) => boolean {
  const parent = parentOf(trace);
  return (other) =>
    isRead(other) &&
    other.name === trace.name &&
    other.namespace === trace.namespace &&
    other.resource === parent;
}

/** A look at the namespace of a request, by which kubectl explains a refusal or an absence. */
export function readsNamespaceOf({ namespace }: Trace): (other: Trace) => boolean {
  return (other) => other.resource === 'namespaces' && other.verb === 'get' && other.name === namespace;
}

const WORKLOADS =
  /^(?:(?:deployments|statefulsets|daemonsets|replicasets)\.apps|jobs\.batch|services|replicationcontrollers)$/;

/** Of `kubectl logs deployment/x` and its like: the workload, then its pods by their labels, then the pod. */
export function readsPodOf(trace: Trace): (other: Trace) => boolean {
  return (other) => {
    if (!isRead(other) || other.namespace !== trace.namespace) return false;
    if (other.resource === 'pods') return other.name === trace.name || other.hints.hasLabelSelector;
    return other.verb === 'get' && WORKLOADS.test(other.resource);
  };
}

/** For commands that go on while others begin and end. */
export function never(): boolean {
  return false;
}
