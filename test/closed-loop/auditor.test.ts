// The auditor itself, on a real API server, with the rights of deploy/auditor and no others.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { AuditedCluster, fileOf, metric, urlOf } from './support/audited-cluster.ts';
import { at, until } from './living/api.ts';
import { kubernetesBinaries } from './support/binaries.ts';

const binaries = await kubernetesBinaries();

describe.skipIf(!binaries)('an auditor', () => {
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

  test('finds nothing wrong with a fresh cluster and its own rights', async () => {
    const auditor = await cluster.audit();
    await until('an audit', async () => (await metric(auditor, 'rbac_bindings_scanned_total', 'prod')) > 0);
    expect(
      (await cluster.violations()).filter(({ severity }) => severity === 'CRITICAL' || severity === 'HIGH'),
    ).toEqual([]);
    expect(await metric(auditor, 'leastwise_auditor_errors_total')).toBe(0);
  });

  test('tells within seconds of cluster-admin for a CI account: object, event and metrics', async () => {
    const auditor = await cluster.audit();
    const beforeMs = Date.now();
    await cluster.bind('ci-admin');
    const violation = await cluster.openOf('R009', 'ClusterRoleBinding ci-admin');
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
        const events = await cluster.kubectl('get', 'events', '-n', 'default', '-o', 'json');
        return events.includes('"RBACViolation"') && events.includes('ci-admin');
      },
      10_000,
    );
    await cluster.kubectl('delete', 'clusterrolebinding', 'ci-admin');
    await cluster.noLonger('R009', 'ClusterRoleBinding ci-admin');
  });

  test('puts back a violation that was deleted or changed by hand', async () => {
    await cluster.audit();
    await cluster.bind('ci-again');
    const { name } = await cluster.openOf('R009', 'ClusterRoleBinding ci-again');
    await cluster.kubectl('delete', 'rbacviolation', name);
    await cluster.openOf('R009', 'ClusterRoleBinding ci-again');
    await cluster.kubectl(
      'patch',
      'rbacviolation',
      name,
      '--type=merge',
      '-p',
      '{"spec":{"severity":"INFO","message":"all is well"}}',
    );
    await until(
      'it says the truth again',
      async () => (await cluster.find('R009', 'ClusterRoleBinding ci-again'))?.severity === 'CRITICAL',
      20_000,
    );
    await cluster.kubectl(
      'patch',
      'rbacviolation',
      name,
      '--subresource=status',
      '--type=merge',
      '-p',
      '{"status":{"state":"Resolved"}}',
    );
    await cluster.openOf('R009', 'ClusterRoleBinding ci-again');
    await cluster.kubectl('delete', 'clusterrolebinding', 'ci-again');
    await cluster.noLonger('R009', 'ClusterRoleBinding ci-again');
  });

  test('takes a new policy over at once, and keeps the last good one while it is broken', async () => {
    const auditor = await cluster.audit();
    const policy = (text: string): Promise<string> =>
      cluster.apply(
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'leastwise-violation-policy', namespace: 'leastwise-system' },
          data: { 'policy.yaml': text },
        }),
      );
    await cluster.kubectl(
      'create',
      'rolebinding',
      'viewers',
      '-n',
      'shop',
      '--clusterrole=view',
      '--group=everybody',
    );
    await policy('forbidden_subjects:\n  - kind: Group\n    name: everybody\n');
    await cluster.openOf('R015', 'RoleBinding viewers');
    await policy('forbidden_subject:\n  - kind: Group\n');
    await until(
      'its problem is told',
      async () => (await metric(auditor, 'leastwise_auditor_policy_problems', 'prod')) > 0,
      10_000,
    );
    expect((await cluster.find('R015', 'RoleBinding viewers'))?.state).toBe('Open');
    await policy('{}');
    await cluster.noLonger('R015', 'RoleBinding viewers');
    expect(await metric(auditor, 'leastwise_auditor_policy_problems', 'prod')).toBe(0);
    await cluster.kubectl('delete', 'configmap', 'leastwise-violation-policy', '-n', 'leastwise-system');
    await cluster.kubectl('delete', 'rolebinding', 'viewers', '-n', 'shop');
  });
  test('is the only one that may write violations, once they are protected', async () => {
    await cluster.kubectl('apply', '-f', fileOf('deploy/auditor/protect-violations.yaml'));
    await until(
      'admin is refused',
      async () =>
        cluster.kubectl('delete', 'rbacviolations', '--all', '--dry-run=server').then(
          () => false,
          (error: unknown) => String(error).includes('written by the auditor alone'),
        ),
      30_000,
    );
    await cluster.audit();
    await cluster.bind('ci-protected');
    await cluster.openOf('R009', 'ClusterRoleBinding ci-protected');
  });
});
