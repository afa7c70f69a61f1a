export { type RunningAuditor, startAuditor } from './auditor.ts';
export { type AuditorConfig, configSchema } from './config.ts';
export { AuditorMetrics } from './metrics.ts';
