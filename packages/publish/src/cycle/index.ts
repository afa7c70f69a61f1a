export { planCycle, runCycle } from './cycle.ts';
export * from './types.ts';
