// What an auditor deletes, and what it leaves alone, on a real API server.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { AuditedCluster, fileOf, metric } from './support/audited-cluster.ts';
import { at, textAt, until } from './living/api.ts';
import { kubernetesBinaries } from './support/binaries.ts';

const binaries = await kubernetesBinaries();

describe.skipIf(!binaries)('an auditor that may delete bindings', () => {
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
    beforeAll(async () => {
      await cluster.kubectl('apply', '-f', fileOf('deploy/auditor/remediation.yaml'));
      await cluster.apply(POLICY);
      const all: [string, string, string[]][] = [
        ['labelled', 'shop', ['auto-remediate=true']],
        ['unlabelled', 'shop', []],
        ['labelled-otherwise', 'shop', ['auto-remediate=yes']],
        ['of-helm', 'shop', ['auto-remediate=true', 'app.kubernetes.io/managed-by=Helm']],
        ['of-the-system', 'kube-system', ['auto-remediate=true']],
      ];
      for (const [name, namespace, labels] of all) {
        await cluster.kubectl(
          'create',
          'rolebinding',
          name,
          '-n',
          namespace,
          '--clusterrole=edit',
          '--serviceaccount=shop:cart',
        );
        if (labels.length > 0)
          await cluster.kubectl('label', 'rolebinding', name, '-n', namespace, ...labels);
      }
      await cluster.bind('labelled-cluster');
      await cluster.kubectl('label', 'clusterrolebinding', 'labelled-cluster', 'auto-remediate=true');
    });

    test('deletes nothing in a dry run, and says what it would delete', async () => {
      const auditor = await cluster.audit(remediation({ dryRun: true }));
      await until(
        'it is said',
        async () => (await metric(auditor, 'leastwise_auditor_remediations_total', 'would-delete')) === 1,
        20_000,
      );
      const violation = await cluster.find('R009', 'RoleBinding labelled');
      expect(textAt(violation?.status, 'remediation', 'action')).toBe('would delete');
      expect(await cluster.exists('rolebinding', 'labelled', '-n', 'shop')).toBe(true);
    });

    test('deletes the one that asked for it, with a copy; never another one', async () => {
      const auditor = await cluster.audit(remediation());
      await until(
        'it is gone',
        async () => !(await cluster.exists('rolebinding', 'labelled', '-n', 'shop')),
        20_000,
      );
      const violation = await cluster.noLonger('R009', 'RoleBinding labelled');
      const copy = textAt(violation.status, 'remediation', 'copy');
      await until(
        'three more audits',
        async () => (await metric(auditor, 'leastwise_auditor_remediations_total', 'refused')) >= 3,
        20_000,
      );
      for (const name of ['unlabelled', 'labelled-otherwise', 'of-helm']) {
        expect(await cluster.exists('rolebinding', name, '-n', 'shop'), name).toBe(true);
      }
      expect(await cluster.exists('rolebinding', 'of-the-system', '-n', 'kube-system')).toBe(true);
      expect(await cluster.exists('clusterrolebinding', 'labelled-cluster')).toBe(true);
      expect(await metric(auditor, 'leastwise_auditor_remediations_total', '"deleted"')).toBe(1);
      await cluster.stop();
      await cluster.apply(copy);
      const back: unknown = JSON.parse(
        await cluster.kubectl('get', 'rolebinding', 'labelled', '-n', 'shop', '-o', 'json'),
      );
      expect(at(back, 'roleRef', 'name')).toBe('edit');
      expect(at(back, 'subjects')).toEqual([{ kind: 'ServiceAccount', name: 'cart', namespace: 'shop' }]);
    });

    test('stops when the policy is taken away: a switch that needs no restart', async () => {
      await cluster.kubectl('delete', 'configmap', 'leastwise-violation-policy', '-n', 'leastwise-system');
      const auditor = await cluster.audit(remediation());
      const scanned = await metric(auditor, 'rbac_bindings_scanned_total', 'prod');
      await until(
        'some audits',
        async () => (await metric(auditor, 'rbac_bindings_scanned_total', 'prod')) > scanned * 6,
        30_000,
      );
      expect(await cluster.exists('rolebinding', 'labelled', '-n', 'shop')).toBe(true);
    });
  });
});
