import { readAuditPolicies } from '../model/read-audit-policies.ts';
import { solePolicy } from '../model/sole-policy.ts';
import { PolicyObservability } from './observability.ts';

/** What the audit policies of clusters let one see. */
export interface ClusterPolicies {
  readonly policies: ReadonlyMap<string, PolicyObservability>;
  /** `CLUSTER: FILE:LINE: reason`, all of them. */
  readonly problems: readonly string[];
}

/**
 * Reads the audit policy of each cluster; each file has to hold exactly one. Fields that an API server ignores are ignored
 * here.
 * @param files - by cluster
 * @param textOf - of a file; what it throws is a problem
 */
export async function readClusterPolicies(
  files: Readonly<Record<string, string>>,
  textOf: (file: string) => Promise<string>,
): Promise<ClusterPolicies> {
  const policies = new Map<string, PolicyObservability>();
  const problems: string[] = [];
  for (const [cluster, file] of Object.entries(files)) {
    try {
      const sole = solePolicy(readAuditPolicies(await textOf(file), file), file);
      if (sole.policy === undefined) problems.push(...sole.problems.map((each) => `${cluster}: ${each}`));
      else policies.set(cluster, new PolicyObservability(sole.policy));
    } catch (error) {
      problems.push(`${cluster}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { policies, problems };
}
