import { type Cluster, type KubeAnswer, KubeError, type KubeRequest } from '@leastwise/kube';
import { answer, FakeCluster, fakeWaiting, pathOf } from '@leastwise/kube/testing';
import { PolicyObservability, readAuditPolicies } from '@leastwise/audit-policy';
import { type ObservedState, PublishError, runCycle } from '@leastwise/publish';
import { parseManifests } from '@leastwise/rbac';
import { openEmbeddedStore } from '@leastwise/state';
import { describe, expect, it } from 'vitest';

import { type CycleParts, runOneCycle } from './cycle.ts';
import { type ReportTarget, waitingUntil, writePolicyReports } from './policy-reports.ts';
import { fakeParts, fakeSource } from './testing/parts.ts';
import { type Asked, count } from './testing/stage.ts';

const SEEN: readonly Asked[] = [
  ['shop:cart', 'get'],
  ['shop:cart', 'list'],
  ['pay:api', 'create'],
];
const CART = pathOf('shop', 'sa-cart');
const API = pathOf('pay', 'sa-api');

async function observed(asked: readonly Asked[]): Promise<ObservedState> {
  await using store = await openEmbeddedStore({});
  await count(store, asked);
  return { clusters: await store.read(), late: 0, lost: 0 };
}

const NO_ANSWER = (): never => {
  throw new KubeError('unreachable', 'https://fake: no answer');
};

/** A publisher that keeps reports in these clusters, with what its cycles log and count. */
function publisher(clusters: Readonly<Record<string, Cluster | KubeError>>, more: Partial<CycleParts> = {}) {
  const waiting = fakeWaiting();
  const open = { now: 0, most: 0 };
  const targets = Object.entries(clusters).map(([cluster, there]): ReportTarget => {
    return {
      cluster,
      open: async () => {
        if (there instanceof KubeError) throw there;
        open.now += 1;
        open.most = Math.max(open.most, open.now);
        return {
          server: there.server,
          send: (request) => there.send(request),
          close: () => {
            open.now -= 1;
          },
        };
      },
    };
  });
  const fake = fakeParts(runCycle, more);
  const { parts } = fake;
  const cycle = async (state: ObservedState, rbac?: string) => {
    fake.lines.length = 0;
    const existing = rbac === undefined ? {} : { existing: new Map([['prod', objectsOf(rbac)]]) };
    return await runOneCycle({
      ...parts,
      source: fakeSource({ ...more.source, read: async () => state }),
      settings: async () => {
        const settings = await parts.settings();
        return { ...settings, ...existing, tellsPoliciesOf: new Set(Object.keys(clusters)) };
      },
      writeReports: (outcome, goOn) => {
        const { metrics, log } = parts;
        return writePolicyReports(outcome, {
          ...{ targets, namespace: 'leastwise-system', metrics, log, goOn, waiting },
        });
      },
    });
  };
  return { ...fake, cycle, waiting, open };
}

function objectsOf(text: string) {
  return parseManifests(text, 'rbac.yaml').objects;
}

const statusOf = (cluster: FakeCluster, path: string) => cluster.objects.get(path)?.['status'];

describe('policy reports in a cluster', () => {
  it('are written after a cycle, stay untouched while nothing changes, and go with their subject', async () => {
    const cluster = new FakeCluster();
    const { cycle, series, lines, open, moves } = publisher({ prod: cluster });
    expect(await cycle(await observed(SEEN))).toMatchObject({ result: 'done' });
    expect([...cluster.objects.keys()].sort()).toEqual([API, CART]);
    expect(statusOf(cluster, CART)).toMatchObject({ subject: 'ServiceAccount shop/cart', ruleCount: 2 });
    expect(statusOf(cluster, CART)).not.toHaveProperty('complianceScore');
    expect(await series('policy_reports_total')).toEqual({ 'result="created"': 2 });
    const written = { cluster: 'prod', created: 2, changed: 0, unchanged: 0, deleted: 0, failed: 0 };
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'policy reports written', ...written }));

    const writes = cluster.writes.length;
    await cycle(await observed(SEEN));
    expect(cluster.writes).toHaveLength(writes);
    await cycle(await observed([...SEEN.slice(0, 2), ['shop:cart', 'delete']]));
    expect(cluster.writes.slice(writes)).toEqual([`PATCH ${CART}/status`, `DELETE ${API}`]);
    expect(await series('policy_reports_total')).toEqual({
      'result="created"': 2,
      'result="unchanged"': 2,
      'result="changed"': 1,
      'result="deleted"': 1,
    });
    expect(await series('policy_report_errors_total')).toEqual({});
    expect(open).toEqual({ now: 0, most: 1 });
    expect(moves.count).toBeGreaterThan(10);
  });

  it('have a score where the RBAC of the cluster is known', async () => {
    const cluster = new FakeCluster();
    const { cycle } = publisher({ prod: cluster });
    const rules = '[{apiGroups: [""], resources: [pods], verbs: [get, list, create, delete]}]';
    const ref = '{apiGroup: rbac.authorization.k8s.io, kind: Role, name: cart}';
    const head = 'apiVersion: rbac.authorization.k8s.io/v1\nmetadata: {name: cart, namespace: shop}';
    const role = `${head}\nkind: Role\nrules: ${rules}\n`;
    const binding = `${head}\nkind: RoleBinding\nroleRef: ${ref}\nsubjects: [{kind: ServiceAccount, name: cart}]\n`;
    await cycle(await observed([['shop:cart', 'list'], ...SEEN]), `${role}---\n${binding}`);
    // One of four verbs for any pod, and one for one pod of them.
    expect(statusOf(cluster, CART)).toMatchObject({ complianceScore: 50, severity: 'Yellow' });
    expect(statusOf(cluster, API)).not.toHaveProperty('complianceScore');
  });

  it('leave out of the score what the audit policy does not log', async () => {
    const cluster = new FakeCluster();
    const text =
      'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, verbs: [delete]}, {level: Metadata}]\n';
    const [policy] = readAuditPolicies(text, 'policy.yaml').policies;
    const auditPolicies = new Map(policy && [['prod', new PolicyObservability(policy)]]);
    const settings = async () => ({ ...(await fakeParts(runCycle).parts.settings()), auditPolicies });
    const { cycle } = publisher({ prod: cluster }, { settings });
    const ref = '{apiGroup: rbac.authorization.k8s.io, kind: Role, name: cart}';
    const head = 'apiVersion: rbac.authorization.k8s.io/v1\nmetadata: {name: cart, namespace: shop}';
    const role = `${head}\nkind: Role\nrules: [{apiGroups: [""], resources: [pods], verbs: [list, watch, delete]}]\n`;
    const binding = `${head}\nkind: RoleBinding\nroleRef: ${ref}\nsubjects: [{kind: ServiceAccount, name: cart}]\n`;
    await cycle(await observed([['shop:cart', 'list']]), `${role}---\n${binding}`);
    // One of three, of which one is not observable.
    expect(statusOf(cluster, CART)).toMatchObject({ complianceScore: 50 });
  });

  it('suggest nothing of a subject with open detections', async () => {
    const cluster = new FakeCluster();
    const { cycle } = publisher(
      { prod: cluster },
      {
        settings: async () => ({
          ...(await fakeParts(runCycle).parts.settings()),
          held: new Map([['prod', new Set(['serviceaccount:shop:cart'])]]),
        }),
      },
    );
    await cycle(await observed(SEEN));
    expect(statusOf(cluster, API)).toMatchObject({ conditions: [{ reason: 'AllListed' }] });
    expect(statusOf(cluster, CART)).toMatchObject({
      suggestedPolicy: { manifests: [] },
      conditions: [{ reason: 'PolicyWithheld' }],
    });
  });

  it('of clusters that nothing was observed in, and of nobody whom we know, are left alone', async () => {
    const [prod, test] = [new FakeCluster(), new FakeCluster()];
    const state = await observed(SEEN);
    const { cycle, lines } = publisher({ prod, test });
    await cycle(state);
    expect([prod.objects.size, test.sent.length]).toEqual([2, 0]);
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        cluster: 'test',
        msg: expect.stringContaining('stay as they are') as string,
      }),
    );
    // An empty state is no word that everybody is gone.
    await cycle({ clusters: [], late: 0, lost: 0 });
    expect(prod.objects.size).toBe(2);
    // Reports without our label are not listed, and none of another cluster is ours.
    const [object] = prod.objects.values();
    if (object) object['spec'] = { cluster: 'other' };
    await cycle(await observed([['web:site', 'get']]));
    expect(prod.objects.size).toBe(2);
  });

  it('that a cluster does not take are logged and counted, and neither end the cycle nor keep others back', async () => {
    const [silent, strict, fine] = [new FakeCluster(), new FakeCluster(), new FakeCluster()];
    silent.fault = NO_ANSWER;
    strict.fault = ({ path }: KubeRequest): KubeAnswer | undefined =>
      path === CART ? answer(404, { details: { kind: 'namespaces' }, message: 'no shop' }) : undefined;
    const config = new KubeError('configuration', 'the kubeconfig /x cannot be read (ENOENT)');
    const { clusters, ...rest } = await observed(SEEN);
    const [prod] = clusters;
    if (!prod) throw new Error('no cluster');
    const named = ['a', 'b', 'c', 'd'].map((cluster) => ({ ...prod, cluster }));
    const { cycle, series, lines, open, waiting } = publisher({ a: silent, b: config, c: strict, d: fine });
    expect(await cycle({ clusters: named, ...rest })).toMatchObject({ result: 'done' });
    expect([silent, strict, fine].map(({ objects }) => objects.size)).toEqual([0, 1, 2]);
    expect(waiting.slept).toHaveLength(3);
    expect(await series('cycles_total')).toEqual({ 'outcome="done"': 1 });
    expect(await series('policy_reports_total')).toEqual({ 'result="created"': 3, 'result="failed"': 1 });
    expect(await series('policy_report_errors_total')).toEqual({
      'failure="unreachable"': 1,
      'failure="configuration"': 1,
      'failure="no-namespace"': 1,
    });
    const warnings = lines.filter(({ level }) => level === 'warn');
    expect(warnings.map(({ cluster, report }) => [cluster, report]).sort()).toEqual([
      ['a', undefined],
      ['b', undefined],
      ['c', 'shop/sa-cart'],
    ]);
    expect(open.now).toBe(0);
  });

  it('that fail by the dozen are told in part', async () => {
    const cluster = new FakeCluster();
    cluster.fault = ({ method }) => (method === 'PATCH' ? answer(403, { message: 'no' }) : undefined);
    const many = Array.from({ length: 23 }, (_, i): Asked => [`shop:a${String(i)}`, 'get']);
    const { cycle, series, lines } = publisher({ prod: cluster });
    await cycle(await observed(many));
    expect(lines.filter(({ msg }) => msg === 'a policy report is not written')).toHaveLength(20);
    expect(lines).toContainEqual(expect.objectContaining({ rest: 3 }));
    expect(await series('policy_report_errors_total')).toEqual({ 'failure="forbidden"': 23 });
  });

  it('are looked after in four clusters at a time', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const { clusters, ...rest } = await observed(SEEN);
    const all = names.flatMap((cluster) => clusters.map((each) => ({ ...each, cluster })));
    const there = Object.fromEntries(names.map((name) => [name, new FakeCluster()]));
    const { cycle, open } = publisher(there);
    await cycle({ clusters: all, ...rest });
    expect(Object.values(there).map(({ objects }) => objects.size)).toEqual(names.map(() => 2));
    expect(open).toEqual({ now: 0, most: 4 });
  });

  it('end between two of them when the process is told to stop, or the lease is lost', async () => {
    const state = await observed(SEEN);
    const stopping = new FakeCluster();
    const told = publisher({ prod: stopping });
    stopping.fault = () => {
      told.stop.abort();
      return undefined;
    };
    expect(await told.cycle(state)).toEqual({ result: 'stopped' });
    expect([stopping.writes, told.open.now]).toEqual([[], 0]);

    const losing = new FakeCluster();
    let isHeld = true;
    losing.fault = ({ method }) => {
      isHeld = method === 'GET';
      return undefined;
    };
    const source = fakeSource({ take: async () => ({ isHeld: () => isHeld, end: async () => undefined }) });
    const many = await observed(Array.from({ length: 9 }, (_, i): Asked => [`shop:a${String(i)}`, 'get']));
    expect(await publisher({ prod: losing }, { source }).cycle(many)).toEqual({ result: 'lease-lost' });
    // Those under way at the same time come to their end.
    expect(losing.objects.size).toBe(4);
  });

  it('are none of a cycle that failed before', async () => {
    const { parts } = fakeParts(() => Promise.reject(new PublishError('no')));
    const failing = { ...parts, writeReports: () => Promise.reject(new Error('must not be written')) };
    expect(await runOneCycle(failing)).toEqual({ result: 'refused' });
  });

  it('with a bug in them end the process', async () => {
    const cluster = new FakeCluster();
    cluster.fault = () => {
      throw new TypeError('bug');
    };
    await expect(publisher({ prod: cluster }).cycle(await observed(SEEN))).rejects.toThrow(TypeError);
  });
});

it('waiting for a cluster ends at once when the process is told to stop', async () => {
  const stop = new AbortController();
  const goOn = (): void => {
    if (stop.signal.aborted) throw new RangeError('stopped');
  };
  const { sleep, now, random } = waitingUntil(stop.signal, goOn);
  await sleep(1);
  const waited = sleep(3_600_000);
  stop.abort();
  await expect(waited).rejects.toThrow('stopped');
  expect([now() > 1_700_000_000_000, random() < 1]).toEqual([true, true]);
});
