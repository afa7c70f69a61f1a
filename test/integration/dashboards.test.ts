// Dashboards, alerts and rules: that the files are what the code makes, and that a real Prometheus which scrapes what our
// services tell has an answer to every query in them.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';

import { provisionedAlerts } from '../../deploy/grafana/src/alert-rules.ts';
import { dashboards } from '../../deploy/grafana/src/dashboards.ts';
import { formatted } from '../../deploy/grafana/src/files.ts';
import {
  aggregatorExporter,
  auditorExporter,
  CLUSTER,
  type Exporter,
  PERSON,
  publisherExporter,
  serveMetrics,
} from './support/exporters.ts';
import {
  alertGroups,
  asAsked,
  namesIn,
  panelQueries,
  RULE_FILES,
  ruleQueries,
  RULES,
  selectorsOf,
  variableQueries,
} from './support/monitoring.ts';
import { isInstalled, PrometheusServer } from './support/prometheus.ts';

const GRAFANA = fileURLToPath(new URL('../../deploy/grafana/', import.meta.url));
const WAIT = { timeout: 25_000, interval: 250 };

describe('the files for Grafana', () => {
  test.each([...dashboards()])('dashboards/%s.json is what the code makes', async (name, dashboard) => {
    const path = join(GRAFANA, 'dashboards', `${name}.json`);
    await expect(await formatted(path, JSON.stringify(dashboard))).toMatchFileSnapshot(path);
  });

  test('no other dashboard lies there', () => {
    const names = [...dashboards().keys()].map((name) => `${name}.json`);
    expect(readdirSync(join(GRAFANA, 'dashboards')).sort()).toEqual(names.sort());
  });

  test('each dashboard is found by a name of its own, and so is each of its panels', () => {
    const all = [...dashboards().values()];
    expect(new Set(all.map(({ uid }) => uid)).size).toBe(all.length);
    for (const { panels = [], title } of all) {
      const titles = panels.map((panel) => panel.title);
      expect(new Set(titles).size, title).toBe(panels.length);
      expect(new Set(panels.map(({ id }) => id)).size, title).toBe(panels.length);
    }
  });

  test('the alerts are those of Prometheus', async () => {
    const path = join(GRAFANA, 'provisioning', 'alerting', 'leastwise.yaml');
    const head =
      '# To /etc/grafana/provisioning/alerting. Made of the rules in deploy/prometheus: change those.\n';
    // What the builders make holds functions, too.
    const plain = JSON.parse(JSON.stringify(provisionedAlerts(alertGroups()))) as object;
    const text = head + stringify(plain, { lineWidth: 0 });
    await expect(await formatted(path, text)).toMatchFileSnapshot(path);
  });

  test('no variable of the environment is asked for by what Grafana would take for one', () => {
    const { groups } = provisionedAlerts(alertGroups()) as {
      groups: { rules: { title: string; data: unknown; labels: unknown }[] }[];
    };
    for (const { title, data, labels } of groups.flatMap(({ rules }) => rules)) {
      expect(JSON.stringify([title, data, labels])).not.toContain('$');
    }
  });

  test('a data source that alerts ask is provisioned', () => {
    const alerts = JSON.stringify(provisionedAlerts(alertGroups()));
    const file = readFileSync(join(GRAFANA, 'provisioning/datasources/leastwise.yaml'), 'utf8');
    const { datasources } = parse(file) as { datasources: { uid: string; type: string }[] };
    expect(datasources.map(({ uid, type }) => [uid, type])).toEqual([['leastwise-prometheus', 'prometheus']]);
    expect(alerts).toContain('"datasourceUid":"leastwise-prometheus"');
  });
});

const hasPrometheus = await isInstalled('prometheus');
if (!hasPrometheus)
  console.warn('prometheus is not there: the queries of dashboards and alerts are not asked');

describe.skipIf(!hasPrometheus)('a Prometheus that scrapes our services', () => {
  const dir = mkdtempSync(join(tmpdir(), 'leastwise-prometheus-'));
  const opened: AsyncDisposable[] = [];
  let exporters: Readonly<Record<string, Exporter>> = {};
  let prometheus: PrometheusServer;

  beforeAll(async () => {
    exporters = {
      aggregator: await aggregatorExporter(),
      publisher: publisherExporter(),
      auditor: auditorExporter(),
    };
    const targets: Record<string, string> = {};
    for (const [job, exporter] of Object.entries(exporters)) {
      const served = await serveMetrics(exporter);
      opened.push(served);
      targets[job] = served.address;
    }
    const rules = RULE_FILES.map((file) => `${RULES}${file}`);
    prometheus = await PrometheusServer.start(dir, targets, rules);
    opened.push(prometheus);
    // A rate needs two scrapes, and a rule an evaluation after them.
    await prometheus.untilAnswered('min(count_over_time(up[1m])) > 3');
  });
  afterAll(async () => {
    for (const each of opened.reverse()) await each[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });

  test('reaches all of them', async () => {
    const up = await prometheus.query('up == 1');
    expect(up.map(({ metric }) => metric['job']).sort()).toEqual(Object.keys(exporters).sort());
  });

  test.each(panelQueries())('has data for %s', async (_, query) => {
    await expect.poll(() => prometheus.query(asAsked(query)), WAIT).not.toEqual([]);
  });

  test.each(variableQueries())('has values for the choices of %s', async (_, label, selector) => {
    expect(await prometheus.labelValues(label, selector)).toContain(CLUSTER);
  });

  // An alert gives nothing while all is well: so each series that it looks at is asked for.
  test.each(ruleQueries())('has the series that %s looks at', async (_, query) => {
    expect(selectorsOf(query)).not.toEqual([]);
    for (const selector of selectorsOf(query)) {
      await expect.poll(() => prometheus.query(selector), { ...WAIT, message: selector }).not.toEqual([]);
    }
  });

  test('evaluates every rule without an error', async () => {
    const names = ruleQueries().map(([name]) => `${name} ok`);
    const loaded = async (): Promise<string[]> =>
      (await prometheus.rules()).map(({ name, health }) => `${name} ${health}`).sort();
    await expect.poll(loaded, WAIT).toEqual(names.sort());
  });

  test('sees every metric of our services used in a dashboard or a rule', async () => {
    const used = new Set([...panelQueries(), ...ruleQueries()].flatMap(([, query]) => namesIn(query)));
    for (const { metrics } of Object.values(exporters)) {
      const names = [...(await metrics.text()).matchAll(/^# TYPE ((?:leastwise|rbac)_\w+) (\w+)$/gm)];
      expect(names.length).toBeGreaterThan(5);
      for (const [, name = '', type] of names) {
        expect(used, name).toContain(type === 'histogram' ? `${name}_bucket` : name);
      }
    }
  });

  test('sees nothing in any label that an event says', async () => {
    const series = await prometheus.query('{__name__=~".+"}');
    expect(series.length).toBeGreaterThan(100);
    for (const { metric } of series) expect(Object.values(metric).join()).not.toContain(PERSON);
  });
});
