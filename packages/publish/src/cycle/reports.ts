import type { Auditor } from '@leastwise/findings';
import type { ClusterState } from '@leastwise/rbac';
import {
  clusterFolder,
  complianceReportPath,
  isGenerated,
  markdownCode,
  policyReportPath,
  renderComplianceReport,
  renderPolicyReport,
} from '@leastwise/render';

import type { Proposal } from '../conduct/index.ts';
import { policyReportOf, refusedRemark } from '../policy-report.ts';
import { isLeftOutReason } from '../team/index.ts';
import { quoted } from '../team/problem.ts';
import type { Files } from '../types.ts';
import { unloggedOf } from './blind-spots.ts';
import { complianceOf } from './compliance.ts';
import { textsFingerprint } from './fingerprint.ts';
import { COMMIT_FOOTER, isOurText, type Proposed } from './policy-proposals.ts';
import type { RetirementScene } from './retire.ts';
import type { SubjectPlan } from './subjects.ts';

/** Names the pull requests of reports, which are of a cluster as a whole. */
const GROUP = 'policies';

/** One file of reports as it is to be. */
interface Report {
  readonly path: string;
  readonly content: string;
  /** What it is about, for the body. */
  readonly about: string;
}

/**
 * The reports of each cluster where the base has others: what its policies rest on, as `leastwise run` writes it, and how
 * much of its RBAC is used, where that is known. Where it is not, a report of it that is there stays as it is.
 */
export function proposeReports(scene: RetirementScene, base: Files, auditor?: Auditor): Proposed {
  const problems: string[] = [];
  const proposals = scene.clusters.flatMap((cluster): Proposal[] => {
    const reports = reportsOf(cluster, scene, auditor).filter(({ path, content }) => {
      const before = base.get(path);
      if (before === undefined || isOurs(path, before)) return before !== content;
      problems.push(`${quoted(path)} is not written by leastwise: it is left alone`);
      return false;
    });
    return reports.length === 0 ? [] : [proposalOf(cluster.cluster, reports)];
  });
  return { proposals, problems };
}

function proposalOf(cluster: string, reports: readonly Report[]): Proposal {
  const what = reports.length === 1 ? (reports[0]?.about ?? '') : 'reports';
  const title = `Update the ${what} of ${clusterFolder(cluster)}`;
  const files = reports.map(({ path, about }) => `the ${about} in ${markdownCode(path)}`).join(', ');
  return {
    cluster,
    group: GROUP,
    kind: 'reports',
    changes: reports.map(({ path, content }) => ({ action: 'write', path, content })),
    fingerprint: textsFingerprint(reports.flatMap(({ path, content }) => [path, content])),
    title,
    body: `Of cluster ${markdownCode(cluster)}: ${files}. This grants nothing and takes nothing away.`,
    labels: ['leastwise/reports'],
    reviewers: [],
    commitMessage: `${title}\n\n${COMMIT_FOOTER}`,
  };
}

function isOurs(path: string, content: string): boolean {
  return isGenerated(path, content) || (path.endsWith('/compliance.md') && isOurText(content));
}

/** In the order of the paths. */
function reportsOf(cluster: ClusterState, scene: RetirementScene, auditor: Auditor | undefined): Report[] {
  const { cluster: name } = cluster;
  const compliance = complianceOf(cluster, scene);
  const plans = scene.plans.filter((plan) => plan.cluster === cluster);
  const policies: Report = {
    path: policyReportPath(name),
    content: policiesText(cluster, plans, scene, auditor),
    about: 'policy report',
  };
  if (compliance === undefined) return [policies];
  const content = renderComplianceReport(name, compliance);
  return [{ path: complianceReportPath(name), content, about: 'compliance report' }, policies];
}

function policiesText(
  cluster: ClusterState,
  plans: readonly SubjectPlan[],
  { settings }: RetirementScene,
  auditor: Auditor | undefined,
): string {
  const leftOut = plans.flatMap((plan) => {
    const remark = remarkOf(plan);
    return remark === undefined ? [] : [{ ...plan, remark }];
  });
  const shown = plans.filter((plan) => remarkOf(plan) === undefined);
  const observability = settings.auditPolicies?.get(cluster.cluster);
  const report = policyReportOf(cluster, shown, leftOut, {
    kubernetesVersion: settings.options.kubernetesVersion,
    ...(auditor && { auditor }),
    unloggedOf: (subject) => unloggedOf(observability?.of(subject)),
  });
  return renderPolicyReport(cluster.cluster, report);
}

/** Why a subject has no policy of ours at all; `undefined` where it has one, or will have when its files are mended. */
function remarkOf({ withheld }: SubjectPlan): string | undefined {
  if (withheld === undefined) return undefined;
  if (withheld.reason === 'refused') return refusedRemark(withheld.remark);
  return isLeftOutReason(withheld.reason) ? withheld.remark : undefined;
}
