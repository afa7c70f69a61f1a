import { expect, test } from 'vitest';

import { describeForge } from './conformance.ts';
import { createMemoryForge } from './memory-forge.ts';

describeForge('memory', (existing) => Promise.resolve(createMemoryForge(existing)));

test('remembers its commits', async () => {
  const forge = createMemoryForge();
  const change = { action: 'write', path: 'a', content: '1' } as const;
  expect(await forge.apply({ changes: [change], foreign: [] }, 'first')).toBe('1');
  expect(forge.messages).toEqual(['first']);
});
