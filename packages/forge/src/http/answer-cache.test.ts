import { expect, test } from 'vitest';

import { AnswerCache } from './answer-cache.ts';

test('what was asked for lately stays, and what was not makes room', () => {
  const cache = new AnswerCache();
  const answer = { etag: '"1"', body: '{}', hasNext: false };
  for (let index = 0; index < 256; index++) cache.set(`/${index}`, answer);
  expect(cache.get('/0')).toBe(answer);
  cache.set('/256', answer);
  expect(cache.get('/0')).toBe(answer);
  expect(cache.get('/1')).toBeUndefined();
});

test('an answer in place of another takes its room', () => {
  const cache = new AnswerCache();
  const large = { etag: '"1"', body: 'x'.repeat(9 * 1024 * 1024), hasNext: true };
  cache.set('/a', large);
  cache.set('/a', large);
  cache.set('/a', { ...large, body: '{}' });
  cache.set('/b', large);
  expect([cache.get('/a')?.body, cache.get('/b')]).toEqual(['{}', large]);
});
