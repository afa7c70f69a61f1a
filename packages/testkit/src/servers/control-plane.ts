import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';

import { type Child, freePort, startChild, untilReady } from './child.ts';
import { KubeClient } from './kube-client.ts';

/** A user that a static token authenticates. */
export interface StaticUser {
  readonly token: string;
  readonly name: string;
  readonly groups: readonly string[];
}

/** How to start a control plane. */
export interface ControlPlaneOptions {
  /** A folder of its own; must exist. */
  readonly dir: string;
  /** The binary of kube-apiserver. */
  readonly apiServer: string;
  /** The binary of etcd; `etcd` on the path by default. */
  readonly etcd?: string;
  readonly users?: readonly StaticUser[];
  /** An audit policy in YAML or JSON; everything at Metadata by default. */
  readonly auditPolicy?: string;
  readonly flags?: readonly string[];
}

/** A real API server with an etcd of its own. */
export interface ControlPlane extends AsyncDisposable {
  readonly url: string;
  /** PEM of the certificate that it shows. */
  readonly ca: string;
  readonly caFile: string;
  readonly auditLog: string;
  /** Read whenever the API server starts: what is written here while it is stopped is its next policy. */
  readonly auditPolicyFile: string;
  /** Private key of service account tokens, as a controller manager needs it. */
  readonly serviceAccountKey: string;
  /** A member of system:masters. */
  readonly admin: KubeClient;
  /** A client with a token; without one it is anonymous. */
  client(token?: string): KubeClient;
  /** Writes a kubeconfig for a token and returns its path. */
  kubeconfig(name: string, token: string): Promise<string>;
  /** Ends the API server, which first says whatever it has to say; etcd stays, and `restart` starts it again. */
  stop(): Promise<void>;
  /**
   * Stops the API server, does what is to be done without it, and starts it again at the same address.
   * @throws Error with its last words where it does not come up; it may be tried again
   */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  /** Lets etcd forget everything but what is there now: no watch can go on from before. */
  compact(): Promise<void>;
}

const ADMIN: StaticUser = { token: 'admin-token', name: 'admin', groups: ['system:masters'] };
const EVERYTHING = JSON.stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  rules: [{ level: 'Metadata' }],
});

async function startEtcd(options: ControlPlaneOptions): Promise<{ child: Child; url: string }> {
  const [client, peer] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${String(client)}`;
  const peerUrl = `http://127.0.0.1:${String(peer)}`;
  const child = startChild(
    options.etcd ?? 'etcd',
    [
      `--data-dir=${join(options.dir, 'etcd')}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
      // The state is thrown away after the test.
      '--unsafe-no-fsync',
    ],
    join(options.dir, 'etcd.log'),
    // Debian's build asks for its own consent on arm64; names in the environment would be taken for flags.
    { PATH: process.env['PATH'], ETCD_UNSUPPORTED_ARCH: 'arm64' },
  );
  await untilReady('etcd', child, () => isHealthy(`${url}/health`));
  return { child, url };
}

/** One exchange with etcd's JSON gateway. */
async function askEtcd(url: string, path: string, body: object): Promise<unknown> {
  const response = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`etcd ${path}: ${String(response.status)} ${await response.text()}`);
  return response.json();
}

/** @see https://etcd.io/docs/v3.5/op-guide/maintenance/#history-compaction-v3-api-key-value-database */
async function compactEtcd(url: string): Promise<void> {
  const found = await askEtcd(url, '/v3/kv/range', { key: 'AA==', limit: '1' });
  const header: unknown = Reflect.get(Object(found), 'header');
  const revision: unknown = Reflect.get(Object(header), 'revision');
  await askEtcd(url, '/v3/kv/compaction', { revision, physical: true });
}

function isHealthy(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    httpRequest(url, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    })
      .on('error', () => {
        resolve(false);
      })
      .end();
  });
}

async function writeInputs(
  options: ControlPlaneOptions,
): Promise<Record<'key' | 'pub' | 'tokens' | 'policy', string>> {
  const path = (name: string): string => join(options.dir, name);
  await mkdir(path('certs'), { recursive: true });
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(path('sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }));
  await writeFile(path('sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  const lines = [ADMIN, ...(options.users ?? [])].map(
    ({ token, name, groups }) => `${token},${JSON.stringify(name)},${name.length},"${groups.join(',')}"`,
  );
  await writeFile(path('tokens.csv'), `${lines.join('\n')}\n`);
  await writeFile(path('audit-policy.yaml'), options.auditPolicy ?? EVERYTHING);
  return {
    key: path('sa.key'),
    pub: path('sa.pub'),
    tokens: path('tokens.csv'),
    policy: path('audit-policy.yaml'),
  };
}

interface Places {
  readonly etcd: string;
  readonly port: number;
  readonly certs: string;
  readonly auditLog: string;
}

function flagsOf(
  options: ControlPlaneOptions,
  inputs: Awaited<ReturnType<typeof writeInputs>>,
  at: Places,
): readonly string[] {
  return [
    `--etcd-servers=${at.etcd}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    // The endpoint reconciler refuses loopback; nothing here needs the service it serves.
    '--endpoint-reconciler-type=none',
    `--secure-port=${String(at.port)}`,
    `--cert-dir=${at.certs}`,
    '--authorization-mode=Node,RBAC',
    `--token-auth-file=${inputs.tokens}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${inputs.pub}`,
    `--service-account-signing-key-file=${inputs.key}`,
    `--audit-policy-file=${inputs.policy}`,
    `--audit-log-path=${at.auditLog}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    // No kubelet is there; what would reach one fails at once.
    '--kubelet-timeout=2s',
    // Debian's etcd cannot be asked how far it is: a watch that begins now would wait three seconds for the answer.
    '--feature-gates=WatchList=false',
    ...(options.flags ?? ['--disable-admission-plugins=ServiceAccount']),
  ];
}

/**
 * Starts etcd and kube-apiserver on loopback with RBAC and an audit log, and waits until it is ready.
 * @throws Error with the server's last words where one does not come up
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const inputs = await writeInputs(options);
  const etcd = await startEtcd(options);
  const port = await freePort();
  const url = `https://127.0.0.1:${String(port)}`;
  const certs = join(options.dir, 'certs');
  const auditLog = join(options.dir, 'audit.log');
  const caFile = join(certs, 'apiserver.crt');
  const flags = flagsOf(options, inputs, { etcd: etcd.url, port, certs, auditLog });
  const start = async (): Promise<Child> => {
    const child = startChild(options.apiServer, flags, join(options.dir, 'kube-apiserver.log'), {
      PATH: process.env['PATH'],
    });
    try {
      await untilReady('kube-apiserver', child, async () => {
        const probe = new KubeClient(url, await readFile(caFile, 'utf8'), ADMIN.token);
        const { status } = await probe.send({ method: 'GET', path: '/readyz' });
        probe.close();
        return status === 200;
      });
    } catch (error) {
      await child.stop();
      throw error;
    }
    return child;
  };
  let child = await start().catch(async (error: unknown) => {
    await etcd.child.stop();
    throw error;
  });
  const ca = await readFile(caFile, 'utf8');
  return new RunningControlPlane({
    url,
    ca,
    caFile,
    auditLog,
    auditPolicyFile: inputs.policy,
    dir: options.dir,
    serviceAccountKey: inputs.key,
    compact: () => compactEtcd(etcd.url),
    stop: () => child.stop(),
    restart: async (meanwhile) => {
      await child.stop();
      await meanwhile?.();
      child = await start();
    },
    end: async () => {
      await child.stop();
      await etcd.child.stop();
    },
  });
}

interface Facts {
  readonly url: string;
  readonly ca: string;
  readonly caFile: string;
  readonly auditLog: string;
  readonly auditPolicyFile: string;
  readonly dir: string;
  readonly serviceAccountKey: string;
  readonly compact: () => Promise<void>;
  readonly stop: () => Promise<void>;
  readonly restart: (meanwhile?: () => Promise<void>) => Promise<void>;
  /** Ends all of it. */
  readonly end: () => Promise<void>;
}

class RunningControlPlane implements ControlPlane {
  readonly #facts: Facts;
  readonly #clients: KubeClient[] = [];
  readonly admin: KubeClient;

  constructor(facts: Facts) {
    this.#facts = facts;
    this.admin = this.client(ADMIN.token);
  }

  get url(): string {
    return this.#facts.url;
  }

  get ca(): string {
    return this.#facts.ca;
  }

  get caFile(): string {
    return this.#facts.caFile;
  }

  get auditLog(): string {
    return this.#facts.auditLog;
  }

  get auditPolicyFile(): string {
    return this.#facts.auditPolicyFile;
  }

  get serviceAccountKey(): string {
    return this.#facts.serviceAccountKey;
  }

  client(token = ''): KubeClient {
    const client = new KubeClient(this.url, this.ca, token);
    this.#clients.push(client);
    return client;
  }

  async kubeconfig(name: string, token: string): Promise<string> {
    const file = join(this.#facts.dir, `${name}.kubeconfig`);
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: this.url, 'certificate-authority': this.caFile } }],
      users: [{ name: 'u', user: { token } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    await writeFile(file, JSON.stringify(config));
    return file;
  }

  stop(): Promise<void> {
    return this.#facts.stop();
  }

  restart(meanwhile?: () => Promise<void>): Promise<void> {
    return this.#facts.restart(meanwhile);
  }

  compact(): Promise<void> {
    return this.#facts.compact();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.#facts.end();
  }
}
