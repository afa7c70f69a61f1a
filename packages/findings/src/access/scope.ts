import type { FindingSeverity } from '../types.ts';

/** How far a grant reaches: the whole cluster, a privileged namespace, or any other one. */
export type ScopeKind = 'cluster' | 'privileged' | 'namespace';

/** Where a grant holds. */
export interface Scope {
  readonly kind: ScopeKind;
  /** `''` for the whole cluster. */
  readonly namespace: string;
}

/** A severity for each reach. */
export type SeverityByScope = Readonly<Record<ScopeKind, FindingSeverity>>;

/** The whole cluster. */
export const WHOLE_CLUSTER: Scope = { kind: 'cluster', namespace: '' };

/** Severities in the order of the letters in the catalogue: C, P, N. */
export function byScope(
  cluster: FindingSeverity,
  privileged: FindingSeverity,
  namespace: FindingSeverity,
): SeverityByScope {
  return { cluster, privileged, namespace };
}

/** One severity, however far it reaches. */
export function everywhere(severity: FindingSeverity): SeverityByScope {
  return byScope(severity, severity, severity);
}
