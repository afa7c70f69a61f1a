import type { Admin } from 'kafkajs';
import { LogError } from '@leastwise/source';

/** Topics as a user names them, against those that there are. */
export interface FoundTopics {
  /** In order. */
  readonly names: readonly string[];
  /** Those that are named and not there. */
  readonly missing: readonly string[];
}

/** Looks for topics. Patterns match whole names; internal topics are only ever read by name. */
export async function findTopics(
  admin: Pick<Admin, 'listTopics'>,
  wanted: readonly (string | RegExp)[],
): Promise<FoundTopics> {
  const existing = new Set(await admin.listTopics());
  const names = new Set<string>();
  const missing: string[] = [];
  for (const topic of wanted) {
    if (typeof topic !== 'string') {
      const pattern = wholeName(topic);
      for (const name of existing) if (!name.startsWith('__') && pattern.test(name)) names.add(name);
    } else if (existing.has(topic)) {
      names.add(topic);
    } else {
      missing.push(topic);
    }
  }
  return { names: [...names].sort(), missing };
}

/** @throws LogError naming the topics that are not there */
export function refuseMissing(missing: readonly string[]): void {
  if (missing.length === 0) return;
  throw new LogError('refused', `no such topic, or none that we may see: ${missing.join(', ')}`);
}

/** Whether another look may find another set of topics. */
export function mayChange(wanted: readonly (string | RegExp)[], missing: readonly string[]): boolean {
  return missing.length > 0 || wanted.some((topic) => typeof topic !== 'string');
}

function wholeName(pattern: RegExp): RegExp {
  return new RegExp(`^(?:${pattern.source})$`, pattern.flags.replaceAll(/[gy]/g, ''));
}
