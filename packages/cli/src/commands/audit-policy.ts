import type { Command } from 'commander';

import type { Io } from '../io.ts';
import { addPolicyDiff } from './audit-policy-diff.ts';
import { addPolicyGenerate } from './audit-policy-generate.ts';
import { addLint } from './audit-policy-lint.ts';
import { addSimulate } from './audit-policy-simulate.ts';
import { showSubcommandFlags } from './subcommand-help.ts';

/** Adds `leastwise audit-policy`. */
export function addAuditPolicy(program: Command, io: Io, version: string): void {
  const command = program
    .command('audit-policy')
    .description('what the API server logs: lint, simulate, compare and generate audit policies');
  addLint(command, io, version);
  addSimulate(command, io);
  addPolicyDiff(command, io);
  addPolicyGenerate(command, io);
  showSubcommandFlags(command);
  command.addHelpText(
    'after',
    '\nExamples:\n' +
      '  leastwise audit-policy lint audit-policy.yaml\n' +
      '  leastwise audit-policy simulate audit-policy.yaml -f audit.log\n' +
      '  leastwise audit-policy simulate audit-policy.yaml --user alice --verb get --url /api/v1/secrets\n' +
      '  leastwise audit-policy diff old.yaml new.yaml -f audit.log\n' +
      '  leastwise audit-policy generate --preset minimal -f audit.log --budget-mb-per-day 500\n',
  );
}
