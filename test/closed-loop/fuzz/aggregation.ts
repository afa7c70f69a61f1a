import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { type ControlPlane, type KubeClient, startChild } from '@leastwise/testkit';

interface ClusterRoleList {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly resourceVersion: string };
    readonly rules?: readonly unknown[] | null;
  }[];
}

/** As long without a change, in milliseconds, and the controller has nothing left to do. */
const QUIET_MS = 2_000;
const LIMIT_MS = 120_000;

/**
 * Lets the real controller fill the aggregated ClusterRoles, and stops it when they change no more.
 * @param dir - for its log
 * @throws Error with its last words where it does not settle
 */
export async function fillAggregatedRoles(
  plane: ControlPlane,
  controllerManager: string,
  dir: string,
): Promise<void> {
  const child = startChild(
    controllerManager,
    [
      `--kubeconfig=${await plane.kubeconfig('controller-manager', 'admin-token')}`,
      '--controllers=clusterrole-aggregation-controller',
      '--leader-elect=false',
      '--secure-port=0',
      '--kube-api-qps=1000',
      '--kube-api-burst=1000',
    ],
    join(dir, 'kube-controller-manager.log'),
    { PATH: process.env['PATH'] },
  );
  try {
    await untilSettled(plane.admin).catch(async (error: unknown) => {
      throw new Error(await child.output(), { cause: error });
    });
  } finally {
    await child.stop();
  }
}

/** Waits until somebody has filled the aggregated ClusterRoles. @throws Error where they do not settle */
export async function untilSettled(admin: KubeClient): Promise<void> {
  const end = Date.now() + LIMIT_MS;
  let last = '';
  let since = Date.now();
  while (Date.now() < end) {
    const { body } = await admin.send({
      method: 'GET',
      path: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
    });
    const { items } = body as ClusterRoleList;
    const state = items.map(({ metadata }) => metadata.resourceVersion).join();
    if (state !== last) since = Date.now();
    last = state;
    // Bootstrapped without rules, and two steps from what it aggregates.
    const admins = items.find(({ metadata }) => metadata.name === 'admin');
    if ((admins?.rules?.length ?? 0) > 0 && Date.now() - since >= QUIET_MS) return;
    await sleep(250);
  }
  throw new Error('the aggregated ClusterRoles never settled');
}
