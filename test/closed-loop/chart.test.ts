// The chart: what it renders, and what it refuses. On a real API server: chart-cluster.test.ts.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { configSchema as aggregatorSchema } from '@leastwise/aggregator';
import { configSchema as auditorSchema } from '@leastwise/auditor';
import { configSchema as publisherSchema } from '@leastwise/publisher';
import { loadConfig } from '@leastwise/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { build } from '../integration/support/built.ts';
import { leastwise } from '../integration/support/leastwise.ts';
import { at, listAt, textAt } from './living/api.ts';
import { cellsOf, Chart, CHART, EXAMPLES, helmProgram, manifestsIn, NAMESPACE } from './support/chart.ts';
import { objectOf, ofKind, projectFile, ran } from './support/chart.ts';
import { checkedByService, type ConfigFile, configFiles, unmounted } from './support/chart-config.ts';

const helm = await helmProgram();
const SCHEMAS = { aggregator: aggregatorSchema, publisher: publisherSchema, auditor: auditorSchema };
const RENDERED = [undefined, ...EXAMPLES].map((example) => [example ?? 'the chart’s own', example] as const);

test('the chart holds what its sources elsewhere say', async () => {
  const check = await ran(process.execPath, [projectFile('deploy/helm/sync.mjs'), '--check']);
  expect(check).toEqual({ code: 0, stdout: '', stderr: '' });
});

describe.skipIf(helm === undefined)('the chart', () => {
  const chart = new Chart(helm ?? '');
  const dir = mkdtempSync(join(tmpdir(), 'leastwise-chart-'));

  beforeAll(build, 600_000);
  afterAll(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  test('is what the base of kustomize is made of', async () => {
    const script = projectFile('deploy/kustomize/render.mjs');
    const check = await ran(process.execPath, [script, '--check', '--helm', chart.helm]);
    expect(check).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  describe.each(RENDERED)('with values: %s', (name, example) => {
    test('is taken by helm lint', async () => {
      const values = example === undefined ? [] : ['-f', join(CHART, 'ci', example)];
      const { code, stdout } = await chart.said('lint', '--strict', CHART, ...values);
      expect(code, stdout).toBe(0);
      expect(stdout).not.toMatch(/\[(?:WARNING|ERROR)\]/);
    });

    test('has nothing that our own scan would object to', async () => {
      const file = join(dir, 'scanned.yaml');
      writeFileSync(file, (await chart.template(example)).stdout);
      const { code, stdout } = await leastwise(['scan', file, '--severity', 'INFO', '--fail-on-findings']);
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^no findings; scanned/)]);
    });

    test('gives each service a file that it takes, and mounts what that names', async () => {
      for (const file of configFiles(await chart.objects(example))) {
        expect(unmounted(file), file.component).toEqual([]);
        const said = await checkedByService(file, join(dir, name, file.component));
        expect(said, file.component).toEqual({ code: 0, stdout: 'the configuration is good\n', stderr: '' });
      }
    });

    test('gives each service the time, the memory and the port that its configuration asks for', async () => {
      for (const file of configFiles(await chart.objects(example))) expectFits(file);
    });

    test('runs the same check by helm test', async () => {
      const objects = await chart.objects(example);
      for (const { component, pod } of configFiles(objects)) {
        const spec = at(objectOf(objects, 'Pod', `leastwise-${component}-config-check`), 'spec');
        const words = [`leastwise-${component}`, 'config', 'check', '--config'];
        expect(listAt(spec, 'containers', 0, 'command')).toEqual(['tini', '--']);
        expect(listAt(spec, 'containers', 0, 'args')).toEqual([
          ...words,
          `/etc/leastwise/config/${component}.yaml`,
        ]);
        expect(at(spec, 'volumes')).toEqual(at(pod, 'spec', 'volumes'));
      }
    });
  });

  /** Compares a pod with what its service makes of the configuration. */
  function expectFits({ component, text, pod }: ConfigFile): void {
    const file = join(dir, 'fits.yaml');
    // What is behind these paths is not asked here.
    writeFileSync(file, text.replaceAll(/^ *\w*[pP]asswordFile:.*\n/gm, ''));
    const schema = SCHEMAS[component as keyof typeof SCHEMAS];
    const config = loadConfig({ service: component, schema, argv: ['--config', file], env: {} });
    if (!config.ok) throw new Error(config.problems.join('\n'));
    const [container] = listAt(pod, 'spec', 'containers');
    expect(at(pod, 'spec', 'terminationGracePeriodSeconds')).toBe(config.value.shutdown / 1000 + 10);
    const probe = at(container, 'startupProbe');
    const patience = Number(at(probe, 'periodSeconds')) * Number(at(probe, 'failureThreshold'));
    expect(patience).toBeGreaterThan(config.value.outage / 1000);
    expect(at(container, 'ports', 0, 'containerPort')).toBe(config.value.http.port);
    const limit = textAt(container, 'resources', 'limits', 'memory');
    const limitMiB = parseInt(limit, 10) * (limit.endsWith('Gi') ? 1024 : 1);
    const options = listAt(container, 'env').find((each) => textAt(each, 'name') === 'NODE_OPTIONS');
    expect(textAt(options, 'value')).toBe(`--max-old-space-size=${String(limitMiB * 0.75)}`);
  }

  test.each([
    ['a password', 'aggregator.config.redis.password=x'],
    ['a password for all', 'redis.password=x'],
    ['a password of Kafka', 'aggregator.config.kafka.sasl.password=x'],
    ['a key that the service does not know', 'aggregator.config.kafka.broker=x'],
    ['a key that the chart does not know', 'aggregator.replica=3'],
    ['a duration that is none', 'aggregator.config.shutdown=soon'],
    ['no broker', 'aggregator.config.kafka.brokers=null'],
    ['a publisher that is not told where', 'publisher.enabled=true'],
    ['no limit of memory', 'aggregator.resources.limits.memory=null'],
    ['a limit that no heap can be worked out from', 'aggregator.resources.limits.memory=1e9'],
    ['two ways to scale', 'aggregator.autoscaling.mode=both'],
    ['a folder outside of its place', 'aggregator.secrets.a/b.secretName=x'],
    ['a Secret without a name', 'aggregator.secrets.kafka.items=null'],
    ['half a digest', 'image.digest=sha256:0123'],
  ])('refuses %s', async (_, value) => {
    const { code, stderr } = await chart.template(undefined, '--set', value);
    expect([code, stderr]).toEqual([1, expect.stringContaining("values don't meet the specifications")]);
  });

  test('refuses KEDA that cannot sign in', async () => {
    const name = 'aggregator.autoscaling.keda.authenticationRef=';
    const { code, stderr } = await chart.template('kafka-oauthbearer-keda.yaml', '--set', name);
    expect([code, stderr]).toEqual([1, expect.stringContaining('KEDA needs a TriggerAuthentication')]);
  });

  test('leaves the number of aggregators to whoever scales them', async () => {
    const replicas = async (example?: string): Promise<unknown> =>
      at(objectOf(await chart.objects(example), 'Deployment', 'leastwise-aggregator'), 'spec', 'replicas');
    expect(await replicas()).toBe(2);
    expect(await replicas('kafka-oauthbearer-keda.yaml')).toBeUndefined();
    expect(await replicas('hpa-auditor-off.yaml')).toBeUndefined();
  });

  test('gives the auditor the rights of deploy/auditor, and nobody else any', async () => {
    const roles = (objects: readonly Record<string, unknown>[]): string[] =>
      [...ofKind(objects, 'Role'), ...ofKind(objects, 'ClusterRole')].flatMap(cellsOf).sort();
    const fileOf = (name: string) => manifestsIn(readFileSync(projectFile(`deploy/auditor/${name}`), 'utf8'));
    expect(roles(await chart.objects())).toEqual(roles(fileOf('rbac.yaml')));
    const more = await chart.objects('kafka-mtls-redis-sentinel.yaml');
    const [documented = ''] = /```yaml\n(apiVersion: rbac[^]*?)```/
      .exec(readFileSync(projectFile('docs/publisher.md'), 'utf8'))
      ?.slice(1) ?? [''];
    expect(roles(more)).toEqual(
      roles([...fileOf('rbac.yaml'), ...fileOf('remediation.yaml'), ...manifestsIn(documented)]),
    );
    for (const binding of [...ofKind(more, 'RoleBinding'), ...ofKind(more, 'ClusterRoleBinding')]) {
      const [subject] = listAt(binding, 'subjects');
      const name = textAt(binding, 'metadata', 'name');
      expect(name.startsWith(textAt(subject, 'name')), name).toBe(true);
      expect(textAt(subject, 'name')).toMatch(/-(?:auditor|publisher)$/);
    }
    const guard = manifestsIn(readFileSync(projectFile('deploy/auditor/protect-violations.yaml'), 'utf8'));
    const ours = objectOf(more, 'ValidatingAdmissionPolicy', 'leastwise-violations');
    expect(at(ours, 'spec')).toEqual(at(guard[0], 'spec'));
  });

  test('mounts a token only where somebody speaks to the API server', async () => {
    const tokens = async (example?: string, ...flags: string[]): Promise<Record<string, unknown>> => {
      const pods = configFiles(await chart.objects(example, ...flags));
      return Object.fromEntries(
        pods.map(({ component, pod }) => [component, at(pod, 'spec', 'automountServiceAccountToken')]),
      );
    };
    expect(await tokens()).toEqual({ aggregator: false, auditor: true });
    expect(await tokens('kafka-scram-redis-cluster.yaml')).toMatchObject({ publisher: false });
    expect(await tokens('kafka-mtls-redis-sentinel.yaml')).toMatchObject({ publisher: true });
    const elsewhere = 'auditor.config.clusters.prod.kubeconfigFile=/etc/leastwise/secrets/prod/kubeconfig';
    expect(await tokens(undefined, '--set', elsewhere)).toMatchObject({ auditor: false });
  });

  test('lets out what the configurations name, and nothing else', async () => {
    const ports = async (example?: string): Promise<Record<string, unknown>> => {
      const policies = ofKind(await chart.objects(example), 'NetworkPolicy');
      return Object.fromEntries(
        policies.map((policy) => [
          textAt(policy, 'metadata', 'name').replace('leastwise-', ''),
          listAt(policy, 'spec', 'egress').map((rule) =>
            listAt(rule, 'ports').map((each) => at(each, 'port')),
          ),
        ]),
      );
    };
    const [dns, api] = [
      [53, 53],
      [443, 6443],
    ];
    expect(await ports()).toEqual({
      'default-deny': [],
      aggregator: [dns, [9092], [6379]],
      auditor: [dns, api],
    });
    expect(await ports('kafka-scram-redis-cluster.yaml')).toEqual({
      'default-deny': [],
      aggregator: [dns, [9093], [6379], [9093]],
      publisher: [dns, [6379], [443]],
      auditor: [dns, [6379], [443], api],
    });
    expect(await ports('kafka-mtls-redis-sentinel.yaml')).toEqual({
      'default-deny': [],
      aggregator: [dns, [9094], [26_379, 6379]],
      publisher: [dns, [26_379, 6379], [2222, 443], api],
      auditor: [dns, api],
    });
  });

  test('rolls a change of the configuration out, and no other', async () => {
    const sums = async (...flags: string[]): Promise<unknown[]> =>
      configFiles(await chart.objects(undefined, ...flags)).map(({ pod }) =>
        at(pod, 'metadata', 'annotations', 'checksum/config'),
      );
    const [aggregator, auditor] = await sums();
    expect(await sums('--set', 'image.tag=next')).toEqual([aggregator, auditor]);
    const changed = await sums('--set', 'aggregator.config.logLevel=debug');
    expect(changed).toEqual([expect.not.stringMatching(String(aggregator)), auditor]);
  });

  test('follows the namespace and the name of its release', async () => {
    const { stdout } = await chart.said('template', 'other', CHART, '-n', 'elsewhere');
    expect(stdout).not.toContain(NAMESPACE);
    expect(stdout).toContain(
      "in ['system:serviceaccount:elsewhere:other-leastwise-auditor', 'system:apiserver']",
    );
    expect(stdout).toContain('lease:\n      namespace: elsewhere');
  });

  test('has the rules and dashboards as they are', async () => {
    const objects = await chart.objects('kafka-oauthbearer-keda.yaml');
    const [rules] = manifestsIn(readFileSync(projectFile('deploy/prometheus/stream.rules.yaml'), 'utf8'));
    expect(at(objectOf(objects, 'PrometheusRule', 'leastwise-aggregator'), 'spec')).toEqual(rules);
    const board = objectOf(objects, 'ConfigMap', 'leastwise-dashboard-compliance');
    const source = readFileSync(projectFile('deploy/grafana/dashboards/compliance.json'), 'utf8');
    expect(textAt(board, 'data', 'leastwise-compliance.json').trim()).toBe(source.trim());
    expect(textAt(board, 'metadata', 'labels', 'grafana_dashboard')).toBe('1');
  });
});
