import { createLog, loadConfig, refuseConfig, runConfigCommand, runService } from '@leastwise/runtime';

import { startAggregator } from './aggregator.ts';
import { configSchema } from './config.ts';
import { configProblems } from './config-problems.ts';

const sources = { service: 'aggregator', schema: configSchema };

async function run(): Promise<void> {
  const config = loadConfig(sources);
  if (!config.ok) {
    refuseConfig(config.problems);
    return;
  }
  const log = createLog({ name: 'aggregator', level: config.value.logLevel });
  await runService({
    name: 'aggregator',
    log,
    shutdownMs: config.value.shutdown,
    start: () => startAggregator(config.value, log),
  });
}

if (!(await runConfigCommand({ ...sources, check: configProblems }))) await run();
