import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { CountedRequest, Permission, Subject } from '@leastwise/audit-event';
import {
  applyPolicyReports,
  type Cluster,
  openCluster,
  policyReportObject,
  type ReportOutcome,
  type SubjectPolicyReport,
} from '@leastwise/kube';
import { createInference, DEFAULT_OPTIONS, emptyCluster, observe, type Observations } from '@leastwise/rbac';
import { type ControlPlane, startControlPlane } from '@leastwise/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { until } from './living/api.ts';
import { kubernetesBinaries } from './support/binaries.ts';

const binaries = await kubernetesBinaries();
const CRD = fileURLToPath(new URL('../../deploy/crds/subjectpolicyreports.yaml', import.meta.url));
const REPORTS = '/apis/leastwise.dev/v1alpha1/namespaces/shop/subjectpolicyreports';
const START_US = Date.UTC(2026, 0, 5, 8) * 1000;

const CART: Subject = { kind: 'ServiceAccount', namespace: 'shop', name: 'cart' };
const user = (name: string): Subject => ({ kind: 'User', namespace: '', name });

/** Names as an attacker would choose them. */
const HOSTILE = [
  '../../etc',
  'a\u001b[31m\nb: c',
  '"}, "metadata": {"name": "x"',
  '---\nkind: ClusterRoleBinding',
  '\u202edecilam\u2066',
  '<script>&amp;',
  '\u0085\u2028\ufeff\uffff',
  '\u{1f600}\u{e0041}',
  '\ud800',
  '*anchor &x !!binary |',
  'x'.repeat(1024),
  '${HOME} $(id) `id`',
].map(user);

function permission(verb: string, resource: string, namespace = 'shop', name = ''): Permission {
  return { verb, apiGroup: '', resource, namespace, name, path: '' };
}

function report(subject: Subject, permissions: readonly Permission[], score = 60): SubjectPolicyReport {
  const into: Observations = new Map();
  for (const [at, each] of permissions.entries()) {
    const counted: CountedRequest = {
      cluster: 'prod',
      identity: { hi: 0, lo: at },
      auditID: `id-${at}`,
      receivedAtUs: START_US + at * 1_000_000,
      outcome: 'allowed',
      client: 'kubectl',
      need: { subject, groups: [], permissions: [each], viaRbac: true, grantingGroup: '' },
      impersonation: undefined,
      namespaceLife: undefined,
    };
    observe(into, counted, true);
  }
  const cluster = into.get('prod') ?? emptyCluster('prod');
  const [state] = cluster.subjects.values();
  if (!state) throw new Error('nothing was observed');
  const policy = createInference(DEFAULT_OPTIONS)(state, cluster);
  return policyReportObject({ state, policy, compliance: { score, severity: 'Yellow' } });
}

const NEEDS = [
  permission('get', 'configmaps', 'shop', 'settings'),
  permission('list', 'pods'),
  permission('get', 'secrets', 'vault', 'a<b>&c'),
];

/** The role that the README asks for, and no more. */
const WRITER = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'leastwise-reports' },
  rules: [
    {
      apiGroups: ['leastwise.dev'],
      resources: ['subjectpolicyreports'],
      verbs: ['list', 'create', 'patch', 'delete'],
    },
    { apiGroups: ['leastwise.dev'], resources: ['subjectpolicyreports/status'], verbs: ['patch'] },
  ],
};
const BINDING = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'leastwise-reports' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'leastwise-reports' },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'writer' }],
};

interface Live {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly labels: Record<string, string>;
    readonly name: string;
  };
  readonly spec: SubjectPolicyReport['spec'];
  readonly status: Omit<SubjectPolicyReport['status'], 'conditions'> & {
    /** Ours and those of others. */
    readonly conditions: readonly { readonly type: string; readonly lastTransitionTime: string }[];
  };
}

describe.skipIf(!binaries)('policy reports in a cluster', () => {
  let dir = '';
  let plane: ControlPlane | undefined;
  let cluster: Cluster | undefined;
  let adminConfig = '';

  function running(): { plane: ControlPlane; cluster: Cluster } {
    if (!plane || !cluster) throw new Error('not started');
    return { plane, cluster };
  }

  async function apply(
    reports: readonly SubjectPolicyReport[],
    options: { readonly dryRun?: boolean; readonly cluster?: string } = {},
  ): Promise<readonly ReportOutcome[]> {
    return await applyPolicyReports(running().cluster, reports, { cluster: 'prod', ...options });
  }

  const results = (outcomes: readonly ReportOutcome[]): string[] =>
    outcomes.map(({ name, result, error }) => `${name}: ${error?.message ?? result}`);

  /** Runs a shell line with this kubeconfig. */
  function shell(line: string): Promise<string> {
    const path = `${join(binaries?.kubectl ?? '', '..')}:${process.env['PATH'] ?? ''}`;
    const child = spawn('sh', ['-ec', line], { env: { PATH: path, HOME: dir, KUBECONFIG: adminConfig } });
    let out = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => (out += bytes.toString()));
    return new Promise((resolve, reject) => {
      child.on('close', (code) => {
        if (code === 0) resolve(out);
        else reject(new Error(`${line}: ${String(code)} ${out}`));
      });
    });
  }

  async function send(method: string, path: string, body?: unknown, type = 'application/json') {
    const headers = { 'content-type': type };
    const answer = await running().plane.admin.send({ method, path, body, headers });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`);
    return answer.body;
  }

  async function live(name: string, namespace = 'shop'): Promise<Live> {
    const path = REPORTS.replace('/shop/', `/${namespace}/`);
    return (await send('GET', `${path}/${name}`)) as Live;
  }

  beforeAll(async () => {
    if (!binaries) return;
    dir = await mkdtemp(join(tmpdir(), 'leastwise-reports-'));
    const users = [{ token: 'writer-token', name: 'writer', groups: [] }];
    plane = await startControlPlane({ dir, apiServer: binaries.apiServer, users });
    adminConfig = await plane.kubeconfig('admin', 'admin-token');
    cluster = await openCluster({ kubeconfigFile: await plane.kubeconfig('writer', 'writer-token') });
    for (const name of ['shop', 'vault', 'leastwise-system']) {
      await send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    }
    await send('POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', WRITER);
    await send('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', BINDING);
    // RBAC and new kinds of objects are known a moment after they were made.
    const answers = (wanted: string) => async (): Promise<boolean> => {
      const answer = await apply([]).then(() => 'fine', String);
      return answer.includes(wanted);
    };
    await until('it is said what is missing', answers('apply deploy/crds/subjectpolicyreports.yaml'));
    await shell(`kubectl apply --server-side -f ${CRD}`);
    await shell('kubectl wait --for=condition=Established crd/subjectpolicyreports.leastwise.dev');
    await until('reports can be listed', answers('fine'));
  });

  beforeEach(async () => {
    for (const each of ['prod', 'test']) await apply([], { cluster: each });
  });

  afterAll(async () => {
    cluster?.close();
    await plane?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  test('a dry run writes nothing, an apply writes all, another one nothing', async () => {
    const reports = [report(CART, NEEDS), report(user('alice@example.com'), NEEDS)];
    expect(reports.map(({ metadata }) => metadata.name)).toEqual([
      'sa-cart',
      expect.stringMatching(/^user-alice-example-com-[0-9a-f]{32}$/),
    ]);
    const alice = reports[1]?.metadata.name ?? '';
    expect(results(await apply(reports, { dryRun: true }))).toEqual([
      'sa-cart: created',
      `${alice}: created`,
    ]);
    expect(await shell('kubectl get spr -A')).toContain('No resources found');
    expect(results(await apply(reports))).toEqual(['sa-cart: created', `${alice}: created`]);
    const before = [await live('sa-cart'), await live(alice, 'leastwise-system')];
    expect(results(await apply(reports))).toEqual(['sa-cart: unchanged', `${alice}: unchanged`]);
    const after = [await live('sa-cart'), await live(alice, 'leastwise-system')];
    expect(after.map(({ metadata }) => metadata.resourceVersion)).toEqual(
      before.map(({ metadata }) => metadata.resourceVersion),
    );
    expect(after[0]).toMatchObject({ spec: reports[0]?.spec, status: { ruleCount: 3, complianceScore: 60 } });
    expect(after[0]?.status.observedRules).toEqual(reports[0]?.status.observedRules);
  });

  test('kubectl shows the columns, and its manifests are accepted', async () => {
    await apply([report(CART, NEEDS)]);
    const table = await shell('kubectl get spr -n shop');
    const [head = '', row = ''] = table.split('\n');
    expect(head.trim().split(/\s{2,}/)).toEqual(['NAME', 'SUBJECT', 'SCORE', 'SEVERITY', 'RULES', 'AGE']);
    expect(
      row
        .trim()
        .split(/\s{2,}/)
        .slice(0, 5),
    ).toEqual(['sa-cart', 'ServiceAccount shop/cart', '60', 'Yellow', '3']);
    const line = `kubectl get spr -n shop sa-cart -o jsonpath='{.status.suggestedPolicy.manifests}' | jq -r '.[]'`;
    const said = await shell(`${line} | kubectl apply --dry-run=server -f -`);
    expect(said.trim().split('\n')).toEqual([
      'role.rbac.authorization.k8s.io/suggested-sa-shop.cart-role created (server dry run)',
      'role.rbac.authorization.k8s.io/suggested-sa-shop.cart-role created (server dry run)',
      'rolebinding.rbac.authorization.k8s.io/suggested-sa-shop.cart-role-binding created (server dry run)',
      'rolebinding.rbac.authorization.k8s.io/suggested-sa-shop.cart-role-binding created (server dry run)',
    ]);
  });

  test('what others wrote stays, what is ours is taken back', async () => {
    await apply([report(CART, NEEDS)]);
    const path = `${REPORTS}/sa-cart`;
    const patch = 'application/merge-patch+json';
    await send('PATCH', path, { metadata: { labels: { team: 'shop' } } }, patch);
    const first = await live('sa-cart');
    const reviewed = {
      type: 'Reviewed',
      status: 'True',
      reason: 'ByHand',
      message: '',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    const conditions = [...first.status.conditions, reviewed];
    await send('PATCH', `${path}/status`, { status: { conditions } }, patch);
    expect(results(await apply([report(CART, NEEDS)]))).toEqual(['sa-cart: unchanged']);

    // The policy of the report is not what we suggest any more; then our label is taken away.
    const forged = { status: { suggestedPolicy: { manifests: ['kind: ClusterRoleBinding'] } } };
    await send('PATCH', `${path}/status`, forged, patch);
    expect(results(await apply([report(CART, NEEDS)]))).toEqual(['sa-cart: changed']);
    await send('PATCH', path, { metadata: { labels: { 'app.kubernetes.io/managed-by': 'me' } } }, patch);
    expect(results(await apply([report(CART, NEEDS)]))).toEqual(['sa-cart: changed']);

    const last = await live('sa-cart');
    expect(last.status.suggestedPolicy).toEqual(first.status.suggestedPolicy);
    expect(last.metadata.labels).toEqual({ team: 'shop', 'app.kubernetes.io/managed-by': 'leastwise' });
    expect(last.status.conditions.map(({ type }) => type).sort()).toEqual(['Complete', 'Reviewed']);
    expect(last.status.conditions.find(({ type }) => type === 'Complete')).toEqual(
      first.status.conditions.find(({ type }) => type === 'Complete'),
    );
  });

  test('applying the spec leaves the status, and the status the spec', async () => {
    await apply([report(CART, NEEDS)]);
    const before = await live('sa-cart');
    // By the one who may also write the spec: only labels and spec differ.
    await send(
      'PATCH',
      `${REPORTS}/sa-cart`,
      { spec: { cluster: 'prod' }, metadata: { labels: { 'app.kubernetes.io/managed-by': null } } },
      'application/merge-patch+json',
    );
    expect(results(await apply([report(CART, NEEDS)]))).toEqual(['sa-cart: changed']);
    expect((await live('sa-cart')).status).toEqual(before.status);
    expect(results(await apply([report(CART, NEEDS.slice(1), 70)]))).toEqual(['sa-cart: changed']);
    const after = await live('sa-cart');
    expect(after.spec).toEqual(before.spec);
    expect(after.status).toMatchObject({ ruleCount: 2, complianceScore: 70 });
  });

  test('a subject that is gone takes its report with it, and only its own cluster’s', async () => {
    const other = {
      ...report(user('other'), NEEDS),
      spec: { cluster: 'test', subject: { kind: 'User' as const, name: 'other' } },
    };
    await apply([other], { cluster: 'test' });
    await apply([report(CART, NEEDS), report(user('gone'), NEEDS)]);
    expect(results(await apply([report(CART, NEEDS)], { dryRun: true }))).toContain('user-gone: deleted');
    expect(results(await apply([report(CART, NEEDS)]))).toEqual(['sa-cart: unchanged', 'user-gone: deleted']);
    expect(results(await apply([report(CART, NEEDS)]))).toEqual(['sa-cart: unchanged']);
    expect((await shell('kubectl get spr -A -o name')).trim().split('\n').sort()).toEqual([
      'subjectpolicyreport.leastwise.dev/sa-cart',
      'subjectpolicyreport.leastwise.dev/user-other',
    ]);
    const [outcome] = await apply([report(user('other'), NEEDS)]);
    expect(outcome).toMatchObject({ result: 'failed', error: { failure: 'conflict' } });
    expect((await live('user-other', 'leastwise-system')).spec.cluster).toBe('test');
  });

  test('a namespace that is not there keeps nobody else back', async () => {
    const lost = report({ kind: 'ServiceAccount', namespace: 'nowhere', name: 'x' }, NEEDS);
    const outcomes = await apply([lost, report(CART, NEEDS)]);
    expect(outcomes).toMatchObject([
      { result: 'failed', error: { failure: 'no-namespace', status: 404 } },
      { name: 'sa-cart' },
    ]);
    expect((await live('sa-cart')).status.ruleCount).toBe(3);
  });

  test('names that an attacker chose arrive as they are, and are shown on one line', async () => {
    const needs = [
      ...HOSTILE.map(({ name }) => permission('get', 'secrets', 'shop', name)),
      { ...permission('get', ''), namespace: '', path: '/\u2028<x>"\u0000' },
    ];
    const reports = HOSTILE.map((subject) => report(subject, needs));
    expect(results(await apply(reports))).toEqual(reports.map(({ metadata }) => `${metadata.name}: created`));
    expect(new Set((await apply(reports)).map(({ result }) => result))).toEqual(new Set(['unchanged']));
    for (const { metadata, spec, status } of reports) {
      const there = await live(metadata.name, 'leastwise-system');
      expect(there.spec).toEqual(spec);
      expect(there.status.observedRules).toEqual(status.observedRules);
    }
    const table = await shell('kubectl get spr -n leastwise-system --no-headers');
    expect(table.trim().split('\n')).toHaveLength(HOSTILE.length);
    expect(table).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u2066]/);
  });

  test('the largest report fits, and says what it has no room for', async () => {
    const needs = Array.from({ length: 3000 }, (_, i) =>
      permission('get', `r${i}`, 'shop', '<'.repeat(900) + String(i)),
    );
    const large = report(CART, needs);
    expect(results(await apply([large]))).toEqual(['sa-cart: created']);
    const { status } = await live('sa-cart');
    expect(status.ruleCount).toBe(3000);
    expect(status.truncated.observedRules).toBe(3000 - status.observedRules.length);
    expect(status.conditions.find(({ type }) => type === 'Complete')).toMatchObject({ status: 'False' });
    expect(results(await apply([large]))).toEqual(['sa-cart: unchanged']);
  });

  test('the API server refuses reports that are none', async () => {
    await apply([report(CART, NEEDS)]);
    const path = `${REPORTS}/sa-cart`;
    const patch = 'application/merge-patch+json';
    const bad = [
      { spec: { subject: { name: 'other' } } },
      { spec: { subject: { kind: 'Robot' } } },
      { spec: { subject: { namespace: null } } },
    ];
    for (const each of bad) await expect(send('PATCH', path, each, patch)).rejects.toThrow(/is invalid/);
    for (const status of [{ complianceScore: 101 }, { severity: 'BAD' }, { ruleCount: -1 }]) {
      await expect(send('PATCH', `${path}/status`, { status }, patch)).rejects.toThrow(/is invalid/);
    }
  });

  test('a token that is no good is told at once', async () => {
    const stranger = await openCluster({
      kubeconfigFile: await running().plane.kubeconfig('stranger', 'no-such-token'),
    });
    await expect(applyPolicyReports(stranger, [], { cluster: 'prod' })).rejects.toMatchObject({
      failure: 'unauthorized',
    });
    stranger.close();
  });
});
