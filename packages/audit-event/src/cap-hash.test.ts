import { expect, test } from 'vitest';

import { capHash } from './cap-hash.ts';

test.each([
  ['', 1572119809],
  ['a', 1469464775],
  ['leastwise', 231440330],
  ['ü', 2945663009],
])('the hash of %j is part of the format of states', (text, hash) => {
  expect(capHash(text)).toBe(hash);
});
