import type { Trace } from '../../traces/trace.ts';
import type { Draft, Near } from './command.ts';
import { isRead, readsNamespaceOf } from './match.ts';

/** Resources of namespaces that people list in all of them at once; of others the path does not tell. */
const NAMESPACED =
  /^(?:pods|services|secrets|configmaps|events|endpoints|serviceaccounts|persistentvolumeclaims|resourcequotas|limitranges|replicationcontrollers|(?:deployments|statefulsets|daemonsets|replicasets)\.apps|(?:jobs|cronjobs)\.batch|(?:ingresses|networkpolicies)\.networking\.k8s\.io|(?:roles|rolebindings)\.rbac\.authorization\.k8s\.io|pods\.metrics\.k8s\.io|events\.events\.k8s\.io)$/;
const ROLLED_OUT = /^(?:deployments|statefulsets|daemonsets)\.apps$/;
/** How long watches go on after the list that they begin with. */
const WATCH_US = 600_000_000;
/** What one look at an object is made of comes at once. */
const LOOK_US = 1_500_000;

function sameTarget(trace: Trace): (other: Trace) => boolean {
  return (other) =>
    isRead(other) &&
    other.resource === trace.resource &&
    other.namespace === trace.namespace &&
    other.name === trace.name;
}

/** `describe`: the object, then the events that are about it, and what else belongs to it. */
export function describeRule(trace: Trace, near: Near): Draft | undefined {
  if (trace.verb !== 'get' || trace.name === '') return undefined;
  const isEvents = (other: Trace): boolean =>
    other.verb === 'list' &&
    /^events(?:\.|$)/.test(other.resource) &&
    other.hints.involvedName === trace.name;
  if (near.after(isEvents) === undefined) return undefined;
  const same = sameTarget(trace);
  const after = (other: Trace): boolean =>
    isEvents(other) ||
    same(other) ||
    (other.verb === 'list' && (other.hints.hasLabelSelector || other.hints.nodeName === trace.name)) ||
    (other.verb === 'get' && other.name === trace.name);
  return { verb: 'describe', after, afterUs: LOOK_US };
}

/** What waits: `rollout status`, `wait`, `get -w`. They list, and then watch the same. */
export function watchRule(trace: Trace, near: Near): Draft | undefined {
  if (trace.verb !== 'list' && trace.verb !== 'watch') return undefined;
  const same = sameTarget(trace);
  const isWatch = (other: Trace): boolean => other.verb === 'watch' && same(other);
  if (trace.verb === 'list' && near.after(isWatch) === undefined) return undefined;
  const isAgain = (other: Trace): boolean => other.verb === 'list' && same(other);
  const before = (other: Trace): boolean => other.verb === 'get' && same(other);
  const waits = { before, after: isWatch, until: isAgain, afterUs: WATCH_US };
  if (trace.name === '') return { verb: 'get', words: [...scopeWords(trace), '-w'], ...waits };
  return { verb: ROLLED_OUT.test(trace.resource) ? 'rollout status' : 'wait', certainty: 'likely', ...waits };
}

function scopeWords({ namespace, resource }: Trace): string[] {
  return namespace === '' && NAMESPACED.test(resource) ? ['-A'] : [];
}

/** `get`, `top`, and `get --raw`: what is left of reads. */
export function getRule(trace: Trace): Draft | undefined {
  if (trace.path !== '') {
    return trace.verbClass === 'read' ? { verb: 'get', words: ['--raw', trace.path] } : undefined;
  }
  if (trace.resource.includes('/') || !isRead(trace)) return undefined;
  const verb = trace.resource.endsWith('.metrics.k8s.io') ? 'top' : 'get';
  const resource = verb === 'top' ? trace.resource.replace('.metrics.k8s.io', '') : trace.resource;
  if (trace.verb === 'get') return { verb, resource, after: readsNamespaceOf(trace), afterUs: LOOK_US };
  const isNextPage = (other: Trace): boolean => other.hints.isContinued && sameTarget(trace)(other);
  return { verb, resource, words: scopeWords(trace), after: isNextPage };
}
