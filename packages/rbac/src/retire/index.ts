export { type Excess, MAX_EXCESS_CELLS } from './excess.ts';
export { findRetirable, type Retirable, type RetirementInput } from './find-retirable.ts';
export type { ManagedSubject } from './holder.ts';
export type { Origin, OriginHint } from './origin.ts';
