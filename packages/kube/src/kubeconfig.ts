import { access, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import type { KubeConfig } from '@kubernetes/client-node';

import { KubeError } from './kube-error.ts';

/** Which cluster, and as whom. */
export interface OpenClusterOptions {
  /** A kubeconfig; without one, the service account of the pod that this runs in. */
  readonly kubeconfigFile?: string | undefined;
  /** A context of that file; its current one by default. */
  readonly context?: string | undefined;
  /** How long one request may take, in milliseconds; half a minute by default. */
  readonly timeoutMs?: number;
}

const TOKEN_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';

function refuse(message: string): never {
  throw new KubeError('configuration', message);
}

/** The code of a system error, for errors that may not be quoted. */
export function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : 'unknown';
}

/** What is wrong with a kubeconfig's text. The YAML reader quotes the lines around, which may be a key or a token. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it cannot be read';
  if (error.name === 'YAMLException') {
    const mark: unknown = Reflect.get(error, 'mark');
    const line: unknown = typeof mark === 'object' && mark !== null ? Reflect.get(mark, 'line') : undefined;
    return typeof line === 'number' ? `it is not YAML (line ${line + 1})` : 'it is not YAML';
  }
  // Of the client's own, such as "clusters[0].cluster.server is missing".
  return / is missing$/.test(error.message) ? error.message : 'it is no kubeconfig';
}

/** Loaded when a cluster is opened: it takes 70 MB, which those that open none need not have. */
async function emptyConfig(): Promise<KubeConfig> {
  const client = await import('@kubernetes/client-node');
  return new client.KubeConfig();
}

async function fromFile(file: string): Promise<KubeConfig> {
  const config = await emptyConfig();
  let text = '';
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    refuse(`the kubeconfig ${file} cannot be read (${codeOf(error)})`);
  }
  try {
    config.loadFromString(text);
  } catch (error) {
    refuse(`the kubeconfig ${file}: ${wordsOf(error)}`);
  }
  config.makePathsAbsolute(dirname(file));
  return config;
}

async function fromPod(): Promise<KubeConfig> {
  const config = await emptyConfig();
  const isInPod = await access(TOKEN_FILE).then(
    () => true,
    () => false,
  );
  if (!isInPod || (process.env['KUBERNETES_SERVICE_HOST'] ?? '') === '') {
    refuse(
      'no kubeconfig is given, and this is no pod with a service account: name a kubeconfig, or mount the account’s token',
    );
  }
  config.loadFromCluster();
  return config;
}

/** The client says that there always is one; it has none where the file names none. */
function currentContext(config: KubeConfig): string | undefined {
  return config.getCurrentContext();
}

function choose(config: KubeConfig, where: string, context: string | undefined): void {
  if (context !== undefined) config.setCurrentContext(context);
  const name = currentContext(config);
  if (name === undefined || name === '') refuse(`${where} has no current context: name one`);
  const found = config.getContextObject(name);
  if (found === null) {
    const known = config.getContexts().map((each) => each.name);
    refuse(`${where} has no context ${JSON.stringify(name)}; it has ${JSON.stringify(known)}`);
  }
  if (config.getCurrentCluster() === null) {
    refuse(
      `${where}: context ${JSON.stringify(name)} names the cluster ${JSON.stringify(found.cluster)}, which is not there`,
    );
  }
  if (config.getCurrentUser() === null) {
    refuse(
      `${where}: context ${JSON.stringify(name)} names the user ${JSON.stringify(found.user)}, which is not there`,
    );
  }
}

/**
 * The credentials for a cluster, from a kubeconfig or the pod's service account. Nothing is guessed: `KUBECONFIG`,
 * the home folder and `localhost:8080` are not tried.
 * @throws KubeError (`configuration`) that says what is wrong, and quotes nothing of the file but names
 */
export async function loadKubeConfig(options: OpenClusterOptions): Promise<KubeConfig> {
  const { kubeconfigFile, context } = options;
  const config = kubeconfigFile === undefined ? await fromPod() : await fromFile(kubeconfigFile);
  const where = kubeconfigFile === undefined ? 'the pod' : `the kubeconfig ${kubeconfigFile}`;
  choose(config, where, context);
  const server = config.getCurrentCluster()?.server ?? '';
  const url = URL.canParse(server) ? new URL(server) : undefined;
  const isPlain = url !== undefined && url.username + url.password + url.search + url.hash === '';
  if (!isPlain || !['https:', 'http:'].includes(url.protocol)) {
    refuse(`${where}: the server's address must be http(s) without user, query and fragment`);
  }
  return config;
}
