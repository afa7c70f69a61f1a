import { randomBytes } from 'node:crypto';

import type { ActivityState } from '@leastwise/activity';
import type { ClusterState } from '@leastwise/rbac';

import { FingerprintSet } from './fingerprint-set.ts';
import type { Tally } from './types.ts';

/** Everything that an embedded store remembers. */
export interface Content {
  /** 16 hexadecimal digits, lower case. */
  readonly identityKey: string;
  /** By source; absent where nothing was applied. */
  readonly positions: Map<string, string>;
  readonly clusters: Map<string, ClusterState>;
  readonly activity: Map<string, ActivityState>;
  readonly counted: FingerprintSet;
  readonly resolved: FingerprintSet;
  /** Seen at RequestReceived, and in neither of the other two. */
  readonly onlyReceived: FingerprintSet;
  tally: Tally;
}

/** The tally of a state that missed nothing. */
export const NOTHING_MISSED: Tally = { late: 0, lost: 0 };

const IDENTITY_KEY = /^[0-9a-f]{16}$/;

/** Whether a text can be the key of request identities: 16 hexadecimal digits, lower case. */
export function isIdentityKey(text: string): boolean {
  return IDENTITY_KEY.test(text);
}

/** The content of a new state. Without a key one is drawn, so that nobody can foresee identities. */
export function emptyContent(identityKey = randomBytes(8).toString('hex')): Content {
  return {
    identityKey,
    positions: new Map(),
    clusters: new Map(),
    activity: new Map(),
    counted: new FingerprintSet(),
    resolved: new FingerprintSet(),
    onlyReceived: new FingerprintSet(),
    tally: NOTHING_MISSED,
  };
}
