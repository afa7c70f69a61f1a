import {
  openRepository,
  type OpenedRepository,
  type RepositoryKey,
  repositoryProblems,
  type RepositorySettings,
} from '@leastwise/forge';
import type { OfficeHours, TimeZone } from '@leastwise/activity';
import { PolicyObservability } from '@leastwise/audit-policy';
import { type ActivityReportSettings, PublishError } from '@leastwise/publish';
import type { PolicyOptions, RbacObject } from '@leastwise/rbac';
import type { Command } from 'commander';

import { readOnePolicy } from '../audit-policy/read-policies.ts';
import { CliError } from '../exit.ts';
import type { Io } from '../io.ts';
import { openState } from '../open-state.ts';
import { addPolicyFlags, namedApart, oneOf, type PolicyFlags, policyOptions } from '../policy-flags.ts';
import { readRbacFiles } from '../rbac-files.ts';
import { officeHours } from '../report/office-hours.ts';
import { readPseudonyms } from '../report/pseudonyms.ts';
import { timeZone } from '../report/time-zone.ts';
import { publishOnce, type Publication } from './publish-once.ts';

interface PublishFlags extends PolicyFlags {
  readonly state: string;
  readonly statePrefix: string;
  readonly repository: string;
  readonly base: string;
  readonly authorName: string;
  readonly authorEmail: string;
  readonly signingKeyFile?: string;
  readonly gitTokenFile?: string;
  readonly sshKeyFile?: string;
  readonly knownHostsFile?: string;
  readonly caFile?: string;
  readonly mirror?: string;
  readonly forge: RepositorySettings['forge']['kind'];
  readonly forgeUrl?: string;
  readonly forgeRepository?: string;
  readonly tokenFile?: string;
  readonly appId?: string;
  readonly appInstallationId?: string;
  readonly appKeyFile?: string;
  readonly webUrl?: string;
  readonly policies: 'branch' | 'base';
  readonly reports: 'branch' | 'base' | 'none';
  readonly kubectlReports: boolean;
  readonly pseudonyms?: string;
  readonly timeZone?: TimeZone;
  readonly officeHours?: OfficeHours;
  readonly rbac?: readonly string[];
  readonly auditPolicy?: readonly string[];
  readonly plan?: boolean;
  readonly output: 'text' | 'json';
}

/** The flag of each setting, for messages. */
const FLAG_OF: Readonly<Record<RepositoryKey, string>> = {
  url: '--repository',
  base: '--base',
  signingKeyFile: '--signing-key-file',
  tokenFile: '--git-token-file',
  sshKeyFile: '--ssh-key-file',
  knownHostsFile: '--known-hosts-file',
  caFile: '--ca-file',
  folder: '--mirror',
  'forge.kind': '--forge',
  'forge.apiUrl': '--forge-url',
  'forge.repository': '--forge-repository',
  'forge.tokenFile': '--token-file',
  'forge.webUrl': '--web-url',
  'forge.app.id': '--app-id',
  'forge.app.installationId': '--app-installation-id',
  'forge.app.privateKeyFile': '--app-key-file',
};

/** Adds `leastwise publish`. */
export function addPublish(program: Command, io: Io, version: string): void {
  const command = program
    .command('publish')
    .description('the publisher once: what a state knows, as pull requests to a GitOps repository')
    .requiredOption('--state <place>', 'the state: a folder of `run`, or redis://…')
    .option('--state-prefix <text>', 'what its keys in Redis begin with', 'leastwise:');
  addRepositoryFlags(command);
  addForgeFlags(command);
  addContentFlags(command);
  addPolicyFlags(command)
    .option('--plan', 'say what would be done, and do nothing')
    .option('-o, --output <form>', 'what is said as text or json', oneOf('text', 'json'), 'text')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  leastwise publish --state gitops/.leastwise --repository /srv/git/policies.git --plan\n' +
        '  leastwise publish --state redis://redis:6379 --repository https://github.com/acme/policies \\\n' +
        '    --forge github --token-file token\n',
    )
    .action(async (flags: PublishFlags) => {
      await publish(flags, { io, version });
    });
}

function addContentFlags(command: Command): void {
  command
    .option(
      '--policies <where>',
      'branch, or base: committed unreviewed, reports too, where there is no forge',
      oneOf('branch', 'base'),
      'branch',
    )
    .option(
      '--reports <where>',
      'reports on policies: branch, base, or none',
      oneOf('branch', 'base', 'none'),
      'branch',
    )
    .option('--no-kubectl-reports', 'no reports of what was done with kubectl')
    .option('--pseudonyms <file>', 'the secret key of pseudonyms, where leastwise.yaml wants these of people')
    .option('--time-zone <zone>', 'of these reports, such as Europe/Berlin (default: UTC)', timeZone)
    .option('--office-hours <hours>', 'of these reports, such as 8-18', officeHours)
    .option('--rbac <cluster=path...>', 'RBAC that exists in a cluster: files and folders')
    .option(
      '--audit-policy <cluster=file...>',
      'the audit policy of a cluster: what it does not log is never called unused',
    );
}

function addRepositoryFlags(command: Command): void {
  command
    .requiredOption(
      '--repository <url>',
      'the GitOps repository: https://, ssh://, user@host:path, or a path',
    )
    .option('--base <branch>', 'the branch that proposals are made for', 'main')
    .option('--author-name <name>', 'author and committer', 'Leastwise')
    .option('--author-email <address>', 'its address', 'leastwise@localhost')
    .option('--signing-key-file <file>', 'an SSH key without passphrase that signs commits; ed25519')
    .option('--git-token-file <file>', 'a token for git over https, where it is not that of the forge')
    .option('--ssh-key-file <file>', 'the key for git over ssh')
    .option('--known-hosts-file <file>', 'the hosts that ssh knows')
    .option('--ca-file <file>', 'PEM of an authority to trust, by git and towards the forge')
    .option('--mirror <folder>', 'keep a copy of what is needed for the next time');
}

function addForgeFlags(command: Command): void {
  command
    .option(
      '--forge <kind>',
      'what has the pull requests: github, gitlab, gitea; none: branches only',
      oneOf('none', 'github', 'gitlab', 'gitea'),
      'none',
    )
    .option('--forge-url <url>', "its API (default: at the repository's host)")
    .option('--forge-repository <name>', "owner/name (default: what the repository's address says)")
    .option('--token-file <file>', 'holds its token')
    .option('--app-id <id>', 'an app of GitHub, in place of a token')
    .option('--app-installation-id <id>', 'where it is installed')
    .option('--app-key-file <file>', 'PEM of its RSA key')
    .option('--web-url <url>', 'where people read the repository');
}

function repositoryOf(flags: PublishFlags): RepositorySettings {
  const { appId, appInstallationId, appKeyFile } = flags;
  const given = [appId, appInstallationId, appKeyFile].filter((each) => each !== undefined);
  if (given.length !== 0 && given.length !== 3)
    throw new CliError('--app-id, --app-installation-id and --app-key-file go together');
  const [id = '', installationId = '', privateKeyFile = ''] = given;
  return {
    url: flags.repository,
    base: flags.base,
    author: { name: flags.authorName, email: flags.authorEmail },
    signingKeyFile: flags.signingKeyFile,
    tokenFile: flags.gitTokenFile,
    sshKeyFile: flags.sshKeyFile,
    knownHostsFile: flags.knownHostsFile,
    caFile: flags.caFile,
    folder: flags.mirror,
    forge: {
      kind: flags.forge,
      apiUrl: flags.forgeUrl,
      repository: flags.forgeRepository,
      tokenFile: flags.tokenFile,
      app: given.length === 0 ? undefined : { id, installationId, privateKeyFile },
      webUrl: flags.webUrl,
    },
  };
}

function optionsOf(flags: PublishFlags): PolicyOptions {
  if (flags.includeDenied === true)
    throw new CliError('--include-denied: in a repository `includeDenied` of leastwise.yaml says for whom');
  // A preset may count what was refused; the team's file has the only say in that.
  return { ...namedApart(policyOptions(flags), flags), includeDenied: false };
}

/** @throws CliError where a path is not given for a cluster, or cannot be read */
async function existingOf(
  flags: PublishFlags,
): Promise<ReadonlyMap<string, readonly RbacObject[]> | undefined> {
  const paths = new Map<string, string[]>();
  for (const each of flags.rbac ?? []) {
    const [cluster, path] = byCluster(each, '--rbac');
    paths.set(cluster, [...(paths.get(cluster) ?? []), path]);
  }
  const existing = new Map<string, readonly RbacObject[]>();
  for (const [cluster, own] of paths) {
    const { objects, problems } = await readRbacFiles(own);
    if (problems.length > 0) throw new CliError(problems.join('\n'));
    existing.set(cluster, objects);
  }
  return existing.size === 0 ? undefined : existing;
}

/** @throws CliError where a file is not given for a cluster, does not hold one policy, or a cluster has two */
async function auditPoliciesOf(
  flags: PublishFlags,
  io: Io,
): Promise<ReadonlyMap<string, PolicyObservability> | undefined> {
  const policies = new Map<string, PolicyObservability>();
  for (const each of flags.auditPolicy ?? []) {
    const [cluster, file] = byCluster(each, '--audit-policy');
    if (policies.has(cluster)) throw new CliError(`--audit-policy: cluster "${cluster}" has two`);
    policies.set(cluster, new PolicyObservability(await readOnePolicy(file, io)));
  }
  return policies.size === 0 ? undefined : policies;
}

/** @throws CliError where it is not `CLUSTER=PATH` */
function byCluster(text: string, flag: string): readonly [cluster: string, path: string] {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) throw new CliError(`${flag} "${text}" is not CLUSTER=PATH`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** How reports of what people did are made; whom they show, leastwise.yaml says. */
async function activityReportsOf(flags: PublishFlags): Promise<ActivityReportSettings | undefined> {
  if (flags.reports === 'none' || !flags.kubectlReports) return undefined;
  return {
    pseudonymOf: flags.pseudonyms === undefined ? undefined : await readPseudonyms(flags.pseudonyms),
    timeZone: flags.timeZone,
    officeHours: flags.officeHours,
  };
}

async function open(settings: RepositorySettings): Promise<OpenedRepository> {
  const problems = await repositoryProblems(settings);
  if (problems.length > 0)
    throw new CliError(problems.map(({ key, reason }) => `${FLAG_OF[key]} ${reason}`).join('\n'));
  try {
    return await openRepository(settings);
  } catch (error) {
    if (!(error instanceof PublishError)) throw error;
    throw new CliError(`cannot use the repository: ${error.message}`);
  }
}

function directlyOf({ policies, reports, forge }: PublishFlags): 'nothing' | 'reports' | 'everything' {
  if (policies === 'branch') return reports === 'base' ? 'reports' : 'nothing';
  if (forge !== 'none')
    throw new CliError('--policies base commits unreviewed, which is for a repository without pull requests');
  return 'everything';
}

async function publish(
  flags: PublishFlags,
  { io, version }: Pick<Publication, 'io'> & { readonly version: string },
): Promise<void> {
  const options = optionsOf(flags);
  const directly = directlyOf(flags);
  const settings = repositoryOf(flags);
  const existing = await existingOf(flags);
  const auditPolicies = await auditPoliciesOf(flags, io);
  const activityReports = await activityReportsOf(flags);
  await using repository = await open(settings);
  await using store = await openState(flags.state, flags.statePrefix);
  await publishOnce({
    io,
    store,
    repository,
    isPlan: flags.plan === true,
    isJson: flags.output === 'json',
    settings: {
      base: flags.base,
      directly,
      options,
      version,
      // Without a forge, GitHub's is the common ground.
      codeownersDialect: flags.forge === 'none' ? 'github' : flags.forge,
      ...(repository.filesUrl === undefined ? {} : { links: repository.filesUrl }),
      publishesReports: flags.reports !== 'none',
      ...(activityReports === undefined ? {} : { activityReports }),
      ...(existing === undefined ? {} : { existing }),
      ...(auditPolicies === undefined ? {} : { auditPolicies }),
    },
  });
}
