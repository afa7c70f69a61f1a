import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { type Child, freePort, startChild } from '@leastwise/testkit';

const run = promisify(execFile);
const KUBEADM = fileURLToPath(new URL('../../../deploy/fluent-bit/kubeadm.yaml', import.meta.url));
const SCRIPT = fileURLToPath(new URL('shipper.mjs', import.meta.url));

/** What a shipper reads, and where it sends it. */
export interface Shipment {
  /** A folder of its own; made where it is missing. */
  readonly dir: string;
  readonly auditLog: string;
  readonly cluster: string;
  readonly brokers: readonly string[];
}

/** A way to start a shipper. Each start in the same folder goes on as that shipper does. */
export interface Shipper {
  /** What it is, for people. */
  readonly what: string;
  /** Whether it sends everything again after each start. */
  readonly forgets: boolean;
  start(shipment: Shipment): Promise<Child>;
}

/** Fluent Bit with the configuration for a kubeadm node; only its paths and its port are of the test. */
const FLUENT_BIT: Shipper = {
  what: 'Fluent Bit with deploy/fluent-bit/kubeadm.yaml',
  forgets: false,
  start: async ({ dir, auditLog, cluster, brokers }) => {
    await mkdir(join(dir, 'storage'), { recursive: true });
    const shipped = await readFile(KUBEADM, 'utf8');
    const config = shipped
      .replace('/var/log/kubernetes/audit/audit*.log', auditLog)
      .replaceAll('/var/lib/fluent-bit', dir)
      .replace('http_listen: 0.0.0.0', 'http_listen: 127.0.0.1')
      .replace('http_port: 2020', `http_port: ${await freePort()}`);
    const file = join(dir, 'fluent-bit.yaml');
    await writeFile(file, config);
    return startChild('fluent-bit', ['-c', file], join(dir, 'shipper.log'), {
      PATH: process.env['PATH'],
      CLUSTER_NAME: cluster,
      KAFKA_BROKERS: brokers.join(','),
    });
  },
};

const STAND_IN: Shipper = {
  what: 'a stand-in of ours for Fluent Bit, whose binary is not on the path: its configuration is not tried here',
  forgets: true,
  start: async ({ dir, auditLog, cluster, brokers }) => {
    await mkdir(dir, { recursive: true });
    return startChild(process.execPath, [SCRIPT], join(dir, 'shipper.log'), {
      PATH: process.env['PATH'],
      AUDIT_LOG: auditLog,
      CLUSTER_NAME: cluster,
      KAFKA_BROKERS: brokers.join(','),
    });
  },
};

/** Fluent Bit where its binary is on the path, else the stand-in; says loudly which. */
export async function chooseShipper(): Promise<Shipper> {
  const shipper = await run('fluent-bit', ['--version']).then(
    () => FLUENT_BIT,
    () => STAND_IN,
  );
  console.warn(`shipper: ${shipper.what}`);
  return shipper;
}
