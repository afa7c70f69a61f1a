import type { ControlPlane } from '@leastwise/testkit';

import { Api, listAt, textAt } from '../../closed-loop/living/api.ts';
import { fileOf } from '../../closed-loop/support/audited-cluster.ts';
import { CLUSTER } from './pipeline.ts';
import { startService, type Service } from './service.ts';
import type { Started } from './started.ts';

type Kubectl = (...args: readonly string[]) => Promise<string>;

/** A token of a service account, as the kubelet asks for those that it gives to pods. */
export async function tokenOf(plane: ControlPlane, namespace: string, name: string): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  return textAt(await new Api(plane.admin).post(path, request), 'status', 'token');
}

/** Starts an auditor with the rights of deploy/auditor and no others. */
export async function startAuditor(
  plane: ControlPlane,
  { kubectl, ...place }: { readonly dir: string; readonly kubectl: Kubectl; readonly started: Started },
): Promise<Service> {
  await kubectl('create', 'namespace', 'leastwise-system');
  const crd = fileOf('deploy/crds/rbacviolations.yaml');
  await kubectl('apply', '-f', crd, '-f', fileOf('deploy/auditor/rbac.yaml'));
  await kubectl('wait', '--for=condition=Established', 'crd/rbacviolations.leastwise.dev', '--timeout=30s');
  const token = await tokenOf(plane, 'leastwise-system', 'leastwise-auditor');
  const kubeconfigFile = await plane.kubeconfig('auditor', token);
  return startService(
    { ...place, name: 'auditor', service: 'auditor' },
    { clusters: { [CLUSTER]: { kubeconfigFile } }, lease: { seconds: 5 } },
  );
}

/** What is wrong with an object by now: its violations that are not resolved, as `RULE SEVERITY`. */
export async function violationsOf(kubectl: Kubectl, kind: string, name: string): Promise<string[]> {
  const found: unknown = JSON.parse(await kubectl('get', 'rbacviolations', '-o', 'json'));
  return listAt(found, 'items')
    .filter((each) => textAt(each, 'spec', 'object', 'kind') === kind)
    .filter((each) => textAt(each, 'spec', 'object', 'name') === name)
    .filter((each) => textAt(each, 'status', 'state') !== 'Resolved')
    .map((each) => `${textAt(each, 'spec', 'rule')} ${textAt(each, 'spec', 'severity')}`)
    .sort();
}
