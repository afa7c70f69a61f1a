export { createDeliveryLedger } from './delivery-ledger.ts';
export type { DeliveryLedger } from './delivery-ledger.ts';
export { createMemoryDeadLetters, createMemorySource } from './memory.ts';
export type { MemoryDeadLetters, MemoryOrigin, MemorySource } from './memory.ts';
export * from './types.ts';
