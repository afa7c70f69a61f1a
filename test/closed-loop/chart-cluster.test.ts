// The chart on a real API server: every object, every pod, and a release from its installation to its end.
import { readFileSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { at, listAt, textAt } from './living/api.ts';
import { AuditedCluster, metric } from './support/audited-cluster.ts';
import { kubernetesBinaries } from './support/binaries.ts';
import { Chart, CHART, EXAMPLES, helmProgram, type Manifest, manifestsIn } from './support/chart.ts';
import { NAMESPACE, ofKind, projectFile, ran, type Said } from './support/chart.ts';
import { FOREIGN_KINDS } from './support/chart-kinds.ts';

const [binaries, helm] = [await kubernetesBinaries(), await helmProgram()];
const DRY = ['--server-side', '--dry-run=server', '--validate=strict', '--force-conflicts'];
const RENDERED = [undefined, ...EXAMPLES].map((example) => [example ?? 'the chart’s own', example] as const);

describe.skipIf(!binaries || helm === undefined)('the chart on a real API server', () => {
  const chart = new Chart(helm ?? '');
  let cluster: AuditedCluster;
  let kubeconfig = '';

  beforeAll(async () => {
    if (!binaries) return;
    cluster = await AuditedCluster.start(binaries);
    kubeconfig = await cluster.plane.kubeconfig('admin', 'admin-token');
    await cluster.kubectl('create', 'namespace', 'kafka');
    const level = 'pod-security.kubernetes.io/enforce=restricted';
    await cluster.kubectl('label', 'namespace', NAMESPACE, level);
    await cluster.apply(FOREIGN_KINDS);
    await cluster.kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s');
  });
  afterAll(async () => {
    await cluster.stop();
    await cluster[Symbol.asyncDispose]();
  });

  /** How many of these objects the API server takes. @throws Error with its reason, where it does not take one */
  async function dryRun(objects: readonly Manifest[]): Promise<number> {
    const file = join(cluster.dir, 'dry-run.json');
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    const said = await cluster.kubectl('apply', ...DRY, '-f', file);
    return said.split('\n').filter((line) => line.endsWith('serverside-applied (server dry run)')).length;
  }

  /** The pods that a release runs: what a Deployment would make, since of those it only warns. */
  function podsOf(objects: readonly Manifest[]): Manifest[] {
    const made = ofKind(objects, 'Deployment').map((deployment) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: textAt(deployment, 'metadata', 'name'), namespace: NAMESPACE },
      spec: at(deployment, 'spec', 'template', 'spec'),
    }));
    return [...made, ...ofKind(objects, 'Pod')];
  }

  describe.each(RENDERED)('with values: %s', (_, example) => {
    test('has every object taken', async () => {
      const objects = await chart.objects(example);
      expect(objects.length).toBeGreaterThan(7);
      expect(await dryRun(objects)).toBe(objects.length);
    });

    test('has every pod admitted where Pod Security is restricted', async () => {
      const pods = podsOf(await chart.objects(example));
      expect(pods.length).toBeGreaterThanOrEqual(2);
      expect(await dryRun(pods)).toBe(pods.length);
    });
  });

  test('would have a pod refused that is not as restricted', async () => {
    const [pod] = podsOf(await chart.objects());
    const spec = Object(at(pod, 'spec')) as Manifest;
    const [container] = listAt(spec, 'containers');
    const asRoot = { ...spec, securityContext: {} };
    await expect(dryRun([{ ...pod, spec: asRoot }])).rejects.toThrow(/violates PodSecurity "restricted/);
    const bare = { ...spec, containers: [{ ...Object(container), securityContext: {} }] };
    await expect(dryRun([{ ...pod, spec: bare }])).rejects.toThrow(/allowPrivilegeEscalation/);
  });

  test('has the base of kustomize and the example on top of it taken', async () => {
    for (const folder of ['base', 'overlays/example']) {
      const text = await cluster.kubectl('kustomize', projectFile(`deploy/kustomize/${folder}`));
      const objects = manifestsIn(text);
      expect(await dryRun(objects)).toBe(objects.length);
      const pods = podsOf(objects);
      expect(await dryRun(pods)).toBe(3);
      const names = ofKind(objects, 'ConfigMap').map((each) => textAt(each, 'metadata', 'name'));
      const mounted = pods.flatMap((pod) => listAt(pod, 'spec', 'volumes'));
      for (const name of names) {
        expect(name).toMatch(/^leastwise-\w+-[a-z0-9]{10}$/);
        expect(mounted.some((volume) => textAt(volume, 'configMap', 'name') === name)).toBe(true);
      }
    }
  });

  test('has topics and users of Strimzi taken', async () => {
    for (const name of ['topics', 'users']) {
      const objects = manifestsIn(readFileSync(projectFile(`deploy/strimzi/${name}.yaml`), 'utf8'));
      expect(await dryRun(objects)).toBe(objects.length);
    }
  });

  describe('as a release', () => {
    const FLAGS = ['-n', NAMESPACE, '--timeout', '60s'];

    async function helmed(...args: readonly string[]): Promise<Said> {
      const env = { HOME: cluster.dir, KUBECONFIG: kubeconfig };
      const said = await ran(chart.helm, args, env);
      expect(said.code, said.stderr).toBe(0);
      return said;
    }

    async function columns(): Promise<number> {
      const text = await cluster.kubectl('get', 'crd', 'rbacviolations.leastwise.dev', '-o', 'json');
      return listAt(JSON.parse(text), 'spec', 'versions', 0, 'additionalPrinterColumns').length;
    }

    /** The chart as it was before a field of a kind was added. */
    async function olderChart(): Promise<string> {
      const folder = join(cluster.dir, 'older');
      await cp(CHART, folder, { recursive: true });
      const file = join(folder, 'files/crds/rbacviolations.yaml');
      const [crd] = manifestsIn(readFileSync(file, 'utf8'));
      const [version] = listAt(crd, 'spec', 'versions');
      if (typeof version !== 'object' || version === null) throw new Error('there is no version');
      Reflect.deleteProperty(version, 'additionalPrinterColumns');
      writeFileSync(file, JSON.stringify(crd));
      return folder;
    }

    test('takes over the kinds that kubectl applied, and says what comes next', async () => {
      await cluster.kubectl('delete', '-f', projectFile('deploy/auditor/rbac.yaml'));
      const { stdout } = await helmed(
        'install',
        'leastwise',
        await olderChart(),
        ...FLAGS,
        '--take-ownership',
      );
      expect(stdout).toContain('rollout status deployment/leastwise-aggregator');
      expect(stdout).toContain('helm test leastwise');
      expect(stdout).toContain('Nothing is proposed yet');
      expect(await columns()).toBe(0);
    });

    test('is upgraded, its kinds with it, and rolls out what changed', async () => {
      const sum = async (name: string): Promise<string> => {
        const text = await cluster.kubectl('get', 'deployment', name, '-n', NAMESPACE, '-o', 'json');
        return textAt(JSON.parse(text), 'spec', 'template', 'metadata', 'annotations', 'checksum/config');
      };
      const before = [await sum('leastwise-aggregator'), await sum('leastwise-auditor')];
      await helmed('upgrade', 'leastwise', CHART, ...FLAGS, '--set', 'aggregator.config.logLevel=debug');
      expect(await columns()).toBeGreaterThan(0);
      expect(await sum('leastwise-aggregator')).not.toBe(before[0]);
      expect(await sum('leastwise-auditor')).toBe(before[1]);
    });

    test('lets its auditor do all that it does, and nobody else write for it', async () => {
      const auditor = await cluster.audit();
      await cluster.bind('ci-chart');
      await cluster.openOf('R009', 'ClusterRoleBinding ci-chart');
      expect(await metric(auditor, 'leastwise_auditor_held_leases')).toBe(1);
      expect(await metric(auditor, 'leastwise_auditor_errors_total')).toBe(0);
      const forged = { apiVersion: 'leastwise.dev/v1alpha1', kind: 'RBACViolation' };
      const metadata = { name: 'r009-forged-0123456789abcdef' };
      await expect(cluster.apply(JSON.stringify({ ...forged, metadata, spec: {} }))).rejects.toThrow(
        /written by the auditor alone|is invalid/,
      );
      await expect(cluster.kubectl('delete', 'rbacviolations', '--all')).rejects.toThrow(
        'written by the auditor alone',
      );
      await cluster.stop();
    });

    test('is uninstalled, and leaves what people look at', async () => {
      const before = (await cluster.violations()).length;
      expect(before).toBeGreaterThan(0);
      await helmed('uninstall', 'leastwise', ...FLAGS, '--wait');
      expect(await cluster.exists('crd', 'rbacviolations.leastwise.dev')).toBe(true);
      expect(await cluster.exists('crd', 'subjectpolicyreports.leastwise.dev')).toBe(true);
      expect((await cluster.violations()).length).toBe(before);
      for (const [kind, ...rest] of [
        ['clusterrole', 'leastwise-auditor'],
        ['validatingadmissionpolicy', 'leastwise-violations'],
        ['deployment', 'leastwise-aggregator', '-n', NAMESPACE],
      ] as const) {
        expect(await cluster.exists(kind, ...(rest as [string, ...string[]])), kind).toBe(false);
      }
    });

    test('is installed again over what was kept', async () => {
      await helmed('install', 'leastwise', CHART, ...FLAGS);
      expect(await cluster.exists('deployment', 'leastwise-auditor', '-n', NAMESPACE)).toBe(true);
    });
  });
});
