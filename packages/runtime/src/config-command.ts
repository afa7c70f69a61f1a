import type * as z from 'zod';

import { loadConfig } from './config.ts';
import type { ConfigSources } from './config.ts';
import { configJsonSchema, printConfig } from './config-print.ts';
import { refuseConfig } from './lifecycle.ts';

/** What of the process such a command needs. */
export interface ConfigHost {
  exitCode?: number | string | null | undefined;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** Whose configuration is checked or printed. */
export interface ConfigCommandOptions<S extends z.ZodObject> extends ConfigSources<S> {
  /** What is wrong with a configuration that fits the schema, all of it: files that are missing, values that do not go together. */
  readonly check?: (config: z.output<S>) => Promise<readonly string[]>;
  /** The process unless given. */
  readonly host?: ConfigHost;
}

const EXIT_USAGE = 2;

/**
 * Does what `config check`, `config print` and `config print --json-schema` ask for, with the arguments after them and
 * the environment as {@link loadConfig} reads them. `check` says nothing but that all is well; `print` shows where each
 * value is from, and no secret. Exit codes: 0; 2 usage; 78 whatever is wrong, told at once.
 * @returns false where the arguments are no such command: then nothing was done
 */
export async function runConfigCommand<S extends z.ZodObject>(
  options: ConfigCommandOptions<S>,
): Promise<boolean> {
  const { argv = process.argv.slice(2), host = process } = options;
  const [word, action, ...rest] = argv;
  if (word !== 'config') return false;
  if (action === 'check' || action === 'print') {
    await answer(action, { ...options, argv: rest }, host);
  } else {
    host.stderr.write(
      `usage: leastwise-${options.service} config check|print [--config FILE] [--key.path=value …]\n` +
        `       leastwise-${options.service} config print --json-schema\n`,
    );
    host.exitCode = EXIT_USAGE;
  }
  return true;
}

async function answer<S extends z.ZodObject>(
  action: 'check' | 'print',
  options: ConfigCommandOptions<S> & { readonly argv: readonly string[] },
  host: ConfigHost,
): Promise<void> {
  const { argv, schema, check } = options;
  if (action === 'print' && argv.length === 1 && argv[0] === '--json-schema') {
    host.stdout.write(`${JSON.stringify(configJsonSchema(schema), null, 2)}\n`);
    return;
  }
  const config = loadConfig(options);
  if (!config.ok) {
    refuseConfig(config.problems, host);
    return;
  }
  const problems = (await check?.(config.value)) ?? [];
  if (problems.length > 0) refuseConfig(problems, host);
  // What cannot be used can still be looked at.
  if (action === 'print') host.stdout.write(printConfig(schema, config.value, config.origins));
  else if (problems.length === 0) host.stdout.write('the configuration is good\n');
}
