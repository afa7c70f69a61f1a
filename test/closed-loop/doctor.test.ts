// `leastwise doctor` on a real API server, as the account that deploy/auditor makes.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { leastwise } from '../integration/support/leastwise.ts';
import { build } from '../integration/support/built.ts';
import { AuditedCluster } from './support/audited-cluster.ts';
import { kubernetesBinaries } from './support/binaries.ts';

const binaries = await kubernetesBinaries();

interface Told {
  readonly outcome: string;
  readonly what: string;
  readonly says: string;
  readonly remedy?: string;
  readonly area: string;
}

describe.skipIf(!binaries)('doctor on a real API server', () => {
  let cluster: AuditedCluster;

  beforeAll(async () => {
    await build();
    if (binaries) cluster = await AuditedCluster.start(binaries);
  });
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  async function told(config: object, service: string): Promise<readonly Told[]> {
    const file = join(cluster.dir, `${service}.yaml`);
    await writeFile(file, JSON.stringify(config));
    const { stdout, stderr } = await leastwise(['doctor', '--config', file, '-o', 'json']);
    expect(stderr).toBe('');
    const { checks } = JSON.parse(stdout) as { checks: readonly Told[] };
    return checks.filter(({ area }) => area === 'cluster');
  }
  const lines = (verdicts: readonly Told[]): string[] =>
    verdicts.map(({ outcome, says }) => `${outcome}: ${says}`);
  const auditor = (more: object = {}) => ({
    clusters: { prod: { kubeconfigFile: cluster.auditorConfig } },
    ...more,
  });

  test('the account of deploy/auditor may do all that an auditor does', async () => {
    expect(lines(await told(auditor(), 'auditor'))).toEqual([
      expect.stringMatching(/^ok: https:.* answers, Kubernetes v1\./),
      'ok: it differs from ours by less than 30 s',
      'ok: it has RBACViolations',
      'ok: we may do all that the auditor does',
    ]);
  });

  test('what it may not do is named, with what grants it', async () => {
    const remediation = { enabled: true, dryRun: false };
    const [missing] = (await told(auditor({ remediation }), 'auditor')).filter(
      ({ outcome }) => outcome === 'failed',
    );
    expect(missing?.says).toBe('we may not delete rolebindings of rbac.authorization.k8s.io');
    expect(missing?.remedy).toBe(
      'kubectl apply -f deploy/auditor/rbac.yaml -f deploy/auditor/remediation.yaml',
    );
  });

  test('a publisher is told that its reports cannot be kept there', async () => {
    const verdicts = await told(
      {
        state: { folder: cluster.dir },
        repository: { url: join(cluster.dir, 'none.git') },
        policyReports: { clusters: { prod: { kubeconfigFile: cluster.auditorConfig } } },
      },
      'publisher',
    );
    expect(lines(verdicts).filter((each) => each.startsWith('failed'))).toEqual([
      'failed: we may not list, create, patch, delete subjectpolicyreports of leastwise.dev',
      'failed: we may not patch subjectpolicyreports/status of leastwise.dev',
    ]);
  });
});
