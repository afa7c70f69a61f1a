import type { SourceDescription } from '@leastwise/state';

import type { ReadConfig, ServiceName } from './service-config.ts';
import { ok, type Verdict, warning } from './verdict.ts';

/** The keys of a configuration that name clusters as events do. */
const NAMING: Readonly<Record<ServiceName, readonly string[]>> = {
  aggregator: [],
  publisher: ['policyReports.clusters', 'rbac', 'auditPolicies'],
  auditor: ['clusters', 'auditPolicies'],
};

/**
 * Whether the clusters that a configuration names are those of the state: what is said of one that no event is of goes
 * nowhere, without a word. Says nothing of a state that knows no cluster.
 */
export function unknownClusters(
  { view, service }: ReadConfig,
  sources: readonly SourceDescription[],
): readonly Verdict[] {
  const known = new Set(sources.flatMap(({ watermarks }) => [...watermarks.keys()]));
  const named = NAMING[service].flatMap((key) => view.keys(key).map((cluster) => ({ key, cluster })));
  if (known.size === 0 || named.length === 0) return [];
  const what = `clusters of the ${service}`;
  const names = [...known].sort().join(', ');
  const unknown = named.filter(({ cluster }) => !known.has(cluster));
  if (unknown.length === 0) return [ok(what, `all that it names have events: ${names}`)];
  return unknown.map(({ key, cluster }) =>
    warning(
      what,
      `${key} names ${cluster}, of which no event was counted; there are events of ${names}`,
      'Write it as the aggregators have it: their cluster.name, or what the shipper or the topic says.',
    ),
  );
}
