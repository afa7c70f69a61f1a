import type { Subject } from '@leastwise/audit-event';

import type { UnusualRow } from './model.ts';

/** What a detector found, for the report's list of what is unusual. */
export interface Detected extends Omit<UnusualRow, 'who'> {
  readonly subject: Subject | undefined;
  /** Of whom `why` speaks besides, so that pseudonyms can take their places. Names stand in it as words of their own. */
  readonly others: readonly Subject[];
}
