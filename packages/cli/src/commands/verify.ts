import {
  describeCell,
  isSpecialVerb,
  type Refusal,
  RefusalFinder,
  type RefusalReport,
} from '@leastwise/rbac';
import { usernameOf } from '@leastwise/audit-event';
import { openEmbeddedStore } from '@leastwise/state';
import type { Command } from 'commander';

import { CliError, EXIT } from '../exit.ts';
import type { Io } from '../io.ts';
import {
  kubernetesVersion,
  oneOf,
  type PolicyFlags,
  policyOptions,
  days,
  boolFlag,
} from '../policy-flags.ts';
import { counted, formatCount } from '../progress.ts';
import { readRbacFiles } from '../rbac-files.ts';
import { formatTime } from '../summary.ts';
import { addInputFlags, countBad, type InputFlags } from './input-flags.ts';
import { readLogs } from './read-logs.ts';
import { printable, safeJson } from '../output.ts';

interface VerifyFlags extends InputFlags, PolicyFlags {
  readonly rbac?: readonly string[];
  readonly output: 'text' | 'json';
}

/** Adds `leastwise verify`. */
export function addVerify(program: Command, io: Io): void {
  const command = program
    .command('verify')
    .description(
      'which requests that were allowed would be refused under this RBAC: what breaks if it is merged',
    );
  addInputFlags(command)
    .option('--rbac <path...>', 'manifests: files and folders')
    .option(
      '--special-verbs <mode>',
      'Grant (default) counts withheld verbs as refused, Withhold leaves them out',
      oneOf('Withhold', 'Grant'),
      'Grant',
    )
    .option(
      '--include-other-authorizers [bool]',
      'ask RBAC for what another authorizer allowed, too',
      boolFlag,
    )
    .option(
      '--retention-days <n>',
      'leave out what was last used so many days before the newest evidence',
      days,
    )
    .option(
      '--kubernetes-version <version>',
      'the version to verify for (default: the newest known)',
      kubernetesVersion,
    )
    .option('-o, --output <form>', 'text or json', oneOf('text', 'json'), 'text')
    .addHelpText('after', '\nExample:\n  leastwise verify -f audit.log --rbac policies/clusters/default\n')
    .action(async (flags: VerifyFlags) => {
      await verify(flags, io);
    });
}

async function verify(flags: VerifyFlags, io: Io): Promise<void> {
  if (flags.filename === undefined || flags.rbac === undefined) {
    throw new CliError('verify needs audit logs (-f FILE) and RBAC (--rbac PATH)');
  }
  const { objects, problems } = await readRbacFiles(flags.rbac);
  if (problems.length > 0) throw new CliError(problems.join('\n'));
  const options = { ...policyOptions(flags), retentionDays: flags.retentionDays ?? Infinity };
  const finder = new RefusalFinder(objects, options);
  await using store = await openEmbeddedStore({});
  const { ingestion } = await readLogs(flags, io, store, {
    group: undefined,
    observe: (request, isNew) => {
      if (isNew) finder.add(request);
    },
  });
  const report = finder.report();
  if (report.checked === 0) {
    const unreadable = countBad(ingestion.stats);
    if (unreadable > 0)
      throw new CliError(`nothing could be verified: ${counted(unreadable, 'record')} could not be read`);
    throw new CliError('nothing could be verified: no allowed requests were observed', EXIT.negative);
  }
  if (flags.output === 'json') io.stdout.write(`${safeJson(JSON.stringify(jsonOf(report), null, 2))}\n`);
  else io.stdout.write(textOf(report, objects.length, countBad(ingestion.stats)));
  if (report.refused.length > 0 || report.beyond > 0) throw new CliError('', EXIT.negative);
}

function refusalText(refusal: Refusal): string {
  const { subject, cell, count, firstSeenUs, lastSeenUs, sampleAuditID } = refusal;
  const times = `${formatCount(count)}×, first ${formatTime(firstSeenUs)}, last ${formatTime(lastSeenUs)}, e.g. auditID ${sampleAuditID}`;
  return printable(`refused  ${usernameOf(subject)}: ${describeCell(cell)} (${times})`);
}

function textOf(report: RefusalReport, objects: number, unreadable: number): string {
  const { skipped } = report;
  const lines = report.refused.map(refusalText);
  if (report.beyond > 0) lines.push(`and ${formatCount(report.beyond)} more`);
  const notes = [
    [skipped.otherAuthorizer, 'allowed by another authorizer'],
    [skipped.withheld, 'with a special verb, withheld'],
    [skipped.namespaceGone, 'in namespaces that were deleted'],
    [skipped.outsideRetention, 'outside the retention'],
  ] as const;
  const left = notes.filter(([count]) => count > 0).map(([count, text]) => `${formatCount(count)} ${text}`);
  if (report.refused.some(({ cell }) => isSpecialVerb(cell))) {
    lines.push('special verbs are withheld by default: --special-verbs Withhold leaves them out here');
  }
  const verdict =
    report.refused.length === 0
      ? 'nothing would be refused'
      : `${counted(report.refused.length + report.beyond, 'permission')} would be refused`;
  lines.push(
    `${verdict}: ${counted(report.checked, 'permission')} asked of ${counted(objects, 'object')}` +
      (left.length > 0 ? `; not asked: ${left.join(', ')}` : ''),
  );
  if (unreadable > 0) lines.push(`${formatCount(unreadable)} records could not be read`);
  return `${lines.join('\n')}\n`;
}

function jsonOf(report: RefusalReport): unknown {
  return {
    checked: report.checked,
    beyond: report.beyond,
    skipped: report.skipped,
    refused: report.refused.map(({ subject, cell, count, firstSeenUs, lastSeenUs, sampleAuditID }) => ({
      subject,
      permission: cell,
      count,
      firstSeen: formatTime(firstSeenUs),
      lastSeen: formatTime(lastSeenUs),
      sampleAuditID,
    })),
  };
}
