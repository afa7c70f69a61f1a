/** The API of `deploy/crds/subjectpolicyreports.yaml`. */
export const REPORT_API = {
  group: 'leastwise.dev',
  version: 'v1alpha1',
  plural: 'subjectpolicyreports',
} as const;

/** What marks the reports that are ours to change and to delete. */
export const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';
/** The value of {@link MANAGED_BY_LABEL}. */
export const MANAGED_BY = 'leastwise';

/** The band of a compliance score: at least 80, at least 50, below. */
export type ComplianceSeverity = 'Green' | 'Yellow' | 'Red';

/** One observed permission, or one verb on several names of a resource; lists as a policy rule has them. */
export interface ObservedRule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly verbs: readonly string[];
  /** Absent for cluster-scoped and all-namespace requests, and for URLs. */
  readonly namespace?: string;
  /** Requests, those of names that are not listed included. */
  readonly count: number;
  /** RFC 3339, UTC, whole seconds. */
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** Present where not all names or URLs are listed. */
  readonly hasMoreNames?: true;
}

/** What a report has no room for; 0 and 0 and so on where it holds everything. */
export interface Truncated {
  /** Observed rules that are not listed. */
  readonly observedRules: number;
  /** Listed rules of which not all names are. */
  readonly resourceNames: number;
  /** Manifests, all or none: a part of a policy would grant less than is needed. */
  readonly manifests: number;
  /** Requests that the state had no room to tell apart: nothing of them is listed. */
  readonly requests: number;
}

/** A condition as it is decided; the API server's `lastTransitionTime` is set when it is applied. */
export interface ReportCondition {
  readonly type: 'Complete';
  readonly status: 'True' | 'False';
  readonly reason: 'AllListed' | 'PolicyWithheld' | 'EvidenceCapped' | 'PolicyTooLarge' | 'ListsTruncated';
  readonly message: string;
}

/** What is known of one subject and suggested for it. */
export interface ReportStatus {
  /** For people, escaped. */
  readonly subject: string;
  /** Of all observed rules, listed or not. */
  readonly ruleCount: number;
  readonly observedRules: readonly ObservedRule[];
  readonly suggestedPolicy: {
    /** YAML documents, each with `---` before it: one after the other they are a file for `kubectl apply -f -`. */
    readonly manifests: readonly string[];
  };
  /** Observed permissions that the suggested policy leaves out, by reason. */
  readonly notGranted: readonly { readonly reason: string; readonly permissions: number }[];
  /** From 0 (nothing that is granted was used) to 100 (all of it was); absent where it is not known. */
  readonly complianceScore?: number;
  readonly severity?: ComplianceSeverity;
  readonly truncated: Truncated;
  readonly conditions: readonly ReportCondition[];
}

/** A SubjectPolicyReport as we apply it. */
export interface SubjectPolicyReport {
  readonly apiVersion: 'leastwise.dev/v1alpha1';
  readonly kind: 'SubjectPolicyReport';
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly cluster: string;
    readonly subject: {
      readonly kind: 'User' | 'Group' | 'ServiceAccount';
      readonly namespace?: string;
      readonly name: string;
    };
  };
  readonly status: ReportStatus;
}
