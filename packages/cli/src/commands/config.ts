import type { Command } from 'commander';

import { SERVICES } from '../doctor/service-config.ts';
import { CliError } from '../exit.ts';
import type { Io } from '../io.ts';
import { oneOf } from '../policy-flags.ts';
import { startService } from '../start-service.ts';
import { showSubcommandFlags } from './subcommand-help.ts';

interface ConfigFlags {
  readonly service: string;
  readonly config?: string;
  readonly jsonSchema?: boolean;
}

/** Adds `leastwise config`. */
export function addConfig(program: Command, io: Io): void {
  const config = program.command('config').description('the configuration of a service: check, print');
  const add = (action: 'check' | 'print', description: string): Command =>
    config
      .command(action)
      .description(description)
      .usage('[options] [--key.path=value …]')
      .option('--service <name>', 'whose configuration', oneOf(...SERVICES), 'aggregator')
      .option('--config <file>', 'its file; without it what LEASTWISE_<SERVICE>_CONFIG names')
      .allowUnknownOption()
      .allowExcessArguments()
      .action(async (flags: ConfigFlags, command: Command) => {
        await ask(action, flags, { given: command.args, io });
      });
  add('check', 'everything that is wrong with it, at once');
  add('print', 'what counts, with secrets hidden, and where each value is from').option(
    '--json-schema',
    'the JSON Schema of its file instead, for editors',
  );
  showSubcommandFlags(config);
  config.addHelpText(
    'after',
    '\nEvery key of the file is a flag of both, as --key.path=value, and a variable of the environment.\n' +
      '\nExamples:\n' +
      '  leastwise config check --config aggregator.yaml\n' +
      '  leastwise config print --config aggregator.yaml --redis.prefix=test:\n' +
      '  leastwise config print --json-schema\n',
  );
}

interface Surroundings {
  /** What is the service's own business. */
  readonly given: readonly string[];
  readonly io: Io;
}

async function ask(
  action: string,
  { service, config, jsonSchema }: ConfigFlags,
  { given, io }: Surroundings,
): Promise<void> {
  const words = [
    ...['config', action],
    ...(config === undefined ? [] : [`--config=${config}`]),
    ...(jsonSchema === true ? ['--json-schema'] : []),
    ...given,
  ];
  const exitCode = await startService(service, words, io);
  if (exitCode !== 0) throw new CliError('', exitCode);
}
