import { type ClusterPolicies, readClusterPolicies } from '@leastwise/audit-policy';
import { readText } from '@leastwise/runtime';

import type { AuditorConfig } from './config.ts';

const MAX_POLICY_BYTES = 16 * 1024 * 1024;

/** Reads the audit policy of each cluster that one is configured for; each file has to hold exactly one. */
export function readPolicies(files: AuditorConfig['auditPolicies']): Promise<ClusterPolicies> {
  return readClusterPolicies(files, (file) => readText(file, MAX_POLICY_BYTES));
}
