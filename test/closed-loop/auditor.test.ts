// The auditor itself, on a real API server, with the rights of deploy/auditor and no others.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { configSchema, type RunningAuditor, startAuditor } from '@leastwise/auditor';
import { createNullLog, loadConfig } from '@leastwise/runtime';
import { type ControlPlane, resolveGitea, startControlPlane } from '@leastwise/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { leastwise } from '../integration/support/leastwise.ts';
import { Site } from '../publish/support/site.ts';
import { at, textAt, until } from './living/api.ts';
import { kubernetesBinaries } from './support/binaries.ts';

const binaries = await kubernetesBinaries();
const fileOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const ACCOUNT = 'system:serviceaccount:leastwise-system:leastwise-auditor';
const GROUPS = ['system:serviceaccounts', 'system:serviceaccounts:leastwise-system', 'system:authenticated'];

interface Violation {
  readonly name: string;
  readonly rule: string;
  readonly severity: string;
  readonly state: string;
  readonly object: string;
  readonly status: unknown;
  readonly spec: unknown;
}

describe.skipIf(!binaries)('an auditor', () => {
  let dir = '';
  let plane: ControlPlane | undefined;
  let adminConfig = '';
  let auditorConfig = '';
  const running: RunningAuditor[] = [];

  function kubectl(args: readonly string[], input = ''): Promise<string> {
    const child = spawn(binaries?.kubectl ?? 'kubectl', [...args], {
      env: { HOME: dir, KUBECONFIG: adminConfig, PATH: process.env['PATH'] },
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stdin.end(input);
    return new Promise((resolve, reject) => {
      child.on('close', (code) => {
        if (code === 0) resolve(out);
        else reject(new Error(`kubectl ${args.join(' ')}: ${out}`));
      });
    });
  }

  const apply = (manifest: string): Promise<string> => kubectl(['apply', '-f', '-'], manifest);

  beforeAll(async () => {
    if (!binaries) return;
    dir = await mkdtemp(join(tmpdir(), 'leastwise-auditor-'));
    plane = await startControlPlane({
      dir,
      apiServer: binaries.apiServer,
      users: [{ token: 'auditor-token', name: ACCOUNT, groups: GROUPS }],
    });
    adminConfig = await plane.kubeconfig('admin', 'admin-token');
    auditorConfig = await plane.kubeconfig('auditor', 'auditor-token');
    for (const namespace of ['leastwise-system', 'ci', 'shop'])
      await kubectl(['create', 'namespace', namespace]);
    await kubectl([
      'apply',
      '-f',
      fileOf('deploy/crds/rbacviolations.yaml'),
      '-f',
      fileOf('deploy/auditor/rbac.yaml'),
    ]);
    await kubectl([
      'wait',
      '--for=condition=Established',
      'crd/rbacviolations.leastwise.dev',
      '--timeout=30s',
    ]);
    for (const name of ['ci/deployer', 'shop/cart']) {
      const [namespace = '', account = ''] = name.split('/');
      await kubectl(['create', 'serviceaccount', account, '-n', namespace]);
    }
  });

  afterEach(async () => {
    for (const each of running.splice(0)) await each[Symbol.asyncDispose]();
  });

  afterAll(async () => {
    await plane?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  async function start(overrides: Readonly<Record<string, unknown>> = {}): Promise<RunningAuditor> {
    const file = join(dir, 'auditor.json');
    const base = {
      http: { host: '127.0.0.1', port: 0 },
      clusters: { prod: { kubeconfigFile: auditorConfig } },
      lease: { seconds: 5 },
    };
    await writeFile(file, JSON.stringify({ ...base, ...overrides }));
    const config = loadConfig({
      service: 'auditor',
      schema: configSchema,
      argv: ['--config', file],
      env: {},
    });
    if (!config.ok) throw new Error(config.problems.join('\n'));
    const auditor = await startAuditor(config.value, createNullLog());
    running.push(auditor);
    await until('the auditor is ready', async () => (await fetch(urlOf(auditor, '/readyz'))).ok, 30_000);
    return auditor;
  }

  const urlOf = ({ address }: RunningAuditor, path: string): string =>
    `http://127.0.0.1:${address.port}${path}`;

  async function metric(auditor: RunningAuditor, name: string, labels = ''): Promise<number> {
    const text = await (await fetch(urlOf(auditor, '/metrics'))).text();
    const lines = text.split('\n').filter((line) => line.startsWith(name) && line.includes(labels));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  async function violations(): Promise<Violation[]> {
    const list: unknown = JSON.parse(await kubectl(['get', 'rbacviolations', '-o', 'json']));
    const items = at(list, 'items');
    return (Array.isArray(items) ? items : []).map((item: unknown) => ({
      name: textAt(item, 'metadata', 'name'),
      rule: textAt(item, 'spec', 'rule'),
      severity: textAt(item, 'spec', 'severity'),
      state: textAt(item, 'status', 'state'),
      object: `${textAt(item, 'spec', 'object', 'kind')} ${textAt(item, 'spec', 'object', 'name')}`,
      status: at(item, 'status'),
      spec: at(item, 'spec'),
    }));
  }

  async function find(rule: string, object: string): Promise<Violation | undefined> {
    return (await violations()).find((each) => each.rule === rule && each.object === object);
  }

  async function openOf(rule: string, object: string): Promise<Violation> {
    let found: Violation | undefined;
    await until(
      `an open violation of ${rule} by ${object}`,
      async () => {
        found = await find(rule, object);
        return found?.state === 'Open';
      },
      20_000,
    );
    if (!found) throw new Error('not found');
    return found;
  }

  async function noLonger(rule: string, object: string, state = 'Resolved'): Promise<Violation> {
    let found: Violation | undefined;
    await until(
      `${rule} by ${object} is ${state}`,
      async () => {
        found = await find(rule, object);
        return found?.state === state;
      },
      20_000,
    );
    if (!found) throw new Error('not found');
    return found;
  }

  const bind = (name: string): Promise<string> =>
    kubectl([
      'create',
      'clusterrolebinding',
      name,
      '--clusterrole=cluster-admin',
      '--serviceaccount=ci:deployer',
    ]);

  test('finds nothing wrong with a fresh cluster and its own rights', async () => {
    const auditor = await start();
    await until('an audit', async () => (await metric(auditor, 'rbac_bindings_scanned_total', 'prod')) > 0);
    expect(
      (await violations()).filter(({ severity }) => severity === 'CRITICAL' || severity === 'HIGH'),
    ).toEqual([]);
    expect(await metric(auditor, 'leastwise_auditor_errors_total')).toBe(0);
  });

  test('tells within seconds of cluster-admin for a CI account: object, event and metrics', async () => {
    const auditor = await start();
    const beforeMs = Date.now();
    await bind('ci-admin');
    const violation = await openOf('R009', 'ClusterRoleBinding ci-admin');
    expect(Date.now() - beforeMs, 'in milliseconds').toBeLessThan(10_000);
    expect(violation.severity).toBe('CRITICAL');
    expect(violation.name).toMatch(/^r009-ci-admin-[0-9a-f]{16}$/);
    expect(at(violation.spec, 'subjects')).toEqual([
      { kind: 'ServiceAccount', namespace: 'ci', name: 'deployer' },
    ]);
    const labels = 'namespace="",kind="ClusterRoleBinding",name="ci-admin",rule="R009"';
    const parts = labels.split(',');
    const text = await (await fetch(urlOf(auditor, '/metrics'))).text();
    const line = text
      .split('\n')
      .find(
        (each) => each.startsWith('rbac_violations_total{') && parts.every((part) => each.includes(part)),
      );
    expect(line).toMatch(/ 1$/);
    expect(await metric(auditor, 'rbac_open_violations', 'rule="R009"')).toBe(1);
    expect(
      Math.abs((await metric(auditor, 'rbac_last_audit_timestamp', 'prod')) - Date.now() / 1000),
    ).toBeLessThan(60);
    await until(
      'an event',
      async () => {
        const events = await kubectl(['get', 'events', '-n', 'default', '-o', 'json']);
        return events.includes('"RBACViolation"') && events.includes('ci-admin');
      },
      10_000,
    );
    await kubectl(['delete', 'clusterrolebinding', 'ci-admin']);
    await noLonger('R009', 'ClusterRoleBinding ci-admin');
  });

  test('puts back a violation that was deleted or changed by hand', async () => {
    await start();
    await bind('ci-again');
    const { name } = await openOf('R009', 'ClusterRoleBinding ci-again');
    await kubectl(['delete', 'rbacviolation', name]);
    await openOf('R009', 'ClusterRoleBinding ci-again');
    await kubectl([
      'patch',
      'rbacviolation',
      name,
      '--type=merge',
      '-p',
      '{"spec":{"severity":"INFO","message":"all is well"}}',
    ]);
    await until(
      'it says the truth again',
      async () => (await find('R009', 'ClusterRoleBinding ci-again'))?.severity === 'CRITICAL',
      20_000,
    );
    await kubectl([
      'patch',
      'rbacviolation',
      name,
      '--subresource=status',
      '--type=merge',
      '-p',
      '{"status":{"state":"Resolved"}}',
    ]);
    await openOf('R009', 'ClusterRoleBinding ci-again');
    await kubectl(['delete', 'clusterrolebinding', 'ci-again']);
    await noLonger('R009', 'ClusterRoleBinding ci-again');
  });

  test('takes a new policy over at once, and keeps the last good one while it is broken', async () => {
    const auditor = await start();
    const policy = (text: string): Promise<string> =>
      apply(
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'leastwise-violation-policy', namespace: 'leastwise-system' },
          data: { 'policy.yaml': text },
        }),
      );
    await kubectl([
      'create',
      'rolebinding',
      'viewers',
      '-n',
      'shop',
      '--clusterrole=view',
      '--group=everybody',
    ]);
    await policy('forbidden_subjects:\n  - kind: Group\n    name: everybody\n');
    await openOf('R015', 'RoleBinding viewers');
    await policy('forbidden_subject:\n  - kind: Group\n');
    await until(
      'its problem is told',
      async () => (await metric(auditor, 'leastwise_auditor_policy_problems', 'prod')) > 0,
      10_000,
    );
    expect((await find('R015', 'RoleBinding viewers'))?.state).toBe('Open');
    await policy('{}');
    await noLonger('R015', 'RoleBinding viewers');
    expect(await metric(auditor, 'leastwise_auditor_policy_problems', 'prod')).toBe(0);
    await kubectl(['delete', 'configmap', 'leastwise-violation-policy', '-n', 'leastwise-system']);
    await kubectl(['delete', 'rolebinding', 'viewers', '-n', 'shop']);
  });

  test('agrees with the command that looks at a cluster once', async () => {
    await bind('ci-live');
    const flags = ['--live', '--kubeconfig', auditorConfig];
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
    await kubectl(['delete', 'clusterrolebinding', 'ci-live']);
    const none = await leastwise(['scan', '--live', '--kubeconfig', join(dir, 'missing')]);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('cannot be read')]);
  });

  test('one of two auditors writes; when it is gone the other one does', async () => {
    const first = await start();
    await until(
      'the first one leads',
      async () => (await metric(first, 'leastwise_auditor_held_leases')) === 1,
      20_000,
    );
    const second = await start();
    expect(await metric(second, 'leastwise_auditor_held_leases')).toBe(0);
    await first[Symbol.asyncDispose]();
    running.splice(running.indexOf(first), 1);
    await bind('ci-second');
    await openOf('R009', 'ClusterRoleBinding ci-second');
    expect(await metric(second, 'leastwise_auditor_held_leases')).toBe(1);
    await kubectl(['delete', 'clusterrolebinding', 'ci-second']);
    await noLonger('R009', 'ClusterRoleBinding ci-second');
  });

  test('misses nothing while the API server is restarted and etcd compacted', async () => {
    await start();
    await plane?.restart(async () => plane?.compact());
    await bind('ci-meanwhile');
    await plane?.compact();
    await openOf('R009', 'ClusterRoleBinding ci-meanwhile');
    await kubectl(['delete', 'clusterrolebinding', 'ci-meanwhile']);
    await noLonger('R009', 'ClusterRoleBinding ci-meanwhile');
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
      await writeFile(join(dir, 'forge-token'), `${await site.open()}\n`, { mode: 0o600 });
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
      const auditor = await start({
        issues: { repository: url, kind: 'gitea', tokenFile: join(dir, 'forge-token'), severity: 'CRITICAL' },
      });
      await bind('ci-issue');
      const opened = await only(({ state }) => state === 'open');
      expect(opened.title).toContain('R009');
      expect(opened.body).toContain('ClusterRoleBinding ci-issue');
      expect(opened.body).toContain('-   "kind": "ClusterRoleBinding"');
      await kubectl(['annotate', 'clusterrolebinding', 'ci-issue', 'note=changed']);
      const changed = await only(({ body }) => body.includes('"note": "changed"'));
      expect(changed.number).toBe(opened.number);
      await kubectl(['delete', 'clusterrolebinding', 'ci-issue']);
      await only(({ state }) => state === 'closed');
      await bind('ci-issue');
      await only(({ state }) => state === 'open');
      await kubectl(['delete', 'clusterrolebinding', 'ci-issue']);
      await only(({ state }) => state === 'closed');
      expect(await metric(auditor, 'leastwise_auditor_issues_total', 'failed')).toBe(0);
    });
  });

  describe('that may delete bindings', () => {
    const POLICY = JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'leastwise-violation-policy', namespace: 'leastwise-system' },
      data: { 'policy.yaml': 'forbidden_roles:\n  - name: edit\nremediation:\n  rules: [R009]\n' },
    });
    const remediation = (more: object = {}): Readonly<Record<string, unknown>> => ({
      every: '1s',
      remediation: { enabled: true, dryRun: false, maxPerHour: 100, ...more },
    });
    const exists = async (kind: string, name: string, ...rest: string[]): Promise<boolean> =>
      kubectl(['get', kind, name, ...rest]).then(
        () => true,
        () => false,
      );

    beforeAll(async () => {
      await kubectl(['apply', '-f', fileOf('deploy/auditor/remediation.yaml')]);
      await apply(POLICY);
      const all: [string, string, string[]][] = [
        ['labelled', 'shop', ['auto-remediate=true']],
        ['unlabelled', 'shop', []],
        ['labelled-otherwise', 'shop', ['auto-remediate=yes']],
        ['of-helm', 'shop', ['auto-remediate=true', 'app.kubernetes.io/managed-by=Helm']],
        ['of-the-system', 'kube-system', ['auto-remediate=true']],
      ];
      for (const [name, namespace, labels] of all) {
        await kubectl([
          'create',
          'rolebinding',
          name,
          '-n',
          namespace,
          '--clusterrole=edit',
          '--serviceaccount=shop:cart',
        ]);
        if (labels.length > 0) await kubectl(['label', 'rolebinding', name, '-n', namespace, ...labels]);
      }
      await bind('labelled-cluster');
      await kubectl(['label', 'clusterrolebinding', 'labelled-cluster', 'auto-remediate=true']);
    });

    test('deletes nothing in a dry run, and says what it would delete', async () => {
      const auditor = await start(remediation({ dryRun: true }));
      await until(
        'it is said',
        async () => (await metric(auditor, 'leastwise_auditor_remediations_total', 'would-delete')) === 1,
        20_000,
      );
      const violation = await find('R009', 'RoleBinding labelled');
      expect(textAt(violation?.status, 'remediation', 'action')).toBe('would delete');
      expect(await exists('rolebinding', 'labelled', '-n', 'shop')).toBe(true);
    });

    test('deletes the one that asked for it, with a copy; never another one', async () => {
      const auditor = await start(remediation());
      await until('it is gone', async () => !(await exists('rolebinding', 'labelled', '-n', 'shop')), 20_000);
      const violation = await noLonger('R009', 'RoleBinding labelled');
      const copy = textAt(violation.status, 'remediation', 'copy');
      await until(
        'three more audits',
        async () => (await metric(auditor, 'leastwise_auditor_remediations_total', 'refused')) >= 3,
        20_000,
      );
      for (const name of ['unlabelled', 'labelled-otherwise', 'of-helm']) {
        expect(await exists('rolebinding', name, '-n', 'shop'), name).toBe(true);
      }
      expect(await exists('rolebinding', 'of-the-system', '-n', 'kube-system')).toBe(true);
      expect(await exists('clusterrolebinding', 'labelled-cluster')).toBe(true);
      expect(await metric(auditor, 'leastwise_auditor_remediations_total', '"deleted"')).toBe(1);
      await running.splice(0)[0]?.[Symbol.asyncDispose]();
      await apply(copy);
      const back: unknown = JSON.parse(
        await kubectl(['get', 'rolebinding', 'labelled', '-n', 'shop', '-o', 'json']),
      );
      expect(at(back, 'roleRef', 'name')).toBe('edit');
      expect(at(back, 'subjects')).toEqual([{ kind: 'ServiceAccount', name: 'cart', namespace: 'shop' }]);
    });

    test('stops when the policy is taken away: a switch that needs no restart', async () => {
      await kubectl(['delete', 'configmap', 'leastwise-violation-policy', '-n', 'leastwise-system']);
      const auditor = await start(remediation());
      const scanned = await metric(auditor, 'rbac_bindings_scanned_total', 'prod');
      await until(
        'some audits',
        async () => (await metric(auditor, 'rbac_bindings_scanned_total', 'prod')) > scanned * 6,
        30_000,
      );
      expect(await exists('rolebinding', 'labelled', '-n', 'shop')).toBe(true);
    });
  });

  test('is the only one that may write violations, once they are protected', async () => {
    await kubectl(['apply', '-f', fileOf('deploy/auditor/protect-violations.yaml')]);
    await until(
      'admin is refused',
      async () =>
        kubectl(['delete', 'rbacviolations', '--all', '--dry-run=server']).then(
          () => false,
          (error: unknown) => String(error).includes('written by the auditor alone'),
        ),
      30_000,
    );
    await start();
    await bind('ci-protected');
    await openOf('R009', 'ClusterRoleBinding ci-protected');
    expect(await readFile(fileOf('deploy/auditor/protect-violations.yaml'), 'utf8')).toContain('Deny');
  });
});
