export { configSchema, type PublisherConfig } from './config.ts';
export { PublisherMetrics } from './metrics.ts';
export { CYCLE_OUTCOMES, type CycleResult } from './outcome.ts';
export { type Publisher, type PublisherOptions, startPublisher } from './publisher.ts';
