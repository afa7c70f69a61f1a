import { describe, expect, it } from 'vitest';
import type { ClientKind } from './types.ts';
import { CLIENT_KINDS, clientKindOf, createClientKinds } from './user-agent.ts';

const AGENTS: readonly (readonly [string, ClientKind])[] = [
  ['kubectl/v1.32.4 (linux/amd64) kubernetes/4cb5f07', 'kubectl'],
  ['kubectl-dispatcher/v1.0 (linux/amd64)', 'kubectl'],
  ['kubectl.exe/v1.30.0 (windows/amd64) kubernetes/7c48c2b', 'kubectl'],
  ['kubectl-neat/v0.0.0 (linux/amd64) kubernetes/$Format', 'kubectl'],
  ['kubectl1.29/v1.29.0 (darwin/arm64) kubernetes/3f7a50f', 'kubectl'],
  ['kubectl', 'kubectl'],
  ['Kubectl/v1', 'kubectl'],
  ['oc/4.15.0 (linux/amd64) kubernetes/6b3d7e0', 'kubectl'],
  ['k9s/v0.32.4 (linux/amd64) kubernetes/$Format', 'kubectl'],
  ['kubectlish/v1 (linux/amd64)', 'controller'],
  ['Helm/3.14.0', 'helm'],
  ['helm/v0.0.0 (linux/amd64) kubernetes/$Format', 'helm'],
  ['helm-controller/v0.37.0 (linux/amd64) kubernetes/$Format', 'gitops'],
  ['kustomize-controller/v0.0.0 (linux/amd64) kubernetes/$Format', 'gitops'],
  ['source-controller/v0.0.0 (linux/amd64) kubernetes/$Format', 'gitops'],
  ['flux/v2.2.0 (linux/amd64) kubernetes/$Format', 'gitops'],
  ['argocd-application-controller/v0.0.0 (linux/amd64) kubernetes/$Format', 'gitops'],
  ['kubelet/v1.32.4 (linux/amd64) kubernetes/59526cd', 'kubelet'],
  ['kube-controller-manager/v0.0.0 (linux/amd64) kubernetes/$Format/leader-election', 'control-plane'],
  ['kube-scheduler/v0.0.0 (linux/amd64) kubernetes/$Format/scheduler', 'control-plane'],
  ['kube-apiserver/v0.0.0 (linux/amd64) kubernetes/$Format', 'control-plane'],
  ['kube-state-metrics/v2.10.1 (linux/amd64) kube-state-metrics/9d6b5ee', 'controller'],
  ['kwok/v0.8.0 (linux/amd64)', 'controller'],
  ['manager/v0.0.0 (linux/amd64) kubernetes/$Format', 'controller'],
  ['my client-go program', 'controller'],
  ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', 'browser'],
  ['OpenAPI-Generator/29.0.0/python', 'other'],
  ['curl/8.5.0', 'other'],
  ['Go-http-client/2.0', 'other'],
  ['', 'other'],
  [' kubectl/v1', 'other'],
  ['__proto__/v1', 'other'],
  ['x'.repeat(1_000_000), 'other'],
];

it.each(AGENTS)('%j is %s', (userAgent, kind) => {
  expect(clientKindOf(userAgent)).toBe(kind);
});

it('the order of client kinds is fixed, since stored bits depend on it', () => {
  expect(CLIENT_KINDS).toEqual([
    'kubectl',
    'helm',
    'gitops',
    'kubelet',
    'control-plane',
    'controller',
    'browser',
    'other',
  ]);
});

describe('createClientKinds', () => {
  it('answers as clientKindOf, asked once, twice and after thousands of others', () => {
    const kindOf = createClientKinds();
    for (const [userAgent, kind] of [...AGENTS, ...AGENTS]) expect(kindOf(userAgent)).toBe(kind);
    for (let i = 0; i < 5000; i += 1) expect(kindOf(`kubectl/v${String(i)}`)).toBe('kubectl');
    for (const [userAgent, kind] of AGENTS) expect(kindOf(userAgent)).toBe(kind);
  });
});
