import { type PolicyObservability, readClusterPolicies } from '@leastwise/audit-policy';
import { readText } from '@leastwise/runtime';

import type { PublisherConfig } from './config.ts';

/** The audit policy of a cluster cannot be read: without it "unused" would be wrong, so no cycle is begun. */
export class AuditPolicyError extends Error {
  override readonly name = 'AuditPolicyError';
  readonly code = 'LW_AUDIT_POLICY';
  /** `CLUSTER: FILE:LINE: reason`, all of them. */
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`the audit policies cannot be read: ${problems.slice(0, 3).join('; ')}`);
    this.problems = problems;
  }
}

const MAX_POLICY_BYTES = 16 * 1024 * 1024;

/**
 * Reads the audit policy of each cluster that one is configured for; each file has to hold exactly one. Fields that an
 * API server ignores are ignored here.
 * @returns `undefined` where nothing is configured
 * @throws AuditPolicyError with all that cannot be read
 */
export async function readPolicies(
  files: PublisherConfig['auditPolicies'],
): Promise<ReadonlyMap<string, PolicyObservability> | undefined> {
  const { policies, problems } = await readClusterPolicies(files, (file) => readText(file, MAX_POLICY_BYTES));
  if (problems.length > 0) throw new AuditPolicyError(problems);
  return policies.size === 0 ? undefined : policies;
}
