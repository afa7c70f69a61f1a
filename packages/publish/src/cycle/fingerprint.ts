import { createHash } from 'node:crypto';

import { changeFingerprint } from '@leastwise/rbac';

import type { GroupChange } from './groups.ts';

/** What a person declines by closing a pull request about policies: the cells that it grants, or that it takes away. */
export function fingerprintOf({ cluster, kind, parts }: GroupChange): string {
  return changeFingerprint(
    parts.map(({ change, covers }) => {
      const { added, removed } = change.change;
      const cells = (kind === 'additions' ? added : removed).filter(({ namespace }) => covers.has(namespace));
      return { cluster, subject: change.plan.policy.subject, direction: kind, cells };
    }),
  );
}

/** Of texts, in their order: 64 hexadecimal digits. */
export function textsFingerprint(texts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex');
}
