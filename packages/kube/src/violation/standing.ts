import { textAt } from '../json-value.ts';
import type { KubeObject } from '../watch/kube-object.ts';

/** What the status of an RBACViolation that stands says, as far as an auditor acts by it. */
export interface Standing {
  readonly isOpen: boolean;
  readonly isResolved: boolean;
  /** `action: reason`; empty where nothing was done. */
  readonly remediation: string;
  /** When something was deleted, in milliseconds since the epoch. */
  readonly deletedMs: number | undefined;
}

/** Reads the status of an RBACViolation. */
export function standingOf({ value }: KubeObject): Standing {
  const state = textAt(value, 'status', 'state');
  const action = textAt(value, 'status', 'remediation', 'action');
  const ms = Date.parse(textAt(value, 'status', 'remediation', 'at'));
  return {
    isOpen: state === 'Open',
    isResolved: state === 'Resolved',
    remediation: action === '' ? '' : `${action}: ${textAt(value, 'status', 'remediation', 'reason')}`,
    deletedMs: action === 'deleted' && Number.isFinite(ms) ? ms : undefined,
  };
}
