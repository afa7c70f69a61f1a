import { createLog, loadConfig, refuseConfig, runConfigCommand, runService } from '@leastwise/runtime';

import { startAuditor } from './auditor.ts';
import { configSchema } from './config.ts';
import { configProblems } from './config-problems.ts';

const sources = { service: 'auditor', schema: configSchema };

async function run(argv: readonly string[]): Promise<void> {
  const config = loadConfig({ ...sources, argv });
  const problems = config.ok ? await configProblems(config.value) : config.problems;
  if (!config.ok || problems.length > 0) {
    refuseConfig(problems);
    return;
  }
  const log = createLog({ name: 'auditor', level: config.value.logLevel });
  await runService({
    name: 'auditor',
    log,
    shutdownMs: config.value.shutdown,
    start: () => startAuditor(config.value, log),
  });
}

const [word, ...rest] = process.argv.slice(2);
if (!(await runConfigCommand({ ...sources, check: configProblems }))) {
  await run(word === 'run' ? rest : process.argv.slice(2));
}
