import type { KubeObject } from '@leastwise/kube';

const HOUR_MS = 3_600_000;

/** What the status of an RBACViolation that stands says, as far as an auditor acts by it. */
export interface Standing {
  readonly isOpen: boolean;
  readonly isResolved: boolean;
  /** `action: reason`; empty where nothing was done. */
  readonly remediation: string;
  /** When something was deleted, in milliseconds since the epoch. */
  readonly remediatedMs: number | undefined;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

/** Reads the status of an RBACViolation. */
export function standingOf({ value }: KubeObject): Standing {
  const status = field(value, 'status');
  const state = field(status, 'state');
  const remediation = field(status, 'remediation');
  const action = field(remediation, 'action');
  const at = field(remediation, 'at');
  const ms = typeof at === 'string' ? Date.parse(at) : Number.NaN;
  return {
    isOpen: state === 'Open',
    isResolved: state === 'Resolved',
    remediation: typeof action === 'string' ? `${action}: ${String(field(remediation, 'reason'))}` : '',
    remediatedMs: action === 'deleted' && Number.isFinite(ms) ? ms : undefined,
  };
}

/** Whether a time is in the hour before another one; both in milliseconds. */
export function isWithinHour(ms: number, nowMs: number): boolean {
  return nowMs - ms < HOUR_MS;
}
