import type { AuditEvent, BadReason, SkipReason } from '../../types.ts';

/** What a wrapping record holds: something to be decoded further, or the outcome. */
export type Part =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'event'; readonly event: AuditEvent }
  | { readonly kind: 'skipped'; readonly reason: SkipReason }
  | { readonly kind: 'bad'; readonly reason: BadReason; readonly detail: string };

/** What a wrapping record was found to hold. */
export interface Unwrapped {
  readonly parts: readonly Part[];
  /** True for lists of records of one kind: each is an outermost record itself, for the cluster field. */
  readonly isList: boolean;
}

/** A record that holds one thing. */
export function one(part: Part): Unwrapped {
  return { parts: [part], isList: false };
}

/** A string is text that may hold a record, anything else is decoded as it is. */
export function partOf(value: unknown): Part {
  return typeof value === 'string' ? { kind: 'text', text: value } : { kind: 'value', value };
}

/** A record that is no evidence. */
export function skip(reason: SkipReason): Part {
  return { kind: 'skipped', reason };
}
