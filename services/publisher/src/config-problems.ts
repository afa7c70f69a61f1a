import { stat } from 'node:fs/promises';

import { parseOfficeHours, timeZoneNamed } from '@leastwise/activity';
import { repositoryProblems } from '@leastwise/forge';
import { clusterSettingProblem, isNamespaceName } from '@leastwise/kube';
import { redisSettingsProblems } from '@leastwise/state-redis';

import { AuditPolicyError, readPolicies } from './audit-policies.ts';
import type { PublisherConfig } from './config.ts';
import { ExistingRbacError, readExisting } from './existing.ts';
import { PseudonymKeyError, readPseudonymKey } from './pseudonym-key.ts';
import { repositoryProblemText, repositorySettings } from './settings.ts';

/** Everything that is wrong with a configuration that fits the schema: files that are missing, values that do not go together. */
export async function configProblems(config: PublisherConfig): Promise<readonly string[]> {
  return [
    ...(await stateProblems(config)),
    ...(await placeProblems(config)),
    ...wayProblems(config),
    ...(await rbacProblems(config)),
    ...(await auditPolicyProblems(config)),
    ...(await reportProblems(config)),
    ...(await kubectlReportProblems(config)),
  ];
}

async function stateProblems({ state, redis }: PublisherConfig): Promise<string[]> {
  const { folder } = state;
  if (folder !== undefined) {
    const isFolder = await stat(folder).then(
      (entry) => entry.isDirectory(),
      () => false,
    );
    return isFolder ? [] : ['state.folder: there is no such folder'];
  }
  return await redisSettingsProblems(redis);
}

async function placeProblems(config: PublisherConfig): Promise<string[]> {
  const problems = await repositoryProblems(repositorySettings(config));
  // A file that nobody named is told of as missing.
  const isNamed = config.forge.app.privateKeyFile !== undefined;
  return problems
    .filter(({ key }) => isNamed || key !== 'forge.app.privateKeyFile')
    .map(repositoryProblemText);
}

function wayProblems({ policies, forge }: PublisherConfig): string[] {
  const problems: string[] = [];
  if (policies === 'base' && forge.kind !== 'none') {
    problems.push('policies: base commits unreviewed, which is for a repository without pull requests');
  }
  const { id, installationId, privateKeyFile } = forge.app;
  const parts = Object.entries({ id, installationId, privateKeyFile });
  const missing = parts.filter(([, value]) => value === undefined).map(([key]) => key);
  if (missing.length > 0 && missing.length < parts.length) {
    problems.push(...missing.map((key) => `forge.app.${key}: is missing`));
  }
  return problems;
}

async function rbacProblems({ rbac }: PublisherConfig): Promise<readonly string[]> {
  try {
    await readExisting(rbac);
    return [];
  } catch (error) {
    if (!(error instanceof ExistingRbacError)) throw error;
    return error.problems.map((problem) => `rbac: ${problem}`);
  }
}

async function auditPolicyProblems({ auditPolicies }: PublisherConfig): Promise<readonly string[]> {
  try {
    await readPolicies(auditPolicies);
    return [];
  } catch (error) {
    if (!(error instanceof AuditPolicyError)) throw error;
    return error.problems.map((problem) => `auditPolicies.${problem}`);
  }
}

async function reportProblems({ policyReports }: PublisherConfig): Promise<string[]> {
  const problems = isNamespaceName(policyReports.namespace)
    ? []
    : ['policyReports.namespace: cannot be the name of a namespace'];
  for (const [cluster, setting] of Object.entries(policyReports.clusters)) {
    const problem = await clusterSettingProblem(setting);
    if (problem !== undefined) problems.push(`policyReports.clusters.${cluster}${problem}`);
  }
  return problems;
}

async function kubectlReportProblems({ kubectlReports }: PublisherConfig): Promise<string[]> {
  const { pseudonymKeyFile, timeZone, officeHours } = kubectlReports;
  const problems: string[] = [];
  if (timeZoneNamed(timeZone) === undefined) {
    problems.push(`kubectlReports.timeZone: "${timeZone}" is not a time zone such as Europe/Berlin`);
  }
  // The schema has looked at all else.
  if (officeHours !== undefined && parseOfficeHours(officeHours) === undefined)
    problems.push(`kubectlReports.officeHours: "${officeHours}" ends before it begins`);
  if (pseudonymKeyFile === undefined) return problems;
  try {
    await readPseudonymKey(pseudonymKeyFile);
  } catch (error) {
    if (!(error instanceof PseudonymKeyError)) throw error;
    problems.push(`kubectlReports.pseudonymKeyFile: ${error.message}`);
  }
  return problems;
}
