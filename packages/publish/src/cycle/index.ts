export { planCycle, runCycle } from './cycle.ts';
export type { ActivityReportSettings, ObservedActivity } from './activity-reports.ts';
export * from './types.ts';
export { type ObservableStore, observedState, type WantedState } from './observed.ts';
