export { createCountingDeadLetters, createDeadLetterFile } from './dead-letters.ts';
export type { CountingDeadLetters, DeadLetterSummary } from './dead-letters.ts';
export { openFileSource } from './file-source.ts';
export type { FileSourceOptions } from './file-source.ts';
export { openFollowSource } from './follow-source.ts';
export type { FollowSourceOptions } from './follow-source.ts';
export { openWebhookSource } from './webhook-source.ts';
export type { WebhookSource, WebhookSourceOptions, WebhookTls } from './webhook-source.ts';
