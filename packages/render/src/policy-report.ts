import type { Permission, Subject } from '@leastwise/audit-event';
import type { FindingSeverity } from '@leastwise/findings';

/** One permission with what is known of the requests that needed it. */
export interface ObservedPermission {
  readonly permission: Permission;
  readonly count: number;
  /** On how many days (UTC) it was seen. */
  readonly days: number;
  /** Microseconds since the epoch. */
  readonly firstSeenUs: number;
  readonly lastSeenUs: number;
  readonly sampleAuditID: string;
  /** Kinds of client that asked, by their own word. */
  readonly clients: readonly string[];
}

/** A permission about which there is something to say. */
export interface RemarkedPermission {
  readonly permission: Permission;
  /** Plain text. */
  readonly remark: string;
}

/** Permissions that were asked for and refused. */
export interface RefusedPermissions {
  /** In any order; the report shows those asked for most. */
  readonly observed: readonly ObservedPermission[];
  /** Requests beyond those, which the store's cap left out. */
  readonly otherRequests: number;
}

/** How many findings of one severity there are. */
export interface FindingCount {
  readonly severity: FindingSeverity;
  readonly count: number;
}

/** What the report says of one subject. */
export interface SubjectReport {
  readonly subject: Subject;
  /** Where its files are: in the folders of these namespaces, and in the cluster's. */
  readonly namespaces: readonly string[];
  readonly hasClusterFolder: boolean;
  /** What its policy rests on. */
  readonly granted: readonly ObservedPermission[];
  /** Allowed and counted, and not granted by the policy because of the verb. */
  readonly withheld: readonly ObservedPermission[];
  /** How many permissions are left to bootstrap roles and other authorizers. */
  readonly grantedElsewhere: number;
  /** What no RBAC object may or can grant, and why. */
  readonly unrenderable: readonly RemarkedPermission[];
  /** Last used before the retention window. */
  readonly outsideRetention: readonly ObservedPermission[];
  /** Where the policy grants more than was used, and why; both plain text. */
  readonly widened: readonly { readonly what: string; readonly remark: string }[];
  /** Whether a cap left permissions out, so that the policy may lack some. */
  readonly isIncomplete: boolean;
  readonly refused: RefusedPermissions;
  /** What the checks on RBAC find of its policy, by severity; absent where they did not run. */
  readonly findings?: readonly FindingCount[];
  /** What the cluster's audit policy hides of it, as plain text; absent where that is nothing, or not known. */
  readonly unlogged?: string | undefined;
}

/** What the report of one cluster rests on. */
export interface PolicyReport {
  /** Microseconds since the epoch; 0 where nothing was observed. */
  readonly firstEventUs: number;
  readonly lastEventUs: number;
  /** Number of days (UTC) with events. */
  readonly daysWithEvents: number;
  readonly subjects: readonly SubjectReport[];
  /** Subjects that have no policy by choice, and why. */
  readonly leftOut: readonly { readonly subject: Subject; readonly remark: string }[];
}
