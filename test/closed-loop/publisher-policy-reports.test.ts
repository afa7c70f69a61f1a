// The publisher itself, from a state to policy reports in a real cluster, with the rights that its document asks for.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { configSchema, type Publisher, startPublisher } from '@leastwise/publisher';
import { createLog, loadConfig } from '@leastwise/runtime';
import { Gathering, openEmbeddedStore } from '@leastwise/state';
import {
  auditEvent,
  type ControlPlane,
  requestTarget,
  requestTo,
  START_US,
  startControlPlane,
  userInfo,
} from '@leastwise/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { until } from './living/api.ts';
import { kubernetesBinaries } from './support/binaries.ts';

const binaries = await kubernetesBinaries();
const fileOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const CRD = fileOf('deploy/crds/subjectpolicyreports.yaml');
const CART = 'system:serviceaccount:shop:cart';
const ALICE = 'alice@example.com';
const IGNORING = 'version: 1\nignoredSubjects: ["serviceaccount:shop:cart"]\n';

/** The role that the document asks for. */
function documentedRole(): string {
  const blocks = readFileSync(fileOf('docs/publisher.md'), 'utf8').matchAll(/```yaml\n([^]*?)```/g);
  const roles = [...blocks].map(([, text = '']) => text).filter((text) => text.includes('kind: ClusterRole'));
  expect(roles).toHaveLength(1);
  return roles[0] ?? '';
}

const BINDING = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: leastwise-policy-reports }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: leastwise-policy-reports }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: publisher }]
`;

/** What the account of the shop holds already: twice as much as it uses. */
const GRANTED = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: cart, namespace: shop }
rules: [{ apiGroups: [''], resources: [pods], verbs: [list, watch] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: cart, namespace: shop }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: cart }
subjects: [{ kind: ServiceAccount, name: cart, namespace: shop }]
`;

/** A state in a folder, of the cluster prod: who listed pods of the shop. */
async function stateOf(folder: string, usernames: readonly string[]): Promise<void> {
  await using store = await openEmbeddedStore({ dir: folder });
  const claim = await store.claim('log');
  const gathering = new Gathering(claim, { observe: { deniedAs: 'denied' }, hasWindows: false });
  for (const [i, username] of usernames.entries()) {
    const target = requestTarget({ verb: 'list', resource: 'pods', namespace: 'shop' });
    const user = userInfo({ username });
    const event = { ...requestTo(target), auditID: `id-${String(i)}`, receivedAtUs: START_US + i, user };
    gathering.add(auditEvent(event), 'prod');
  }
  const to = String(usernames.length);
  await store.applyBatch({ claim, from: claim.position, to, deltas: gathering.take() });
}

/** A bare repository whose main holds these files. */
function repositoryWith(root: string, files: Readonly<Record<string, string>>): string {
  const identity = { GIT_AUTHOR_NAME: 'p', GIT_AUTHOR_EMAIL: 'p@x', GIT_COMMITTER_NAME: 'p' };
  const env = { PATH: process.env['PATH'], HOME: root, GIT_CONFIG_NOSYSTEM: '1', ...identity };
  const git = (input: string, ...args: readonly string[]): string =>
    execFileSync('git', args, {
      ...{ cwd: root, input, encoding: 'utf8' },
      env: { ...env, GIT_COMMITTER_EMAIL: 'p@x' },
    }).trim();
  mkdirSync(root, { recursive: true });
  git('', 'init', '--quiet', '--bare', '--initial-branch=main', '.');
  const rows = Object.entries(files).map(([path, content]) => {
    return `100644 blob ${git(content, 'hash-object', '-w', '--stdin')}\t${path}\n`;
  });
  const commit = git('', 'commit-tree', git(rows.join(''), 'mktree'), '-m', 'choices');
  git('', 'update-ref', 'refs/heads/main', commit);
  return root;
}

describe.skipIf(!binaries)('the publisher and the policy reports of a cluster', () => {
  let dir = '';
  let plane: ControlPlane | undefined;
  let kubeconfigFile = '';
  let adminConfig = '';
  const publishers: Publisher[] = [];

  /** Runs a shell line with the kubeconfig of an administrator. */
  function shell(line: string, input = ''): Promise<string> {
    const path = `${join(binaries?.kubectl ?? '', '..')}:${process.env['PATH'] ?? ''}`;
    const child = spawn('sh', ['-ec', line], { env: { PATH: path, HOME: dir, KUBECONFIG: adminConfig } });
    let out = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => (out += bytes.toString()));
    child.stdin.end(input);
    return new Promise((resolve, reject) => {
      child.on('close', (code) => {
        if (code === 0) resolve(out.trim());
        else reject(new Error(`${line}: ${String(code)} ${out}`));
      });
    });
  }

  const versions = (): Promise<string> =>
    shell(
      `kubectl get spr -A -o jsonpath='{range .items[*]}{.metadata.name}={.metadata.resourceVersion} {end}'`,
    );
  const names = async (): Promise<string[]> =>
    (await versions()).split(/=\d+ ?/).filter((name) => name !== '');

  /** Starts a publisher as the service does, with a cycle every second. */
  async function start(repository: string, more: readonly string[] = []) {
    const reports = { prod: { kubeconfigFile } };
    const argv = [
      `--repository.url=${repository}`,
      `--state.folder=${join(dir, 'state')}`,
      `--rbac={"prod":["${join(dir, 'granted.yaml')}"]}`,
      `--policyReports.clusters=${JSON.stringify(reports)}`,
      ...['--http.host=127.0.0.1', '--http.port=0', '--every=1s', '--jitter=0s', ...more],
    ];
    const config = loadConfig({ service: 'publisher', schema: configSchema, env: {}, argv });
    if (!config.ok) throw new Error(config.problems.join('\n'));
    const log = createLog({ name: 'publisher', level: 'warn' });
    const publisher = await startPublisher(config.value, log, { version: '0.0.0' });
    publishers.push(publisher);
    const get = async (path: string): Promise<string> => {
      const { host, port } = publisher.address;
      const answer = await fetch(`http://${host}:${String(port)}${path}`);
      return `${String(answer.status)} ${await answer.text()}`;
    };
    const metric = async (series: string): Promise<number> => {
      const lines = (await get('/metrics')).split('\n');
      return Number(lines.find((line) => line.startsWith(`leastwise_publisher_${series} `))?.split(' ')[1]);
    };
    const cycles = async (count: number): Promise<void> => {
      const before = await metric('cycles_total{outcome="done"}');
      await until(`${String(count)} cycles`, async () => {
        return (await metric('cycles_total{outcome="done"}')) >= before + count;
      });
    };
    return { get, metric, cycles };
  }

  beforeAll(async () => {
    if (!binaries) return;
    dir = await mkdtemp(join(tmpdir(), 'leastwise-publisher-reports-'));
    const users = [{ token: 'publisher-token', name: 'publisher', groups: [] }];
    plane = await startControlPlane({ dir, apiServer: binaries.apiServer, users });
    adminConfig = await plane.kubeconfig('admin', 'admin-token');
    kubeconfigFile = await plane.kubeconfig('publisher', 'publisher-token');
    await writeFile(join(dir, 'granted.yaml'), GRANTED);
    await stateOf(join(dir, 'state'), [CART, ALICE, 'system:kube-scheduler']);
    await shell(`kubectl apply --server-side -f ${CRD}`);
    await shell('kubectl wait --for=condition=Established crd/subjectpolicyreports.leastwise.dev');
    for (const name of ['shop', 'leastwise-system']) await shell(`kubectl create namespace ${name}`);
    await shell('kubectl apply -f -', `${documentedRole()}---${BINDING}`);
    const may = 'kubectl auth can-i patch subjectpolicyreports/status -A --as=publisher';
    await until('the role is in force', async () => (await shell(`${may} || true`)) === 'yes');
  });

  afterEach(async () => {
    for (const publisher of publishers.splice(0)) await publisher[Symbol.asyncDispose]();
  });

  afterAll(async () => {
    await plane?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  test('are written by a cycle, left alone by the next ones, and their policies are accepted', async () => {
    const publisher = await start(repositoryWith(join(dir, 'all.git'), {}));
    await until('a cycle', async () => (await publisher.metric('cycles_total{outcome="done"}')) >= 1);
    expect(await names()).toEqual([
      expect.stringMatching(/^user-alice-example-com-[0-9a-f]{32}$/),
      'sa-cart',
    ]);
    expect(await publisher.metric('policy_reports_total{result="created"}')).toBe(2);
    const row = (await shell('kubectl get subjectpolicyreports -n shop sa-cart --no-headers')).split(
      /\s{2,}/,
    );
    expect(row.slice(0, 5)).toEqual(['sa-cart', 'ServiceAccount shop/cart', '50', 'Yellow', '1']);

    const before = await versions();
    await publisher.cycles(2);
    expect(await versions()).toBe(before);
    expect(await publisher.metric('policy_reports_total{result="changed"}')).toBe(0);

    const manifests = `kubectl get spr -n shop sa-cart -o jsonpath='{.status.suggestedPolicy.manifests}' | jq -r '.[]'`;
    expect(
      (await shell(`${manifests} | kubectl apply --server-side --dry-run=server -f -`)).split('\n'),
    ).toEqual([
      'role.rbac.authorization.k8s.io/suggested-sa-shop.cart-role serverside-applied (server dry run)',
      'rolebinding.rbac.authorization.k8s.io/suggested-sa-shop.cart-role-binding serverside-applied (server dry run)',
    ]);
  });

  test('go with their subject, and those of others stay', async () => {
    const spec = (cluster: string) => `spec: { cluster: ${cluster}, subject: { kind: User, name: bob } }`;
    const head = 'apiVersion: leastwise.dev/v1alpha1\nkind: SubjectPolicyReport';
    const ours = 'labels: { app.kubernetes.io/managed-by: leastwise }';
    await shell(
      'kubectl apply -f -',
      [
        `${head}\nmetadata: { name: by-hand, namespace: shop }\n${spec('prod')}`,
        `${head}\nmetadata: { name: of-test, namespace: shop, ${ours} }\n${spec('test')}`,
        `${head}\nmetadata: { name: user-bob, namespace: shop, ${ours} }\n${spec('prod')}`,
      ].join('\n---\n'),
    );
    const publisher = await start(repositoryWith(join(dir, 'ignoring.git'), { 'leastwise.yaml': IGNORING }));
    await until('a cycle', async () => (await publisher.metric('cycles_total{outcome="done"}')) >= 1);
    const alice = expect.stringMatching(/^user-alice-/) as string;
    expect((await names()).sort()).toEqual(['by-hand', 'of-test', alice]);
    expect(await publisher.metric('policy_reports_total{result="deleted"}')).toBe(2);
  });

  test('wait for a cluster that is away, and nothing else does', async () => {
    const before = (await names()).sort();
    const publisher = await start(repositoryWith(join(dir, 'away.git'), {}));
    await until('a cycle', async () => (await publisher.metric('cycles_total{outcome="done"}')) >= 1);
    expect((await names()).sort()).toEqual([...before, 'sa-cart'].sort());
    await shell('kubectl delete spr -n shop sa-cart');
    await plane?.restart(async () => {
      await publisher.cycles(2);
      expect(await publisher.get('/readyz')).toBe('200 {"status":"ok","failing":[]}\n');
      expect(await publisher.metric('policy_report_errors_total{failure="unreachable"}')).toBeGreaterThan(0);
      expect(await publisher.metric('cycles_total{outcome="incomplete"}')).toBe(0);
    });
    await until('the report is there again', async () => (await names()).includes('sa-cart'));
  });
});
