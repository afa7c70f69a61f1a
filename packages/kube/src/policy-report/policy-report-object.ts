import type { Subject } from '@leastwise/audit-event';
import type { SubjectPolicy, SubjectState } from '@leastwise/rbac';
import { escapeTerminal, renderYaml, subjectName } from '@leastwise/render';

import { storedBytes, wellFormed } from '../json-value.ts';
import { shownMessage } from '../kube-error.ts';
import { DEFAULT_REPORT_NAMESPACE, isNamespaceName, reportName, reportNamespace } from './names.ts';
import { observedRules, REPORT_LIMITS } from './observed-rules.ts';
import {
  MANAGED_BY,
  MANAGED_BY_LABEL,
  type ComplianceSeverity,
  type ReportCondition,
  type ReportStatus,
  type SubjectPolicyReport,
  type Truncated,
} from './types.ts';

/** What a report is made of. */
export interface PolicyReportInput {
  /** What was observed. */
  readonly state: SubjectState;
  /** What was inferred from it. */
  readonly policy: SubjectPolicy;
  /** How much of what is granted was used, where that is known. */
  readonly compliance?: {
    readonly score: number | undefined;
    readonly severity: ComplianceSeverity | undefined;
  };
  /** Why nothing is suggested, in a sentence, where the policy must not be applied: then none of it is in the report. */
  readonly withheld?: string;
  /** Where reports of users and groups are kept; `leastwise-system` by default. */
  readonly namespace?: string;
}

interface Completeness {
  readonly truncated: Truncated;
  readonly isCapped: boolean;
  readonly withheld: string | undefined;
}

function conditionOf({ truncated, isCapped, withheld }: Completeness): ReportCondition {
  const of = (reason: ReportCondition['reason'], message: string): ReportCondition => ({
    type: 'Complete',
    status: reason === 'AllListed' ? 'True' : 'False',
    reason,
    message,
  });
  if (withheld !== undefined) {
    return of('PolicyWithheld', shownMessage(`No policy is suggested: ${withheld}`));
  }
  if (isCapped) {
    return of('EvidenceCapped', 'More was observed than is kept: the suggested policy may lack permissions.');
  }
  if (truncated.manifests > 0) {
    return of('PolicyTooLarge', 'The suggested policy is too large for this object, so none of it is here.');
  }
  if (truncated.observedRules + truncated.resourceNames > 0) {
    return of(
      'ListsTruncated',
      'The suggested policy is whole; not all observed rules and names are listed.',
    );
  }
  return of('AllListed', 'Everything observed is listed, and the suggested policy is whole.');
}

/** Each object as render writes it, behind the marker that parts it from what comes before. */
function manifestsOf({ objects }: SubjectPolicy): readonly string[] {
  const manifests = objects.map((object) => `---\n${renderYaml([object])}`);
  const isWithin =
    manifests.length <= REPORT_LIMITS.manifests && storedBytes(manifests) <= REPORT_LIMITS.manifestsBytes;
  return isWithin ? manifests : [];
}

function notGrantedOf({ exceptions }: SubjectPolicy): ReportStatus['notGranted'] {
  const counts = new Map<string, number>();
  for (const { class: reason } of exceptions) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, permissions]) => ({ reason, permissions }))
    .sort((a, b) => (a.reason < b.reason ? -1 : 1));
}

const NO_SCORE = { score: undefined, severity: undefined };

function statusOf({ state, policy, compliance, withheld }: PolicyReportInput): ReportStatus {
  const { score, severity } = compliance ?? NO_SCORE;
  const observed = observedRules(state.allowed);
  const manifests = withheld === undefined ? manifestsOf(policy) : [];
  const isCapped = policy.isIncomplete || state.allowed.overflow !== undefined;
  const truncated: Truncated = {
    observedRules: observed.total - observed.rules.length,
    resourceNames: observed.withMoreNames,
    manifests: withheld === undefined ? policy.objects.length - manifests.length : 0,
    requests: state.allowed.overflow?.count ?? 0,
  };
  return {
    subject: shownSubject(policy.subject),
    ruleCount: observed.total,
    observedRules: observed.rules,
    suggestedPolicy: { manifests },
    notGranted: notGrantedOf(policy),
    ...(score === undefined ? {} : { complianceScore: score }),
    ...(severity === undefined ? {} : { severity }),
    truncated,
    conditions: [conditionOf({ truncated, isCapped, withheld })],
  };
}

/** A column of a table: one line, not wider than that. */
const MAX_SHOWN = 200;

function shownSubject(subject: Subject): string {
  const text = subjectName(subject);
  return escapeTerminal(text.slice(0, MAX_SHOWN)) + (text.length > MAX_SHOWN ? '…' : '');
}

function specSubject({ kind, namespace, name }: Subject): SubjectPolicyReport['spec']['subject'] {
  const isAccount = kind === 'ServiceAccount';
  return { kind, ...(isAccount ? { namespace: wellFormed(namespace) } : {}), name: wellFormed(name) };
}

/**
 * The report of one subject as an object of the cluster, below 1 MiB however much was observed: what has no room is
 * counted in `status.truncated`. The same evidence gives the same object.
 * @throws RangeError for a score that is no integer from 0 to 100, or a namespace that cannot exist
 * @remarks Pure.
 */
export function policyReportObject(input: PolicyReportInput): SubjectPolicyReport {
  const { policy, compliance = NO_SCORE, namespace = DEFAULT_REPORT_NAMESPACE } = input;
  const { score } = compliance;
  if (score !== undefined && !(Number.isInteger(score) && score >= 0 && score <= 100)) {
    throw new RangeError(`a compliance score is an integer from 0 to 100, not ${score}`);
  }
  if (!isNamespaceName(namespace)) throw new RangeError(`${JSON.stringify(namespace)} cannot be a namespace`);
  return {
    apiVersion: 'leastwise.dev/v1alpha1',
    kind: 'SubjectPolicyReport',
    metadata: {
      name: reportName(policy.subject),
      namespace: reportNamespace(policy.subject, namespace),
      labels: { [MANAGED_BY_LABEL]: MANAGED_BY },
    },
    spec: { cluster: wellFormed(policy.cluster), subject: specSubject(policy.subject) },
    status: statusOf(input),
  };
}
