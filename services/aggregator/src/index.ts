export { addGauges, type Aggregator, startAggregator } from './aggregator.ts';
export { createAlertMetrics } from './alerts/alert-metrics.ts';
export { type AggregatorConfig, configSchema } from './config.ts';
export {
  AggregatorHandler,
  type AggregatorStore,
  type HandlerOptions,
  type HandlerParts,
} from './handler.ts';
export { createAggregatorMetrics } from './metrics.ts';
