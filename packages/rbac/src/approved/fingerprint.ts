import { createHash } from 'node:crypto';

import type { Subject } from '@leastwise/audit-event';

import { subjectKey } from '@leastwise/audit-event';
import type { Cell } from '../policy.ts';

/** Whether something is to be granted or to be taken away. */
export type ChangeDirection = 'additions' | 'removals';

/** What is proposed for one subject of one cluster, in one direction. */
export interface ProposedCells {
  readonly cluster: string;
  readonly subject: Subject;
  readonly direction: ChangeDirection;
  readonly cells: readonly Cell[];
}

/**
 * A hash over the set of (cluster, subject, direction, cell) of some changes: 64 hexadecimal digits. Order, repetition
 * and the cut into changes make no difference, and neither do counts and dates, so that a proposal which somebody
 * declined is recognised for as long as it would do the same.
 */
export function changeFingerprint(changes: readonly ProposedCells[]): string {
  const lines = new Set<string>();
  for (const { cluster, subject, direction, cells } of changes) {
    for (const { verb, apiGroup, resource, namespace, name, path } of cells) {
      const cell = [verb, apiGroup, resource, namespace, name, path];
      lines.add(JSON.stringify([cluster, subjectKey(subject), direction, ...cell]));
    }
  }
  return createHash('sha256')
    .update([...lines].sort().join('\n'))
    .digest('hex');
}
