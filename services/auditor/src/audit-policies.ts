import { readFile, stat } from 'node:fs/promises';

import { PolicyObservability, readAuditPolicies, solePolicy } from '@leastwise/audit-policy';

import type { AuditorConfig } from './config.ts';

const MAX_POLICY_BYTES = 16 * 1024 * 1024;

/** What the audit policies of clusters let one see. */
export interface FoundPolicies {
  readonly policies: ReadonlyMap<string, PolicyObservability>;
  /** `CLUSTER: FILE:LINE: reason`, all of them. */
  readonly problems: readonly string[];
}

/** Reads the audit policy of each cluster that one is configured for; each file has to hold exactly one. */
export async function readPolicies(files: AuditorConfig['auditPolicies']): Promise<FoundPolicies> {
  const policies = new Map<string, PolicyObservability>();
  const problems: string[] = [];
  for (const [cluster, file] of Object.entries(files)) {
    try {
      const { size } = await stat(file);
      if (size > MAX_POLICY_BYTES) throw new Error(`${file}: larger than ${MAX_POLICY_BYTES} bytes`);
      const sole = solePolicy(readAuditPolicies(await readFile(file, 'utf8'), file), file);
      if (sole.policy === undefined) problems.push(...sole.problems.map((each) => `${cluster}: ${each}`));
      else policies.set(cluster, new PolicyObservability(sole.policy));
    } catch (error) {
      problems.push(`${cluster}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { policies, problems };
}
