import { describe, expect, test } from 'vitest';

import { catalogue } from '../audit.ts';
import { worstOf } from '../severity.ts';
import { BINDING_CASES } from '../testing/binding-cases.ts';
import type { Case } from '../testing/cases.ts';
import { GRANT_CASES } from '../testing/grant-cases.ts';
import { findingsOf } from '../testing/objects.ts';

const CASES: readonly Case[] = [...GRANT_CASES, ...BINDING_CASES];

function worstTold({ check, objects, rest }: Case): Case['severity'] {
  const told = findingsOf(objects, rest).filter((finding) => finding.check === check);
  return worstOf(told.map(({ severity }) => severity)) ?? 'none';
}

describe.each(catalogue().map(({ id, title }) => ({ id, title })))('$id: $title', ({ id }) => {
  const own = CASES.filter(({ check }) => check === id);

  test.each(own.map((each) => [each.severity, each.what, each] as const))(
    '%s for %s',
    (severity, _, each) => {
      expect(worstTold(each)).toBe(severity);
    },
  );

  test('has something to tell, and a look-alike to leave alone', () => {
    expect(own.some(({ severity }) => severity !== 'none')).toBe(true);
    expect(own.some(({ severity }) => severity === 'none')).toBe(true);
  });
});

test('no case is for a check that is not there', () => {
  const known = new Set(catalogue().map(({ id }) => id));
  expect(CASES.map(({ check }) => check).filter((check) => !known.has(check))).toEqual([]);
});
