import { expect, test } from 'vitest';

import { ConfigView } from './config-view.ts';
import { unknownClusters } from './known-clusters.ts';
import type { ServiceName } from './service-config.ts';

function told(service: ServiceName, printed: string, clusters: readonly string[]): string[] {
  const view = new ConfigView(printed);
  const config = { service, file: 'f', view, problems: [], sources: { argv: [], env: {} } };
  const sources = clusters.map((cluster) => ({
    ...{ source: 't/0', position: '1' },
    watermarks: new Map([[cluster, 1]]),
  }));
  return unknownClusters(config, sources).map(({ outcome, says }) => `${outcome}: ${says}`);
}

const REPORTS =
  'policyReports:\n  clusters:\n    prod:\n      inCluster: true\n    prdo:\n      inCluster: true\n';

test('a cluster that no event is of is told of, with those that there are', () => {
  expect(told('publisher', REPORTS, ['staging', 'prod'])).toEqual([
    'warning: policyReports.clusters names prdo, of which no event was counted; there are events of prod, staging',
  ]);
  expect(told('auditor', 'clusters:\n  x:\n    inCluster: true\n', ['prod'])).toEqual([
    'warning: clusters names x, of which no event was counted; there are events of prod',
  ]);
});

test('all is well where each has events, and nothing is said where there is nothing to compare', () => {
  expect(told('publisher', REPORTS, ['prod', 'prdo'])).toEqual([
    'ok: all that it names have events: prdo, prod',
  ]);
  expect(told('publisher', REPORTS, [])).toEqual([]);
  expect(told('publisher', 'logLevel: info\n', ['prod'])).toEqual([]);
  expect(told('aggregator', REPORTS, ['prod'])).toEqual([]);
});
