import type { RepositoryProblem, RepositorySettings } from '@leastwise/forge';
import type { CycleSettings } from '@leastwise/publish';

import { readPolicies } from './audit-policies.ts';
import type { PublisherConfig } from './config.ts';
import { readExisting } from './existing.ts';
import { policyOptionsOf } from './policy-config.ts';

/** The repository and its forge, as configured. An app counts as soon as anything of it is given. */
export function repositorySettings({ repository, forge }: PublisherConfig): RepositorySettings {
  const { id, installationId, privateKeyFile } = forge.app;
  const hasApp = [id, installationId, privateKeyFile].some((each) => each !== undefined);
  const app = {
    id: String(id ?? ''),
    installationId: String(installationId ?? ''),
    privateKeyFile: privateKeyFile ?? '',
  };
  return { ...repository, forge: { ...forge, app: hasApp ? app : undefined } };
}

/** One problem of a repository, by the key of the configuration. */
export function repositoryProblemText({ key, reason }: RepositoryProblem): string {
  return `${key.startsWith('forge.') ? key : `repository.${key}`}: ${reason}`;
}

/** What the clusters have, as files tell it: read anew for each cycle. */
export type ClusterFiles = Pick<CycleSettings, 'existing' | 'auditPolicies'>;

/**
 * Reads what the clusters have.
 * @throws ExistingRbacError, AuditPolicyError
 */
export async function clusterFiles({ rbac, auditPolicies }: PublisherConfig): Promise<ClusterFiles> {
  const existing = await readExisting(rbac);
  const policies = await readPolicies(auditPolicies);
  return {
    ...(existing === undefined ? {} : { existing }),
    ...(policies === undefined ? {} : { auditPolicies: policies }),
  };
}

/** What a configuration says about cycles, but for {@link ClusterFiles}. */
export function cycleSettings(
  config: PublisherConfig,
  version: string,
  filesUrl: string | undefined,
): Omit<CycleSettings, keyof ClusterFiles> {
  const { repository, forge, policies, reports, policy } = config;
  return {
    base: repository.base,
    directly: policies === 'base' ? 'everything' : reports === 'base' ? 'reports' : 'nothing',
    options: policyOptionsOf(policy),
    version,
    // Without a forge nobody reviews, and whose CODEOWNERS it would be nobody knows: GitHub's is the common ground.
    codeownersDialect: forge.kind === 'none' ? 'github' : forge.kind,
    ...(filesUrl === undefined ? {} : { links: filesUrl }),
    publishesReports: reports !== 'none',
  };
}
