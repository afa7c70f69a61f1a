import type { ClusterState } from '@leastwise/rbac';
import {
  clusterFolder,
  isGenerated,
  markdownCode,
  policyReportPath,
  renderPolicyReport,
} from '@leastwise/render';

import type { Proposal } from '../conduct/index.ts';
import { policyReportOf, refusedRemark } from '../policy-report.ts';
import { quoted } from '../team/problem.ts';
import type { Files } from '../types.ts';
import { textsFingerprint } from './fingerprint.ts';
import { COMMIT_FOOTER, type Proposed } from './policy-proposals.ts';
import type { SubjectPlan } from './subjects.ts';
import { LEFT_OUT_SENTENCES, type LeftOutReason } from '../team/index.ts';

/** Names the pull requests of policy reports, which are of a cluster as a whole. */
const GROUP = 'policies';

/** The policy report of each cluster, as `leastwise run` writes it, where the base has another one. */
export function proposeReports(
  clusters: readonly ClusterState[],
  plans: readonly SubjectPlan[],
  base: Files,
): Proposed {
  const proposals: Proposal[] = [];
  const problems: string[] = [];
  for (const cluster of clusters) {
    const { cluster: name } = cluster;
    const path = policyReportPath(name);
    const before = base.get(path);
    const content = reportOf(
      cluster,
      plans.filter((plan) => plan.cluster === cluster),
    );
    if (before === content) continue;
    if (before !== undefined && !isGenerated(path, before)) {
      problems.push(`${quoted(path)} is not written by leastwise: it is left alone`);
      continue;
    }
    const title = `Update the policy report of ${clusterFolder(name)}`;
    proposals.push({
      cluster: name,
      group: GROUP,
      kind: 'reports',
      changes: [{ action: 'write', path, content }],
      fingerprint: textsFingerprint([path, content]),
      title,
      body: `What the policies of cluster ${markdownCode(name)} rest on, in ${markdownCode(path)}. It grants nothing and takes nothing away.`,
      labels: ['leastwise/reports'],
      reviewers: [],
      commitMessage: `${title}\n\n${COMMIT_FOOTER}`,
    });
  }
  return { proposals, problems };
}

function reportOf(cluster: ClusterState, plans: readonly SubjectPlan[]): string {
  const leftOut = plans.flatMap((plan) => {
    const remark = remarkOf(plan);
    return remark === undefined ? [] : [{ ...plan, remark }];
  });
  const shown = plans.filter((plan) => remarkOf(plan) === undefined);
  return renderPolicyReport(cluster.cluster, policyReportOf(cluster, shown, leftOut));
}

/** Why a subject has no policy of ours at all; `undefined` where it has one, or will have when its files are mended. */
function remarkOf({ withheld }: SubjectPlan): string | undefined {
  if (withheld === undefined) return undefined;
  if (withheld.reason === 'refused') return refusedRemark(withheld.remark);
  return isLeftOut(withheld.reason) ? withheld.remark : undefined;
}

function isLeftOut(reason: string): reason is LeftOutReason {
  return Object.hasOwn(LEFT_OUT_SENTENCES, reason);
}
