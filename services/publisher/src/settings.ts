import { parseOfficeHours, timeZoneNamed } from '@leastwise/activity';
import type { RepositoryProblem, RepositorySettings } from '@leastwise/forge';
import type { ActivityReportSettings, CycleSettings } from '@leastwise/publish';

import { readPolicies } from './audit-policies.ts';
import type { PublisherConfig } from './config.ts';
import { readExisting } from './existing.ts';
import { policyOptionsOf } from './policy-config.ts';
import { PseudonymKeyError, readPseudonymKey } from './pseudonym-key.ts';

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

/** Whether reports of what people did are to be written. */
export function hasKubectlReports({ reports, kubectlReports }: PublisherConfig): boolean {
  return reports !== 'none' && kubectlReports.enabled;
}

/**
 * How reports of what people did are made. Where the key for pseudonyms cannot be read there are none until it can: those
 * that are there stay as they are, and policies do not wait.
 * @param onProblem - told why
 * @returns nothing where none are to be made
 */
export async function activitySettings(
  config: PublisherConfig,
  onProblem: (problem: string) => void,
): Promise<{ readonly activityReports?: ActivityReportSettings }> {
  if (!hasKubectlReports(config)) return {};
  const { pseudonymKeyFile: key, timeZone, officeHours } = config.kubectlReports;
  try {
    return {
      activityReports: {
        pseudonymOf: key === undefined ? undefined : await readPseudonymKey(key),
        timeZone: timeZoneNamed(timeZone),
        officeHours: officeHours === undefined ? undefined : parseOfficeHours(officeHours),
      },
    };
  } catch (error) {
    if (!(error instanceof PseudonymKeyError)) throw error;
    onProblem(error.message);
    return {};
  }
}

/** What a configuration says about cycles, but for {@link ClusterFiles}. */
export function cycleSettings(
  config: PublisherConfig,
  version: string,
  filesUrl: string | undefined,
): Omit<CycleSettings, keyof ClusterFiles | 'activityReports'> {
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
