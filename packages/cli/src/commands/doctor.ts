import { type Command, InvalidArgumentError } from 'commander';

import { planChecks } from '../doctor/plan-checks.ts';
import { countsOf, verdictJson, verdictTable } from '../doctor/report.ts';
import { runChecks } from '../doctor/run-checks.ts';
import { givenConfigs, readConfig } from '../doctor/service-config.ts';
import { CliError, EXIT } from '../exit.ts';
import { colorsFor, type Io } from '../io.ts';
import { oneOf } from '../policy-flags.ts';
import { interruptedExit } from '../stop-signals.ts';

interface DoctorFlags {
  readonly config?: readonly string[];
  readonly filename?: readonly string[];
  readonly auditPolicy?: readonly string[];
  readonly state?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly timeout: number;
  readonly output: 'table' | 'json';
}

const DEFAULT_TIMEOUT_SECONDS = 15;
const MAX_TIMEOUT_SECONDS = 600;

function seconds(text: string): number {
  const value = Number(text);
  if (/^\d{1,3}$/.test(text) && value >= 1 && value <= MAX_TIMEOUT_SECONDS) return value;
  throw new InvalidArgumentError(`Not a whole number of seconds from 1 to ${MAX_TIMEOUT_SECONDS}.`);
}

/** Adds `leastwise doctor`. */
export function addDoctor(program: Command, io: Io): void {
  program
    .command('doctor')
    .description(
      'what is missing: configuration, Kafka, Redis, repository and forge, clusters, logs; changes nothing',
    )
    .option(
      '--config <file...>',
      'configurations of services: SERVICE=FILE, publisher.yaml, or a SERVICE by its environment',
    )
    .option('-f, --filename <file...>', 'audit logs: whether they are any, and what they lack')
    .option('--audit-policy <file...>', 'audit policies of clusters: what they hide')
    .option('--state <folder>', 'the folder of a state of `run`')
    .option('--kubeconfig <file>', 'look at a cluster by this kubeconfig (default: where kubectl looks)')
    .option('--context <name>', 'look at a cluster by this context of it')
    .option('--timeout <seconds>', 'for each check', seconds, DEFAULT_TIMEOUT_SECONDS)
    .option('-o, --output <form>', 'table or json', oneOf('table', 'json'), 'table')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  leastwise doctor -f audit.log\n' +
        '  leastwise doctor --config aggregator.yaml --config publisher.yaml\n' +
        '  leastwise doctor --context staging --config auditor=/etc/leastwise/auditor.yaml -o json\n',
    )
    .action(async (flags: DoctorFlags) => {
      await doctor(flags, io);
    });
}

async function doctor(flags: DoctorFlags, io: Io): Promise<void> {
  const { env, versions } = process;
  const timeoutMs = flags.timeout * 1000;
  const given = givenConfigs(flags.config ?? []);
  const configs = await Promise.all(given.map((each) => readConfig(each, io, env)));
  const checks = planChecks(
    {
      ...{ configs, timeoutMs },
      logs: flags.filename ?? [],
      auditPolicies: flags.auditPolicy ?? [],
      ...{ state: flags.state, kubeconfig: flags.kubeconfig, context: flags.context },
    },
    { io, env, nodeVersion: versions.node },
  );
  const verdicts = await runChecks(checks, { timeoutMs, signal: io.signal });
  if (io.signal.aborted) throw new CliError('interrupted', interruptedExit(io.signal));
  const colors = colorsFor(io.stdout.isTTY, env);
  io.stdout.write(flags.output === 'json' ? verdictJson(verdicts) : verdictTable(verdicts, colors));
  if (countsOf(verdicts).failed > 0) throw new CliError('', EXIT.negative);
}
