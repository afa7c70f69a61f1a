import { Command, CommanderError } from 'commander';

import { addAuditPolicy } from './commands/audit-policy.ts';
import { addConfig } from './commands/config.ts';
import { addDiff } from './commands/diff.ts';
import { addDoctor } from './commands/doctor.ts';
import { addExplain } from './commands/explain.ts';
import { addGenerate } from './commands/generate.ts';
import { addPublish } from './commands/publish.ts';
import { addReport } from './commands/report.ts';
import { addRun } from './commands/run.ts';
import { addScan } from './commands/scan.ts';
import { addScore } from './commands/score.ts';
import { addState } from './commands/state.ts';
import { addVerify } from './commands/verify.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { printable } from './output.ts';

/** Codes of the errors that are faults of the input or its surroundings, not of this program. */
const EXPECTED: Readonly<Record<string, number>> = {
  LW_SOURCE: EXIT.usage,
  LW_STATE: EXIT.usage,
  LW_STORE_CONNECTION: EXIT.usage,
  LW_PUBLISH: EXIT.usage,
  LW_INVARIANT: EXIT.promise,
};

function createProgram(io: Io, version: string): Command {
  const program = new Command('leastwise')
    .description('Kubernetes audit logs in, least-privilege RBAC that a team can merge out.')
    .version(version, '--version')
    .showHelpAfterError('(run with --help for what there is)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        io.stdout.write(text);
      },
      writeErr: (text) => {
        io.stderr.write(text.split('\n').map(printable).join('\n'));
      },
    });
  addGenerate(program, io);
  addRun(program, io);
  addPublish(program, io, version);
  addExplain(program, io);
  addVerify(program, io);
  addScore(program, io);
  addDiff(program, io);
  addReport(program, io);
  addScan(program, io, version);
  addAuditPolicy(program, io, version);
  addState(program, io);
  addConfig(program, io);
  addDoctor(program, io);
  for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);
  return program;
}

function expectedExit(error: unknown): number | undefined {
  if (error instanceof CliError) return error.exitCode;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? EXPECTED[code] : undefined;
}

/**
 * Runs the command line and tells how it ended. Expected failures become one message on stderr; anything
 * else is a bug and is thrown.
 * @param args - without the program's own name.
 */
export async function main(args: readonly string[], io: Io, version: string): Promise<number> {
  try {
    await createProgram(io, version).parseAsync(args, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const exit = expectedExit(error);
    if (exit === undefined || !(error instanceof Error)) throw error;
    const lines = error.message.split('\n').map(printable);
    if (error.message !== '') io.stderr.write(`${io.colors.red('error:')} ${lines.join('\n')}\n`);
    return exit;
  }
}
