import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';

import { compliance } from './compliance.ts';
import { kubectlActivity } from './kubectl-activity.ts';
import { pipelineHealth } from './pipeline-health.ts';
import { rbacViolations } from './rbac-violations.ts';
import { refusedRequests } from './refused-requests.ts';
import { verbsByClass } from './verbs-by-class.ts';

/** All dashboards, by the names of their files. */
export function dashboards(): ReadonlyMap<string, Dashboard> {
  const all = [pipelineHealth, verbsByClass, refusedRequests, kubectlActivity, compliance, rbacViolations];
  return new Map(
    all.map((make) => {
      const dashboard = make().build();
      // Grafana would number them by itself, otherwise each time it reads the file.
      for (const [i, panel] of (dashboard.panels ?? []).entries()) panel.id = i + 1;
      return [(dashboard.uid ?? '').replace(/^leastwise-/, ''), dashboard];
    }),
  );
}
