import { readFile } from 'node:fs/promises';

import {
  audit,
  type AuditInput,
  type AuditResult,
  catalogue,
  FINDING_SEVERITIES,
  type FindingSeverity,
  parseViolationPolicy,
  type Suppression,
  type ViolationPolicy,
} from '@leastwise/findings';
import { bootstrapDefaults, type KubernetesVersion, NEWEST_KUBERNETES } from '@leastwise/rbac';
import {
  type FindingsReport,
  renderFindingsJson,
  renderFindingsMarkdown,
  renderFindingsTable,
  renderGithubAnnotations,
  renderJunit,
  renderSarif,
} from '@leastwise/render';
import type { Command } from 'commander';

import { CliError, EXIT, messageOf } from '../exit.ts';
import type { Io } from '../io.ts';
import { printable, safeJson } from '../output.ts';
import { day, kubernetesVersion, oneOf } from '../policy-flags.ts';
import { type LiveFlags, readLiveRbac } from '../live-cluster.ts';
import { readManifestFiles } from '../scan/manifest-files.ts';
import { auditInputOf, type ManifestSet, readManifestSet } from '../scan/scan-input.ts';

/** The forms of a report; what is JSON is spelled so that nothing in it steers a terminal. */
const FORMS = {
  table: renderFindingsTable,
  json: (report: FindingsReport) => safeJson(renderFindingsJson(report)),
  sarif: (report: FindingsReport) => safeJson(renderSarif(report)),
  junit: renderJunit,
  markdown: renderFindingsMarkdown,
  github: renderGithubAnnotations,
} as const;

const MS_PER_DAY = 86_400_000;

interface ScanFlags extends LiveFlags {
  readonly live?: boolean;
  readonly policy?: string;
  readonly severity: FindingSeverity;
  readonly failOnFindings?: boolean;
  readonly snapshot?: readonly string[];
  readonly namespace: string;
  readonly asOf?: number;
  readonly kubernetesVersion?: KubernetesVersion;
  readonly output: keyof typeof FORMS;
}

/** Adds `leastwise scan`. */
export function addScan(program: Command, io: Io, version: string): void {
  program
    .command('scan')
    .description('what manifests grant that is dangerous or broken, to whom, and how it is put right')
    .argument('[path...]', 'rendered manifests: files, folders, or - for standard input')
    .option('--live', 'the RBAC of a cluster, in place of manifests')
    .option('--kubeconfig <file>', 'with --live: how the cluster is reached (default: as kubectl does)')
    .option('--context <name>', 'with --live: a context of it (default: its current one)')
    .option('--policy <file>', 'what your cluster forbids, allows and suppresses: policy.yaml')
    .option(
      '--severity <severity>',
      'show findings, and fail on them, from this one on: CRITICAL, HIGH, MEDIUM, LOW, INFO',
      oneOf(...FINDING_SEVERITIES),
      'INFO',
    )
    .option('--fail-on-findings', 'exit code 1 where there are findings that are not suppressed')
    .option(
      '--snapshot <path>',
      'the RBAC of the cluster, where roles are found and rights add up; give it again for more',
      (path: string, paths: readonly string[] | undefined) => [...(paths ?? []), path],
    )
    .option('-n, --namespace <name>', 'of objects that say none, as with kubectl apply -n', 'default')
    .option('--as-of <day>', 'today, for reviews and suppressions, YYYY-MM-DD (default: the clock)', day)
    .option(
      '--kubernetes-version <version>',
      'the version whose defaults and rules hold (default: the newest known)',
      kubernetesVersion,
    )
    .option(
      '-o, --output <form>',
      'table, json, sarif, junit, markdown or github (annotations of a workflow)',
      oneOf('table', 'json', 'sarif', 'junit', 'markdown', 'github'),
      'table',
    )
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  leastwise scan manifests --severity HIGH --fail-on-findings\n' +
        '  helm template chart -n shop | leastwise scan - -n shop\n' +
        '  leastwise scan --live --severity HIGH\n',
    )
    .action(async (paths: string[], flags: ScanFlags) => {
      await scan(paths, flags, { io, version });
    });
}

async function scan(
  paths: readonly string[],
  flags: ScanFlags,
  { io, version }: { readonly io: Io; readonly version: string },
): Promise<void> {
  const policy = flags.policy === undefined ? {} : { policy: await readPolicy(flags.policy) };
  const { audited, files, notes: readingNotes } = await readWhat(paths, flags, io);
  const kubernetes = flags.kubernetesVersion ?? NEWEST_KUBERNETES;
  const result = audit({
    ...audited,
    ...policy,
    bootstrap: bootstrapDefaults(kubernetes),
    kubernetesVersion: kubernetes,
    nowMs: flags.asOf === undefined ? Date.now() : flags.asOf * MS_PER_DAY,
  });
  const report = reportOf(result, flags.severity, { toolVersion: version, files });
  const notes = [...readingNotes, ...suppressionNotes(result, flags.policy)];
  for (const note of notes) io.stderr.write(`${printable(note)}\n`);
  io.stdout.write(FORMS[flags.output](report));
  const isClean = report.findings.every(({ suppressed }) => suppressed !== undefined);
  if (flags.failOnFindings === true && !isClean) throw new CliError('', EXIT.negative);
}

/** What is judged, from manifests or a cluster. */
interface Judged {
  readonly audited: Pick<
    AuditInput,
    'objects' | 'context' | 'known' | 'serviceAccounts' | 'workloads' | 'judgeUnboundRoles'
  >;
  readonly files: number;
  readonly notes: readonly string[];
}

async function readWhat(paths: readonly string[], flags: ScanFlags, io: Io): Promise<Judged> {
  if (flags.live !== true) {
    if (paths.length === 0) throw new CliError('scan needs manifests (PATH…) or a cluster (--live)');
    const given = (['kubeconfig', 'context'] as const).find((flag) => flags[flag] !== undefined);
    if (given !== undefined) throw new CliError(`--${given} goes with --live`);
    const { input, snapshot } = await readSets(paths, flags, io);
    return {
      audited: auditInputOf(input, snapshot),
      files: input.files,
      notes: foreignNotes(input, snapshot),
    };
  }
  if (paths.length > 0 || flags.snapshot !== undefined) {
    throw new CliError('--live reads a cluster: give no manifests and no snapshot with it');
  }
  const { objects, serviceAccounts, namespaces } = await readLiveRbac(flags);
  const known = { serviceAccounts, namespaces };
  return { audited: { objects, known, serviceAccounts, judgeUnboundRoles: false }, files: 0, notes: [] };
}

/** The input and the snapshot. @throws CliError with all that cannot be read, for a report without it would be wrong */
async function readSets(
  paths: readonly string[],
  { snapshot: snapshotPaths = [], namespace }: ScanFlags,
  io: Io,
): Promise<{ readonly input: ManifestSet; readonly snapshot: ManifestSet }> {
  if (snapshotPaths.includes('-')) throw new CliError('--snapshot takes files and folders, not -');
  const input = readManifestSet(await readManifestFiles(paths, io.stdin), { namespace, hasOrigins: true });
  const snapshot = readManifestSet(await readManifestFiles(snapshotPaths, io.stdin), {
    namespace: 'default',
    hasOrigins: false,
  });
  const problems = [...input.problems, ...snapshot.problems];
  if (problems.length > 0) throw new CliError(problems.join('\n'));
  if (input.files === 0) throw new CliError(`no manifest in ${paths.join(', ')}: nothing has a kind`);
  return { input, snapshot };
}

async function readPolicy(path: string): Promise<ViolationPolicy> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CliError(`${path}: ${messageOf(error)}`);
  });
  const { policy, problems } = parseViolationPolicy(text, path);
  if (policy === undefined) {
    const lines = problems.map(({ file, line, path: at, detail }) =>
      [`${file}:${String(line)}`, ...(at === '' ? [] : [at]), detail].join(': '),
    );
    throw new CliError(lines.join('\n'));
  }
  return policy;
}

function reportOf(
  { findings, scanned }: AuditResult,
  severity: FindingSeverity,
  { toolVersion, files }: { readonly toolVersion: string; readonly files: number },
): FindingsReport {
  const rank = (each: FindingSeverity): number => FINDING_SEVERITIES.indexOf(each);
  const shown = findings.filter((finding) => rank(finding.severity) <= rank(severity));
  return {
    findings: shown,
    checks: catalogue(),
    toolVersion,
    below: { severity, count: findings.length - shown.length },
    scanned: { files, ...scanned },
  };
}

function foreignNotes(...sets: readonly ManifestSet[]): string[] {
  return sets.flatMap(({ foreign }) => foreign.map((name) => `${name}: no manifest, passed over`));
}

function suppressionNotes({ expired, idle }: AuditResult, file = ''): string[] {
  const note = (what: string) => (each: Suppression) =>
    `${file}:${String(each.line)}: the suppression of ${each.check} ${what} (${each.owner})`;
  return [
    ...expired.map((each) => note(`ended on ${each.until} and hides nothing any more`)(each)),
    ...idle.map(note('fits no finding')),
  ];
}
