import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import type { ControlPlane } from '@leastwise/testkit';

import { type Child, spawnLeastwise } from '../../integration/support/built.ts';
import { treeOf, until } from '../../integration/support/folders.ts';
import { leastwise } from '../../integration/support/leastwise.ts';
import { inParallel } from '../loop/apply.ts';

/** The path of a certificate or key of the tests: `ca.pem`, `server.pem`, `client.key` and so on. */
export function certificate(name: string): string {
  return fileURLToPath(new URL(`../../../packages/source-file/testdata/${name}`, import.meta.url));
}

/** An audit policy: everything, with its bodies. */
export const WITH_BODIES = JSON.stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  rules: [{ level: 'RequestResponse' }],
});

/** How an API server sends its events. */
export interface WebhookTarget {
  readonly dir: string;
  readonly server: string;
  /** Shows the certificate that the receiver may ask for. */
  readonly hasCertificate: boolean;
  /** Events in a batch; the API server's own default where it is not given. */
  readonly batchSize?: number;
  /** How long it waits for a batch to become full. */
  readonly wait?: string;
}

/** The flags of an API server that sends all of its events to a webhook, in batches. */
export async function webhookFlags(target: WebhookTarget): Promise<string[]> {
  const { dir, server, hasCertificate, batchSize = 400, wait = '300ms' } = target;
  const file = join(dir, 'webhook.kubeconfig');
  const ca = server.startsWith('https:') ? { 'certificate-authority': certificate('ca.pem') } : {};
  const user = hasCertificate
    ? { 'client-certificate': certificate('client.pem'), 'client-key': certificate('client.key') }
    : {};
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, ...ca } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  await writeFile(file, JSON.stringify(config));
  return [
    '--disable-admission-plugins=ServiceAccount',
    `--audit-webhook-config-file=${file}`,
    '--audit-webhook-mode=batch',
    `--audit-webhook-batch-max-size=${String(batchSize)}`,
    `--audit-webhook-batch-max-wait=${wait}`,
    // Five tries, the last some 16 seconds after the first: longer than a restart takes.
    '--audit-webhook-initial-backoff=2s',
  ];
}

/** Creates the namespaces of {@link makeRequests}. @throws Error where the API server refuses one */
export async function makeNamespaces({ admin }: ControlPlane): Promise<void> {
  for (const name of ['dev', 'prod']) {
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    const { status, text } = await admin.send({ method: 'POST', path: '/api/v1/namespaces', body });
    if (status !== 201) throw new Error(text.slice(0, 500));
  }
}

/** The requests of `rounds` rounds: several users write, read and remove objects with bodies, some are refused. */
export async function makeRequests(plane: ControlPlane, round: string, rounds: number): Promise<void> {
  const clients = ['alice', 'bob', 'carol', 'dora', 'lim', 'mallory'].map((name) => ({
    name,
    client: plane.client(`token-of-${name}`),
  }));
  const data = { text: 'Is this a body? '.repeat(256) };
  const numbers = Array.from({ length: rounds }, (_, i) => i);
  await inParallel(numbers, async (i) => {
    for (const { name: user, client } of clients) {
      const path = `/api/v1/namespaces/${i % 2 === 0 ? 'dev' : 'prod'}/configmaps`;
      const name = `${round}-${user}-${String(i)}`;
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
      await client.send({ method: 'POST', path, body });
      await client.send({ method: 'GET', path: `${path}/${name}` });
      if (user !== 'carol') await client.send({ method: 'PUT', path: `${path}/${name}`, body });
      if (user !== 'dora') await client.send({ method: 'DELETE', path: `${path}/${name}` });
    }
  });
}

/** What the API server itself says that it gave up: no webhook ever sees it. */
export async function droppedEvents(dir: string): Promise<{ atItsEnd: number; before: string[] }> {
  const log = await readFile(join(dir, 'kube-apiserver.log'), 'utf8');
  const all = log.match(/Error in audit plugin '[^']*' affecting \d+ audit events: .*/g) ?? [];
  // Its own watches, which end after it has closed the queue of events. Their beginning was sent.
  const isOfItsEnd = (text: string): boolean =>
    text.endsWith('affecting 1 audit events: audit backend shut down');
  return { atItsEnd: all.filter(isOfItsEnd).length, before: all.filter((text) => !isOfItsEnd(text)) };
}

/** Writes objects almost as large as they may be. */
export async function writeLarge({ admin }: ControlPlane, count: number): Promise<void> {
  const data = { text: 'x'.repeat(1_000_000) };
  for (let i = 0; i < count; i += 1) {
    const body = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `large-${String(i)}` },
      stringData: data,
    };
    const path = '/api/v1/namespaces/default/secrets';
    const { status, text } = await admin.send({ method: 'POST', path, body });
    if (status >= 300) throw new Error(text.slice(0, 500));
  }
}

/** Makes small requests until a batch of that size is full, by the API server's own count of events. */
export async function fillBatches(plane: ControlPlane, batchSize: number): Promise<void> {
  const events = await series(plane, 'apiserver_audit_event_total');
  const missing = batchSize - (events % batchSize);
  // Each makes two: it was received, and it was answered.
  const requests = Array.from({ length: Math.ceil(missing / 2) }, () => '/version');
  await inParallel(requests, async (path) => {
    await plane.admin.send({ method: 'GET', path });
  });
}

/** How many of its posts to the webhook an API server saw end with this code. */
export function metric(plane: ControlPlane, port: number, code: string): Promise<number> {
  const labels = `code="${code}",host="127.0.0.1:${String(port)}",method="POST"`;
  return series(plane, `rest_client_requests_total{${labels}}`);
}

/** Waits until enough of its posts ended with this code. Metrics are megabytes: nobody looks all the time. */
export async function untilPosted(
  plane: ControlPlane,
  { port, code, count }: { readonly port: number; readonly code: string; readonly count: number },
): Promise<void> {
  await until(`${String(count)} posts ended with ${code}`, async () => {
    await sleep(200);
    return (await metric(plane, port, code)) >= count;
  });
}

/** The value of a series of an API server; 0 where it has none. */
async function series({ admin }: ControlPlane, name: string): Promise<number> {
  const { text } = await admin.send({ method: 'GET', path: '/metrics' });
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length) ?? 0);
}

/** The objects of a folder of policies, as bytes, whatever the layout and the comments above them. */
export function documentsOf(tree: Readonly<Record<string, string>>): string[] {
  return Object.entries(tree)
    .filter(([path]) => path.endsWith('.yaml') && !path.endsWith('kustomization.yaml'))
    .flatMap(([, content]) => content.split(/^---\n/m))
    .map((text) => text.replace(/^#.*\n/gm, ''))
    .sort();
}

async function logsIn(dir: string): Promise<string[]> {
  const names = (await readdir(dir)).filter((name) => /^audit.*\.log$/.test(name));
  return names.map((name) => join(dir, name));
}

/** How much the logs of the API server in a folder have, by the command. What it publishes goes into `from-logs`. */
export async function countLogs(dir: string): Promise<RunSummary['input']> {
  const repository = join(dir, 'from-logs');
  const into = ['--out', repository, '--state', `${repository}.state`];
  const run = await leastwise(['run', '-f', ...(await logsIn(dir)), ...into, '-o', 'json']);
  if (run.code !== 0) throw new Error(run.stderr);
  await rm(`${repository}.state`, { recursive: true });
  return (JSON.parse(run.stdout) as RunSummary).input;
}

/** What the logs of the API server in a folder say, by the command. */
export async function fromLogs(dir: string) {
  const logs = await logsIn(dir);
  const generated = join(dir, 'generated');
  const policies = await leastwise(['generate', '-q', '--all', '-f', ...logs, '-o', `dir=${generated}`]);
  if (policies.code !== 0) throw new Error(policies.stderr);
  const input = await countLogs(dir);
  return {
    files: logs.length,
    policies: await treeOf(generated),
    repository: await treeOf(join(dir, 'from-logs')),
    ...input,
  };
}

/** The summary of a run, as far as it is compared. */
export interface RunSummary {
  readonly input: { readonly events: number; readonly requests: number; readonly repeated: number };
}

/** The command that reads as it comes, in a process of its own. */
export interface Receiver {
  /** Of the webhook, if it is one. */
  readonly url: string;
  readonly child: Child;
  /** What it said on standard error so far. */
  said(): string;
  /** SIGTERM, and its last summary. @throws Error where it does not end well */
  stop(): Promise<RunSummary>;
}

/** Starts `leastwise run --listen` or `--follow`, and waits until it has begun. */
export async function startReceiver(args: readonly string[]): Promise<Receiver> {
  const child = spawnLeastwise(['run', ...args, '-o', 'json']);
  let said = '';
  child.process.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
  let hasEnded = false;
  void child.ended.then(() => (hasEnded = true));
  const isListening = (): boolean => !args.includes('--listen') || said.includes('listening on');
  await until('it listens', () => hasEnded || isListening());
  return {
    url: /listening on (\S+)/.exec(said)?.[1] ?? '',
    child,
    said: () => said,
    stop: async () => {
      child.process.kill('SIGTERM');
      const { end, stdout, stderr } = await child.ended;
      if (end !== 0) throw new Error(`it ended with ${String(end)}: ${stderr}`);
      // One summary is written each time that it publishes.
      const summary: unknown = JSON.parse(stdout.slice(stdout.lastIndexOf('\n{') + 1));
      return summary as RunSummary;
    },
  };
}
