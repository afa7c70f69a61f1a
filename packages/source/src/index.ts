export { createDeliveryLedger } from './delivery-ledger.ts';
export type { DeliveryLedger } from './delivery-ledger.ts';
export { createMemoryDeadLetters, createMemorySource } from './memory.ts';
export type { MemoryDeadLetters, MemoryOrigin, MemorySource } from './memory.ts';
export { createMemoryLog } from './memory-partitions.ts';
export type { MemoryLog, MemoryLogOptions } from './memory-partitions.ts';
export * from './partitions.ts';
export * from './types.ts';
