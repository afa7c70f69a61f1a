import { readFile } from 'node:fs/promises';

import { KubeConfig } from '@kubernetes/client-node';
import { KubeClient } from '@leastwise/testkit';

async function pem(data: string | undefined, file: string | undefined): Promise<string> {
  if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
  return file === undefined ? '' : await readFile(file, 'utf8');
}

/**
 * An administrator of the cluster that `LEASTWISE_TEST_KUBECONFIG` names; `undefined` without it. For tests that
 * need nothing but an API server: they leave objects behind, so it should be one that can be thrown away.
 */
export async function yourCluster(): Promise<KubeClient | undefined> {
  const path = process.env['LEASTWISE_TEST_KUBECONFIG'];
  if (path === undefined) return undefined;
  const config = new KubeConfig();
  config.loadFromFile(path);
  const [cluster, user] = [config.getCurrentCluster(), config.getCurrentUser()];
  if (!cluster || !user) throw new Error(`${path} has no current context`);
  const cert = await pem(user.certData, user.certFile);
  const key = await pem(user.keyData, user.keyFile);
  return new KubeClient(
    cluster.server,
    await pem(cluster.caData, cluster.caFile),
    cert === '' ? (user.token ?? '') : { cert, key },
  );
}
