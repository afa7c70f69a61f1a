import { CLIENT_KINDS } from '@leastwise/audit-event';

import type { Client } from '../client/index.ts';

/** A client as reports tell it. */
export type ReportedClient = Omit<Client, 'isDispatcher'>;

/** A key by which clients are counted. */
export function clientKey({ kind, program, version, platform, isPlugin }: ReportedClient): string {
  return JSON.stringify([kind, program, version, platform, isPlugin]);
}

/** The client that has a key; `undefined` where none has it. */
export function readClientKey(key: string): ReportedClient | undefined {
  const parts = partsOf(key);
  const kind = CLIENT_KINDS.find((each) => each === parts[0]);
  const [, program, version, platform, isPlugin] = parts;
  if (kind === undefined || typeof program !== 'string' || typeof version !== 'string') return undefined;
  if (typeof platform !== 'string' || typeof isPlugin !== 'boolean') return undefined;
  return { kind, program, version, platform, isPlugin };
}

function partsOf(key: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(key);
    return Array.isArray(parts) ? (parts as unknown[]) : [];
  } catch {
    return [];
  }
}
