import type { ClientKind } from './types.ts';

/** All client kinds, in the order of their bits in stored sets: append only. */
export const CLIENT_KINDS: readonly ClientKind[] = [
  'kubectl',
  'helm',
  'gitops',
  'kubelet',
  'control-plane',
  'controller',
  'browser',
  'other',
];

const BY_PROGRAM: ReadonlyMap<string, ClientKind> = new Map<string, ClientKind>([
  ['oc', 'kubectl'],
  ['k9s', 'kubectl'],
  ['helm', 'helm'],
  ['flux', 'gitops'],
  ['flux-operator', 'gitops'],
  ['source-controller', 'gitops'],
  ['kustomize-controller', 'gitops'],
  ['helm-controller', 'gitops'],
  ['notification-controller', 'gitops'],
  ['image-automation-controller', 'gitops'],
  ['image-reflector-controller', 'gitops'],
  ['argocd', 'gitops'],
  ['kubelet', 'kubelet'],
  ['kube-apiserver', 'control-plane'],
  ['kube-controller-manager', 'control-plane'],
  ['kube-scheduler', 'control-plane'],
  ['kube-proxy', 'control-plane'],
  ['kube-aggregator', 'control-plane'],
  ['cloud-controller-manager', 'control-plane'],
  ['hyperkube', 'control-plane'],
  ['k3s', 'control-plane'],
  ['openshift-apiserver', 'control-plane'],
  ['openshift-controller-manager', 'control-plane'],
  ['cluster-policy-controller', 'control-plane'],
  ['mozilla', 'browser'],
]);

/** What client-go puts into its default user agent (`program/version (os/arch) kubernetes/commit`). */
const CLIENT_GO_MARKS = [' (linux/', ' (windows/', ' (darwin/', ' kubernetes/', 'client-go'];

/**
 * What kind of program sent a request. The user agent is self-reported: good for counting, never for trust.
 * Costs some 100 ns; `createClientKinds` remembers.
 */
export function clientKindOf(userAgent: string): ClientKind {
  const program = programOf(userAgent);
  const known = BY_PROGRAM.get(program);
  if (known !== undefined) return known;
  if (isKubectl(program)) return 'kubectl';
  if (program.startsWith('argocd-')) return 'gitops';
  return CLIENT_GO_MARKS.some((mark) => userAgent.includes(mark)) ? 'controller' : 'other';
}

/** The program's name: what stands before the version, in lower case, without `.exe`. */
function programOf(userAgent: string): string {
  let end = 0;
  // No program of the table has a longer name, and a user agent may be a megabyte long.
  const limit = Math.min(userAgent.length, 64);
  while (end < limit && userAgent[end] !== '/' && userAgent[end] !== ' ') end += 1;
  const program = userAgent.slice(0, end).toLowerCase();
  return program.endsWith('.exe') ? program.slice(0, -4) : program;
}

/** `kubectl` with anything but a letter after it: `kubectl-dispatcher`, `kubectl-neat`, `kubectl1.29`, `kubectl_v1`. */
function isKubectl(program: string): boolean {
  if (!program.startsWith('kubectl')) return false;
  const next = program.charCodeAt(7);
  return !(next >= 0x61 && next <= 0x7a);
}

const MAX_REMEMBERED = 1024;
const MAX_REMEMBERED_LENGTH = 256;

/** `clientKindOf` with a memory of its own, bounded in number and in length, since clients choose the text. */
export function createClientKinds(): (userAgent: string) => ClientKind {
  const remembered = new Map<string, ClientKind>();
  return function remember(userAgent) {
    const known = remembered.get(userAgent);
    if (known !== undefined) return known;
    const kind = clientKindOf(userAgent);
    if (userAgent.length <= MAX_REMEMBERED_LENGTH) {
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(userAgent, kind);
    }
    return kind;
  };
}
