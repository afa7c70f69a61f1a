// The auditor with what is around it: other clusters, other auditors, Prometheus, a forge, a server that fails.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort, resolveGitea, startControlPlane } from '@leastwise/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { AuditedCluster, fileOf, metric } from './support/audited-cluster.ts';
import { at, textAt, until } from './living/api.ts';
import { kubernetesBinaries } from './support/binaries.ts';
import { leastwise } from '../integration/support/leastwise.ts';
import { Site } from '../publish/support/site.ts';

const binaries = await kubernetesBinaries();

describe.skipIf(!binaries)('an auditor among others', () => {
  let cluster: AuditedCluster;

  beforeAll(async () => {
    if (binaries) cluster = await AuditedCluster.start(binaries);
  });
  afterEach(async () => {
    await cluster.stop();
  });
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  test('agrees with the command that looks at a cluster once', async () => {
    await cluster.bind('ci-live');
    const flags = ['--live', '--kubeconfig', cluster.auditorConfig];
    const all = await leastwise([
      'scan',
      ...flags,
      '--severity',
      'CRITICAL',
      '--fail-on-findings',
      '-o',
      'json',
    ]);
    expect(all.code, all.stderr).toBe(1);
    const found = at(JSON.parse(all.stdout), 'findings');
    const checks = (Array.isArray(found) ? found : []).map((each: unknown) => textAt(each, 'object', 'name'));
    expect(new Set(checks)).toEqual(new Set(['ci-live']));
    const score = await leastwise(['score', '-f', fileOf('examples/audit.log.gz'), ...flags, '-o', 'json']);
    expect(score.code, score.stderr).toBe(0);
    expect(score.stdout).toContain('system:serviceaccount:ci:deployer'.split(':').at(-1));
    await cluster.kubectl('delete', 'clusterrolebinding', 'ci-live');
    const none = await leastwise(['scan', '--live', '--kubeconfig', join(cluster.dir, 'missing')]);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('cannot be read')]);
  });

  test('looks at several clusters, and each goes on without the other', async () => {
    if (!binaries) return;
    const otherDir = await mkdtemp(join(tmpdir(), 'leastwise-auditor-other-'));
    await using other = await startControlPlane({ dir: otherDir, apiServer: binaries.apiServer });
    const otherConfig = await other.kubeconfig('admin', 'admin-token');
    const there = (args: readonly string[]): Promise<string> =>
      cluster.kubectl(...args, '--kubeconfig', otherConfig);
    await there(['create', 'namespace', 'leastwise-system']);
    await there(['apply', '-f', fileOf('deploy/crds/rbacviolations.yaml')]);
    await there(['wait', '--for=condition=Established', 'crd/rbacviolations.leastwise.dev', '--timeout=30s']);
    const auditor = await cluster.audit({
      every: '1s',
      clusters: { prod: { kubeconfigFile: cluster.auditorConfig }, other: { kubeconfigFile: otherConfig } },
    });
    await there(['create', 'clusterrolebinding', 'far', '--clusterrole=cluster-admin', '--user=ann']);
    await until(
      'the other cluster has its violation',
      async () => {
        return (await there(['get', 'rbacviolations'])).includes('far');
      },
      20_000,
    );
    expect(await cluster.find('R009', 'ClusterRoleBinding far')).toBeUndefined();
    await until(
      'its metric',
      async () => (await metric(auditor, 'rbac_open_violations', 'cluster="other",')) > 0,
      10_000,
    );
    await other[Symbol.asyncDispose]();
    await cluster.bind('ci-near');
    await cluster.openOf('R009', 'ClusterRoleBinding ci-near');
    const stale = await metric(auditor, 'rbac_last_audit_timestamp', 'cluster="other"');
    await until(
      'the first one was judged anew',
      async () => {
        return (await metric(auditor, 'rbac_last_audit_timestamp', 'cluster="prod"')) > stale + 2;
      },
      20_000,
    );
    expect(await metric(auditor, 'rbac_last_audit_timestamp', 'cluster="other"'), 'it stands still').toBe(
      stale,
    );
    await cluster.kubectl('delete', 'clusterrolebinding', 'ci-near');
    await cluster.noLonger('R009', 'ClusterRoleBinding ci-near');
    await rm(otherDir, { recursive: true, force: true });
  });

  const hasPrometheus = spawnSync('prometheus', ['--version']).status === 0;
  if (!hasPrometheus) console.warn('prometheus is not there: no alert is seen');

  test.skipIf(!hasPrometheus)(
    'lets a real Prometheus see what it is to alert on, within seconds',
    async () => {
      const auditor = await cluster.audit();
      const port = await freePort();
      const config = join(cluster.dir, 'prometheus.yaml');
      await writeFile(
        config,
        JSON.stringify({
          global: { scrape_interval: '1s', evaluation_interval: '1s' },
          rule_files: [fileOf('deploy/prometheus/auditor.rules.yaml')],
          scrape_configs: [
            { job_name: 'auditor', static_configs: [{ targets: [`127.0.0.1:${auditor.address.port}`] }] },
          ],
        }),
      );
      const flags = [`--config.file=${config}`, `--storage.tsdb.path=${join(cluster.dir, 'tsdb')}`];
      const prometheus = spawn('prometheus', [...flags, `--web.listen-address=127.0.0.1:${port}`], {
        stdio: 'ignore',
      });
      try {
        const alerts = async (): Promise<string[]> => {
          const answer = await fetch(`http://127.0.0.1:${port}/api/v1/alerts`);
          const all = at(await answer.json(), 'data', 'alerts');
          return (Array.isArray(all) ? all : []).map((each: unknown) =>
            [textAt(each, 'labels', 'alertname'), textAt(each, 'labels', 'rule'), textAt(each, 'state')].join(
              ' ',
            ),
          );
        };
        await until('it answers', async () => (await alerts()).length === 0, 60_000);
        await cluster.bind('ci-alert');
        await cluster.openOf('R009', 'ClusterRoleBinding ci-alert');
        await until(
          'the alert is pending',
          async () => {
            return (await alerts()).includes('LeastwiseRBACViolationOpen R009 pending');
          },
          20_000,
        );
        await cluster.kubectl('delete', 'clusterrolebinding', 'ci-alert');
        await until('no alert is left', async () => (await alerts()).length === 0, 20_000);
      } finally {
        prometheus.kill();
      }
    },
  );

  test('one of two auditors writes; when it is gone the other one does', async () => {
    const first = await cluster.audit();
    await until(
      'the first one leads',
      async () => (await metric(first, 'leastwise_auditor_held_leases')) === 1,
      20_000,
    );
    const second = await cluster.audit();
    expect(await metric(second, 'leastwise_auditor_held_leases')).toBe(0);
    await cluster.stop(first);
    await cluster.bind('ci-second');
    await cluster.openOf('R009', 'ClusterRoleBinding ci-second');
    expect(await metric(second, 'leastwise_auditor_held_leases')).toBe(1);
    await cluster.kubectl('delete', 'clusterrolebinding', 'ci-second');
    await cluster.noLonger('R009', 'ClusterRoleBinding ci-second');
  });

  test('misses nothing while the API server is restarted and etcd compacted', async () => {
    await cluster.audit();
    await cluster.plane.restart(async () => cluster.plane.compact());
    await cluster.bind('ci-meanwhile');
    await cluster.plane.compact();
    await cluster.openOf('R009', 'ClusterRoleBinding ci-meanwhile');
    await cluster.kubectl('delete', 'clusterrolebinding', 'ci-meanwhile');
    await cluster.noLonger('R009', 'ClusterRoleBinding ci-meanwhile');
  });

  describe('with a forge', async () => {
    const gitea = binaries && (await resolveGitea());
    const site = gitea && new Site(gitea);

    afterAll(async () => {
      await site?.close('cluster');
      await gitea?.[Symbol.asyncDispose]();
    });

    interface Issue {
      readonly number: number;
      readonly state: string;
      readonly title: string;
      readonly body: string;
      readonly updated_at: string;
    }

    test.skipIf(!gitea)('opens one issue for a violation, keeps it current, and closes it', async () => {
      if (!site) return;
      await writeFile(join(cluster.dir, 'forge-token'), `${await site.open()}\n`, { mode: 0o600 });
      const { url } = await site.repository('cluster');
      const path = `/repos/${new URL(url).pathname.slice(1, -'.git'.length)}/issues?state=all&type=issues`;
      const issues = async (): Promise<Issue[]> => {
        const all = (await site.ask('GET', path)) as Issue[];
        return all.filter(({ title }) => title.includes('R009') || title.includes('r009'));
      };
      const only = async (isAsWanted: (issue: Issue) => boolean): Promise<Issue> => {
        await until(
          'the issue is as it should be',
          async () => {
            const [issue] = await issues();
            return issue !== undefined && isAsWanted(issue);
          },
          20_000,
        );
        const all = await issues();
        expect(all).toHaveLength(1);
        const [issue] = all;
        if (!issue) throw new Error('no issue');
        return issue;
      };
      const auditor = await cluster.audit({
        issues: {
          repository: url,
          kind: 'gitea',
          tokenFile: join(cluster.dir, 'forge-token'),
          severity: 'CRITICAL',
        },
      });
      await cluster.bind('ci-issue');
      const opened = await only(({ state }) => state === 'open');
      expect(opened.title).toContain('R009');
      expect(opened.body).toContain('ClusterRoleBinding ci-issue');
      expect(opened.body).toContain('-   "kind": "ClusterRoleBinding"');
      await cluster.kubectl('annotate', 'clusterrolebinding', 'ci-issue', 'note=changed');
      const changed = await only(({ body }) => body.includes('"note": "changed"'));
      expect(changed.number).toBe(opened.number);
      await cluster.kubectl('delete', 'clusterrolebinding', 'ci-issue');
      await only(({ state }) => state === 'closed');
      await cluster.bind('ci-issue');
      await only(({ state }) => state === 'open');
      await cluster.kubectl('delete', 'clusterrolebinding', 'ci-issue');
      await only(({ state }) => state === 'closed');
      expect(await metric(auditor, 'leastwise_auditor_issues_total', 'failed')).toBe(0);
    });
  });
});
