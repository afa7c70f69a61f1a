import { createHash } from 'node:crypto';

import { impliedGroups, subjectFromUsername } from '@leastwise/audit-event';
import {
  LINT_CATALOGUE,
  lintPolicy,
  type LintOptions,
  type PolicyFinding,
  problemFinding,
  type Requester,
} from '@leastwise/audit-policy';
import { renderSarifLog } from '@leastwise/render';
import type { Command } from 'commander';

import { readPoliciesBelow } from '../audit-policy/read-policies.ts';
import { CliError, EXIT } from '../exit.ts';
import type { Io } from '../io.ts';
import { printable, safeJson } from '../output.ts';
import { oneOf } from '../policy-flags.ts';
import { counted } from '../progress.ts';

interface LintFlags {
  readonly learned?: readonly string[];
  readonly truncates?: boolean;
  readonly severity: PolicyFinding['severity'];
  readonly output: 'table' | 'json' | 'sarif';
}

/** Adds `leastwise audit-policy lint`. */
export function addLint(parent: Command, io: Io, version: string): void {
  parent
    .command('lint')
    .description('what is wrong with audit policies, and what they cannot show')
    .argument(
      '<file...>',
      'policies, or files that hold some (ConfigMaps, kops, Talos, RKE2), folders of them, or -',
    )
    .option('--learned <user...>', 'usernames whose permissions are to be learnt: W12 tells what hides them')
    .option('--truncates', 'the API server cuts large events (--audit-log-truncate-enabled): no W14')
    .option(
      '--severity <severity>',
      'warning or error: findings below it are left out',
      oneOf('warning', 'error'),
      'warning',
    )
    .option('-o, --output <form>', 'table, json or sarif', oneOf('table', 'json', 'sarif'), 'table')
    .action(async (paths: string[], flags: LintFlags) => {
      await lint(paths, flags, { io, version });
    });
}

async function lint(
  paths: readonly string[],
  flags: LintFlags,
  { io, version }: { readonly io: Io; readonly version: string },
): Promise<void> {
  const options: LintOptions = {
    learned: (flags.learned ?? []).map(requesterOf),
    truncates: flags.truncates === true,
  };
  const all: PolicyFinding[] = [];
  for (const path of paths) {
    for (const { policies, problems } of await readPoliciesBelow(path, io)) {
      const found = [
        ...problems.map(problemFinding),
        ...policies.flatMap((each) => lintPolicy(each, options)),
      ];
      all.push(...found.sort((a, b) => a.line - b.line));
    }
  }
  const findings = all.filter(({ severity }) => flags.severity === 'warning' || severity === 'error');
  io.stdout.write(FORMS[flags.output](findings, version));
  if (findings.length > 0) throw new CliError('', EXIT.negative);
}

function requesterOf(username: string): Requester {
  const subject = subjectFromUsername(username);
  return { username, groups: subject === undefined ? [] : impliedGroups(subject) };
}

const FORMS = {
  table: tableOf,
  json: (findings: readonly PolicyFinding[]) =>
    `${safeJson(JSON.stringify({ findings: findings.map(plain), ...countsOf(findings) }, null, 2))}\n`,
  sarif: sarifOf,
} as const;

function countsOf(findings: readonly PolicyFinding[]) {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  return { errors, warnings: findings.length - errors };
}

function plain({ rule, shadowedBy, ...finding }: PolicyFinding): unknown {
  return {
    ...finding,
    ...(rule === undefined ? {} : { ruleIndex: rule }),
    ...(shadowedBy === undefined ? {} : { shadowedBy }),
  };
}

function placeOf({ file, line }: PolicyFinding): string {
  return `${file}:${String(line)}`;
}

function tableOf(findings: readonly PolicyFinding[]): string {
  if (findings.length === 0) return 'no findings\n';
  const lines = findings.map((each) =>
    printable(`${placeOf(each)}: ${each.severity} ${each.id} ${each.reason}`),
  );
  const remedies = new Set(findings.map(({ id, remedy }) => `  ${id}  ${remedy}`).sort());
  const { errors, warnings } = countsOf(findings);
  const summary = `${counted(errors, 'error')}, ${counted(warnings, 'warning')}`;
  return [...lines, '', 'What to do:', ...remedies, '', summary, ''].join('\n');
}

const SARIF_TAGS = ['security', 'kubernetes', 'audit'];

function sarifOf(findings: readonly PolicyFinding[], toolVersion: string): string {
  const rules = LINT_CATALOGUE.map(({ id, title, remedy, severity }) => ({
    id,
    title,
    description: title,
    help: remedy,
    level: severity,
    tags: SARIF_TAGS,
  }));
  const results = findings.map((each) => ({
    ruleId: each.id,
    level: each.severity,
    message: `${printable(each.reason)}. To do: ${each.remedy}.`,
    location: { file: each.file, line: each.line },
    fingerprint: fingerprintOf(each),
  }));
  return safeJson(renderSarifLog({ toolVersion, rules, results }));
}

/** Not of the line, which moves with every edit above it. */
function fingerprintOf({ id, file, within, reason }: PolicyFinding): string {
  return createHash('sha256').update([id, file, within, reason].join('\0')).digest('hex').slice(0, 32);
}
