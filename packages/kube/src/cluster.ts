import { request as httpRequest } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';

import type { KubeConfig } from '@kubernetes/client-node';

import { KubeError } from './kube-error.ts';
import { collector, coded, lineReceiver, type Receiver } from './receiver.ts';
import { codeOf, loadKubeConfig, type OpenClusterOptions } from './kubeconfig.ts';
import type { KubeAnswer, KubeRequest, WatchableCluster } from './request.ts';

const DEFAULT_TIMEOUT_MS = 30_000;
const TLS_REFUSED = /CERT|SELF_SIGNED|UNABLE_TO_|^ERR_TLS|^ERR_SSL|^EPROTO$/;

/** An error on the way to a server, by its code alone. */
function wayError(server: string, error: unknown): KubeError {
  const code = codeOf(error);
  if (code === 'ABORT_ERR') return new KubeError('unreachable', `${server}: no answer in time`);
  return TLS_REFUSED.test(code)
    ? new KubeError('configuration', `${server}: its certificate or ours is not accepted (${code})`)
    : new KubeError('unreachable', `${server}: no answer (${code})`);
}

interface Exchange {
  readonly options: RequestOptions;
  readonly payload?: string | undefined;
  readonly receiver: (status: number) => Receiver;
}

/** One exchange; rejects with an error that has a `code`. */
function exchange(url: URL, { options, payload, receiver }: Exchange): Promise<KubeAnswer> {
  return new Promise((resolve, reject) => {
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const outgoing = start(url, options, (response) => {
      const status = response.statusCode ?? 0;
      const received = receiver(status);
      response.on('data', (chunk: Buffer) => {
        try {
          received.take(chunk);
        } catch (error) {
          outgoing.destroy(error instanceof Error ? error : coded('unknown'));
        }
      });
      response.on('end', () => {
        resolve({ status, headers: response.headers, text: received.text() });
      });
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
}

class KubeConfigCluster implements WatchableCluster {
  readonly server: string;
  readonly #config: KubeConfig;
  readonly #timeoutMs: number;
  #agent: { readonly identity: string; readonly agent: Agent } | undefined;

  constructor(config: KubeConfig, timeoutMs: number) {
    this.#config = config;
    this.#timeoutMs = timeoutMs;
    this.server = config.getCurrentCluster()?.server ?? '';
  }

  async send({ method, path, query = {}, body }: KubeRequest): Promise<KubeAnswer> {
    const url = this.#url(path, query);
    const headers = {
      accept: 'application/json',
      'user-agent': 'leastwise',
      ...(body ? { 'content-type': body.type, 'content-length': Buffer.byteLength(body.text) } : {}),
    };
    const options = await this.#withCredentials({ method, headers });
    try {
      const timed = { ...options, signal: AbortSignal.timeout(this.#timeoutMs) };
      return await exchange(url, { options: timed, payload: body?.text, receiver: collector });
    } catch (error) {
      throw wayError(this.server, error);
    }
  }

  async follow(
    { method, path, query = {} }: KubeRequest,
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<KubeAnswer> {
    const headers = { accept: 'application/json', 'user-agent': 'leastwise' };
    const options = await this.#withCredentials({ method, headers });
    const isGood = (status: number): boolean => status >= 200 && status < 300;
    const receiver = (status: number): Receiver => (isGood(status) ? lineReceiver(onLine) : collector());
    try {
      return await exchange(this.#url(path, query), { options: { ...options, signal }, receiver });
    } catch (error) {
      throw wayError(this.server, error);
    }
  }

  #url(path: string, query: Readonly<Record<string, string>>): URL {
    const url = new URL(this.server.replace(/\/+$/, '') + path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url;
  }

  /** Asked for each time: tokens of files and plugins are replaced while this runs. */
  async #withCredentials(options: RequestOptions): Promise<RequestOptions> {
    try {
      await this.#config.applyToHTTPSOptions(options);
    } catch (error) {
      // The error may quote a file, or what a credential plugin printed.
      const message = `${this.server}: the credentials of the kubeconfig cannot be had (${codeOf(error)})`;
      throw new KubeError('configuration', message);
    }
    const isDirect = this.#config.getCurrentCluster()?.proxyUrl === undefined;
    return isDirect && this.server.startsWith('https:')
      ? { ...options, agent: this.#keptAgent(options) }
      : options;
  }

  /** The client makes an agent for each request; one for each identity keeps connections open. */
  #keptAgent(options: RequestOptions): Agent {
    const { ca, cert, key, rejectUnauthorized, servername } = options;
    const identity = [ca, cert, key].map(String).join('\n');
    if (this.#agent?.identity !== identity) {
      this.#agent?.agent.destroy();
      const given = Object.entries({ ca, cert, key, rejectUnauthorized, servername });
      const known = Object.fromEntries(given.filter(([, value]) => value !== undefined));
      this.#agent = { identity, agent: new Agent({ ...known, keepAlive: true }) };
    }
    return this.#agent.agent;
  }

  close(): void {
    this.#agent?.agent.destroy();
    this.#agent = undefined;
  }
}

/**
 * Opens a cluster by a kubeconfig, or as the pod that this runs in. Nothing is sent yet.
 * @throws KubeError (`configuration`) that says what is wrong
 */
export async function openCluster(options: OpenClusterOptions = {}): Promise<WatchableCluster> {
  return new KubeConfigCluster(await loadKubeConfig(options), options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
}
