import { describe, expect, test } from 'vitest';

import { bind, bindCluster, ref, user } from '../authorizer/testing/build.ts';
import type { RbacObject } from '../types.ts';
import { isBootstrap, originsOf } from './origin.ts';

type Texts = Readonly<Record<string, string>>;

function object(labels: Texts, annotations: Texts = {}): RbacObject {
  const binding = bind('shop', ref('ClusterRole', 'edit'), user('alice'));
  return { ...binding, metadata: { ...binding.metadata, name: 'broad', labels, annotations } };
}

const CHART = { 'app.kubernetes.io/managed-by': 'Helm' };
const RELEASE = { 'meta.helm.sh/release-name': 'shop', 'meta.helm.sh/release-namespace': 'web' };
const tracking = (id: string) => ({ 'argocd.argoproj.io/tracking-id': id });

describe('where an object comes from', () => {
  test.each([
    ['Helm', CHART, RELEASE, [{ tool: 'helm', namespace: 'web', name: 'shop' }]],
    ['a rendered chart', CHART, {}, [{ tool: 'helm', namespace: '', name: '' }]],
    [
      'a Flux Kustomization',
      { 'kustomize.toolkit.fluxcd.io/name': 'apps', 'kustomize.toolkit.fluxcd.io/namespace': 'flux-system' },
      {},
      [{ tool: 'flux-kustomization', namespace: 'flux-system', name: 'apps' }],
    ],
    [
      'a Flux HelmRelease before its release',
      { ...CHART, 'helm.toolkit.fluxcd.io/name': 'shop', 'helm.toolkit.fluxcd.io/namespace': 'web' },
      RELEASE,
      [
        { tool: 'flux-helm-release', namespace: 'web', name: 'shop' },
        { tool: 'helm', namespace: 'web', name: 'shop' },
      ],
    ],
    [
      'Argo CD by its label',
      { 'argocd.argoproj.io/instance': 'shop' },
      {},
      [{ tool: 'argo-cd', application: 'shop' }],
    ],
    [
      'Argo CD by its annotation, before the label',
      { 'argocd.argoproj.io/instance': 'cut' },
      tracking('team_shop:rbac.authorization.k8s.io/RoleBinding:shop/broad'),
      [{ tool: 'argo-cd', application: 'team_shop' }],
    ],
    [
      'OLM',
      { 'olm.owner': 'op.v1.2.3', 'olm.owner.kind': 'ClusterServiceVersion', 'olm.owner.namespace': 'ops' },
      {},
      [{ tool: 'olm', kind: 'ClusterServiceVersion', namespace: 'ops', name: 'op.v1.2.3' }],
    ],
    [
      'kubectl apply',
      {},
      { 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
      [{ tool: 'kubectl', manager: '' }],
    ],
    [
      'nobody who says so',
      { 'app.kubernetes.io/managed-by': 'someone', 'app.kubernetes.io/instance': 'x' },
      {},
      [],
    ],
  ])('%s', (_, labels, annotations, origins) => {
    expect(originsOf(object(labels, annotations))).toEqual(origins);
  });

  test.each([
    'shop:rbac.authorization.k8s.io/RoleBinding:shop/other',
    'shop:rbac.authorization.k8s.io/RoleBinding:other/broad',
    'shop:rbac.authorization.k8s.io/Role:shop/broad',
    ':rbac.authorization.k8s.io/RoleBinding:shop/broad',
    'shop',
    '',
  ])('a tracking-id that was copied from another object says nothing: %j', (id) => {
    expect(originsOf(object({}, tracking(id)))).toEqual([]);
  });

  test('names with colons, and objects of the cluster', () => {
    const binding = bindCluster(ref('ClusterRole', 'x'), user('alice'));
    const annotations = tracking('shop:rbac.authorization.k8s.io/ClusterRoleBinding:any/system:shop:x');
    const named: RbacObject = { ...binding, metadata: { name: 'system:shop:x', annotations } };
    expect(originsOf(named)).toEqual([{ tool: 'argo-cd', application: 'shop' }]);
  });

  test('field managers count where no tool is named; kubectl always', () => {
    const managers = ['terraform', 'kubectl-edit', 'kubectl', 'kubectl'];
    expect(originsOf(object({}), { managers })).toEqual([
      { tool: 'kubectl', manager: 'kubectl' },
      { tool: 'kubectl', manager: 'kubectl-edit' },
      { tool: 'other', manager: 'terraform' },
    ]);
    expect(originsOf(object(CHART), { managers: ['helm', 'kubectl-patch'] })).toEqual([
      { tool: 'helm', namespace: '', name: '' },
      { tool: 'kubectl', manager: 'kubectl-patch' },
    ]);
    expect(
      originsOf(object({}, { 'kubectl.kubernetes.io/last-applied-configuration': '' }), {
        managers: ['kubectl'],
      }),
    ).toEqual([{ tool: 'kubectl', manager: 'kubectl' }]);
  });

  test('labels are looked up as data, whatever they are called', () => {
    expect(originsOf(object(JSON.parse('{"__proto__":{"olm.owner":"x"}}') as Texts))).toEqual([]);
    expect(isBootstrap(object({ 'kubernetes.io/bootstrapping': 'rbac-defaults' }))).toBe(true);
    expect(isBootstrap(object({ 'kubernetes.io/bootstrapping': 'other' }))).toBe(false);
  });
});
