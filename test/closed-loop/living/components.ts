import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { type Child, type ControlPlane, freePort, startChild, type StaticUser } from '@leastwise/testkit';

import type { Binaries } from '../support/binaries.ts';

const CONTROLLER_MANAGER = 'system:kube-controller-manager';
const SCHEDULER = 'system:kube-scheduler';

/** The users of the control plane beside its service accounts. */
export const CONTROL_PLANE_USERS: readonly string[] = [CONTROLLER_MANAGER, SCHEDULER];

/** Who logs in with a token. What gives nodes and pods a life is no subject of the loop, so it may do all. */
export const TOKENS: readonly StaticUser[] = [
  { token: 'controller-manager-token', name: CONTROLLER_MANAGER, groups: [] },
  { token: 'scheduler-token', name: SCHEDULER, groups: [] },
  { token: 'kwok-token', name: 'kwok', groups: ['system:masters'] },
];

/**
 * For the API server. Streamed lists need a newer etcd than Debian 12 has, and without them kwok 0.7 loses its watches: lists
 * are plain ones on every machine alike. Nothing is disabled, so that pods need service accounts.
 */
export const API_SERVER_FLAGS: readonly string[] = ['--feature-gates=WatchList=false'];

/** A running component with the name of its log. */
export interface Component {
  readonly name: string;
  readonly child: Child;
}

/** A certificate authority for the controller that signs the certificates of nodes. */
async function authority(dir: string): Promise<{ key: string; cert: string }> {
  const [key, cert] = [join(dir, 'ca.key'), join(dir, 'ca.crt')];
  const subject = ['-subj', '/CN=living-cluster', '-days', '2'];
  const files = ['-keyout', key, '-out', cert];
  await promisify(execFile)('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    ...files,
    ...subject,
  ]);
  return { key, cert };
}

function kubeconfigFlags(file: string): string[] {
  return [
    `--kubeconfig=${file}`,
    `--authentication-kubeconfig=${file}`,
    `--authorization-kubeconfig=${file}`,
  ];
}

async function controllerManagerFlags(plane: ControlPlane, dir: string): Promise<string[]> {
  const { key, cert } = await authority(dir);
  return [
    ...kubeconfigFlags(await plane.kubeconfig('controller-manager', 'controller-manager-token')),
    '--bind-address=127.0.0.1',
    `--secure-port=${String(await freePort())}`,
    '--use-service-account-credentials',
    `--root-ca-file=${plane.caFile}`,
    `--service-account-private-key-file=${plane.serviceAccountKey}`,
    `--cluster-signing-cert-file=${cert}`,
    `--cluster-signing-key-file=${key}`,
    '--controllers=*,bootstrap-signer-controller,token-cleaner-controller',
    '--allocate-node-cidrs',
    '--cluster-cidr=10.244.0.0/16',
    '--horizontal-pod-autoscaler-sync-period=5s',
    // A drive of minutes sees what takes hours by default.
    '--resource-quota-sync-period=30s',
    '--terminated-pod-gc-threshold=1',
  ];
}

async function schedulerFlags(plane: ControlPlane): Promise<string[]> {
  return [
    ...kubeconfigFlags(await plane.kubeconfig('scheduler', 'scheduler-token')),
    '--bind-address=127.0.0.1',
    `--secure-port=${String(await freePort())}`,
  ];
}

/** Starts what makes a control plane a cluster: controllers, a scheduler, and kwok in the place of kubelets. */
export async function startComponents(
  plane: ControlPlane,
  binaries: Binaries,
  dir: string,
): Promise<readonly Component[]> {
  const flags = {
    manager: await controllerManagerFlags(plane, dir),
    scheduler: await schedulerFlags(plane),
    kwok: [
      `--kubeconfig=${await plane.kubeconfig('kwok', 'kwok-token')}`,
      '--manage-all-nodes',
      '--cidr=10.244.0.1/16',
      '--node-lease-duration-seconds=40',
    ],
  };
  // Nobody's own kubeconfig or configuration may be found.
  const environment = { PATH: process.env['PATH'], HOME: dir };
  const start = (name: string, command: string, args: readonly string[]): Component => ({
    name,
    child: startChild(command, args, join(dir, `${name}.log`), environment),
  });
  return [
    start('kube-controller-manager', binaries.controllerManager, flags.manager),
    start('kube-scheduler', binaries.scheduler, flags.scheduler),
    start('kwok', binaries.kwok, flags.kwok),
  ];
}
