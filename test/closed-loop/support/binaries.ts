import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The version of Kubernetes that the loops run on; `LEASTWISE_TEST_KUBERNETES` chooses another one. */
export const KUBERNETES_VERSION = process.env['LEASTWISE_TEST_KUBERNETES'] ?? '1.34.1';

/** Paths of real servers. */
export interface Binaries {
  readonly apiServer: string;
  readonly kubectl: string;
  readonly controllerManager: string;
  readonly scheduler: string;
  readonly kwok: string;
}

const BUILD = fileURLToPath(new URL('../../kubernetes/build.mjs', import.meta.url));

async function found(): Promise<Binaries> {
  await run('etcd', ['--version']);
  const apiServer = process.env['LEASTWISE_TEST_KUBE_APISERVER'];
  if (apiServer !== undefined) {
    const beside = (name: string): string => join(apiServer, '..', name);
    await run(apiServer, ['--version']);
    return {
      apiServer,
      kubectl: beside('kubectl'),
      controllerManager: beside('kube-controller-manager'),
      scheduler: beside('kube-scheduler'),
      kwok: beside('kwok'),
    };
  }
  // Minutes the first time, and nothing once the binaries are in the cache.
  const { stdout } = await run(process.execPath, [BUILD, KUBERNETES_VERSION], { maxBuffer: 1 << 26 });
  const folder = stdout.trim();
  return {
    apiServer: join(folder, 'kube-apiserver'),
    kubectl: join(folder, 'kubectl'),
    controllerManager: join(folder, 'kube-controller-manager'),
    scheduler: join(folder, 'kube-scheduler'),
    kwok: join(folder, 'kwok'),
  };
}

/**
 * The real servers: `LEASTWISE_TEST_KUBE_APISERVER` (a binary, the others beside it), else built from their
 * published modules and cached. `undefined`, said loudly, where neither works here.
 */
export async function kubernetesBinaries(): Promise<Binaries | undefined> {
  try {
    return await found();
  } catch (error) {
    console.warn(`SKIPPED: no real API server here (needs Go and etcd): ${String(error).slice(0, 2000)}`);
    return undefined;
  }
}
