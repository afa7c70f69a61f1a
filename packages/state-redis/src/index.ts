export { ActivityTail, type ActivityTailOptions } from './activity-tail.ts';
export { AlertMemory, type AlertMemoryOptions, type ClaimedAlerts } from './alert-memory.ts';
export { checkRedis, type RedisCheck } from './checks.ts';
export { examineRedis, type RedisFacts, type RedisUser } from './examine.ts';
export { closeRedis, connectRedis } from './connect.ts';
export type { RedisAddress, RedisConnectionOptions, RedisTarget, RedisTls } from './connect-options.ts';
export { StoreConnectionError, type StoreTrouble } from './failures.ts';
export { acquireLease, type Lease, type LeaseOptions, leaseOwner, LostLeaseError } from './lease.ts';
export { RedisStore, type RedisStoreOptions, type SourcePosition } from './redis-store.ts';
export {
  redisConnectionOptions,
  type RedisSettings,
  RedisSettingsError,
  redisSettingsProblems,
  redisTarget,
} from './settings.ts';
export { type Rebuild, StateAdmin, type StateAdminOptions } from './state-admin.ts';
export type { Connection } from './scripts.ts';
