import type { Subject } from '@leastwise/audit-event';
import { describe, expect, test } from 'vitest';

import { matchesSubject } from './match.ts';
import type { SubjectPattern } from './policy.ts';

const USER: Subject = { kind: 'User', namespace: '', name: 'alice' };
const GROUP: Subject = { kind: 'Group', namespace: '', name: 'alice' };
const ACCOUNT: Subject = { kind: 'ServiceAccount', namespace: 'shop', name: 'alice' };

const CASES: readonly (readonly [SubjectPattern, readonly Subject[]])[] = [
  [{ name: 'alice' }, [USER, GROUP]],
  [{ name: '*' }, [USER, GROUP, ACCOUNT]],
  [{ kind: 'User', name: 'alice' }, [USER]],
  [{ kind: 'Group', name: 'al*' }, [GROUP]],
  [{ kind: 'ServiceAccount', name: 'alice' }, [ACCOUNT]],
  [{ kind: 'ServiceAccount', namespace: 'shop', name: 'alice' }, [ACCOUNT]],
  [{ kind: 'ServiceAccount', namespace: 'store', name: 'alice' }, []],
  [{ namespace: 'sh*', name: 'alice' }, [ACCOUNT]],
  [{ name: 'system:serviceaccount:shop:alice' }, [ACCOUNT]],
  [{ kind: 'User', name: 'system:serviceaccount:shop:*' }, [ACCOUNT]],
  [{ kind: 'Group', name: 'system:serviceaccount:shop:alice' }, []],
];

describe('a pattern means', () => {
  test.each(CASES)('%j', (pattern, subjects) => {
    expect([USER, GROUP, ACCOUNT].filter((subject) => matchesSubject(pattern, subject))).toEqual(subjects);
  });
});
