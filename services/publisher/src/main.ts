import { readFileSync } from 'node:fs';

import { createLog, loadConfig, refuseConfig, runConfigCommand, runService } from '@leastwise/runtime';

import { configSchema } from './config.ts';
import { configProblems } from './config-problems.ts';
import { runPlanCommand } from './plan-command.ts';
import { startPublisher } from './publisher.ts';

const sources = { service: 'publisher', schema: configSchema };
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

async function run(argv: readonly string[]): Promise<void> {
  const config = loadConfig({ ...sources, argv });
  const problems = config.ok ? await configProblems(config.value) : config.problems;
  if (!config.ok || problems.length > 0) {
    refuseConfig(problems);
    return;
  }
  const log = createLog({ name: 'publisher', level: config.value.logLevel });
  await runService({
    name: 'publisher',
    log,
    shutdownMs: config.value.shutdown,
    start: () => startPublisher(config.value, log, { version }),
  });
}

const [word, ...rest] = process.argv.slice(2);
if (word === 'plan') {
  const load = (argv: readonly string[]) => loadConfig({ ...sources, argv });
  await runPlanCommand({ argv: rest, load, version, host: process });
} else if (!(await runConfigCommand({ ...sources, check: configProblems }))) {
  await run(word === 'run' ? rest : process.argv.slice(2));
}
