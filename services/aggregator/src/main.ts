import { createLog, loadConfig, refuseConfig, runService } from '@leastwise/runtime';

import { startAggregator } from './aggregator.ts';
import { configSchema } from './config.ts';

const config = loadConfig({ service: 'aggregator', schema: configSchema });
if (config.ok) {
  const log = createLog({ name: 'aggregator', level: config.value.logLevel });
  await runService({
    name: 'aggregator',
    log,
    shutdownMs: config.value.shutdown,
    start: () => startAggregator(config.value, log),
  });
} else {
  refuseConfig(config.problems);
}
