import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseCommit, sealMessage } from './seal.ts';

const HEADERS = [
  `tree ${'a'.repeat(40)}\n`,
  `parent ${'b'.repeat(40)}\n`,
  'author Ünï <u@example.com> 1700000000 +0000\n',
  'committer Ünï <u@example.com> 1700000000 +0000\n',
].join('');
const SIGNATURE = 'gpgsig -----BEGIN SSH SIGNATURE-----\n AAAA\n \n -----END SSH SIGNATURE-----\n';

function commitOf(message: string, headers = HEADERS): Buffer {
  return Buffer.from(`${headers}\n${sealMessage(headers, message)}`);
}

describe('the seal of a commit', () => {
  test('is right for what it was made for', () => {
    expect(parseCommit(commitOf('Title\n\nA body.'))).toEqual({
      tree: 'a'.repeat(40),
      parents: ['b'.repeat(40)],
      committedSeconds: 1_700_000_000,
      isSealed: true,
    });
  });

  test('is right with a signature, which comes after it', () => {
    const signed = commitOf('Title').toString('utf8').replace('\n\n', `\n${SIGNATURE}\n`);
    expect(parseCommit(Buffer.from(signed)).isSealed).toBe(true);
  });

  test('holds for any message, and breaks with any byte of the commit', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (message, at, flip) => {
          const raw = commitOf(message);
          expect(parseCommit(raw).isSealed).toBe(true);
          const other = Buffer.from(raw);
          const index = at % other.length;
          other[index] = (other[index] ?? 0) ^ flip;
          expect(parseCommit(other).isSealed).toBe(false);
        },
      ),
    );
  });

  test('breaks with anything before, between or after', () => {
    const raw = commitOf('Title').toString('utf8');
    const others = [
      `${raw}\n`,
      `${raw}Signed-off-by: Person\n`,
      raw.slice(0, -1),
      raw.replace('\n\n', '\nencoding latin1\n\n'),
      raw.replace('parent', `parent ${'c'.repeat(40)}\nparent`),
      raw.replace('\n\nTitle', `\n\nTitle\n\n${raw.slice(raw.indexOf('Leastwise-Tree'))}`),
      raw.replace(/Leastwise-Tree.*\n/, ''),
    ];
    for (const other of others) expect(parseCommit(Buffer.from(other)).isSealed).toBe(false);
  });

  test('stands with the other trailers, and else in a paragraph of its own', () => {
    const shape = (message: string) => sealMessage(HEADERS, message).replace(/[0-9a-f]{64}/, '…');
    expect(shape('Title')).toBe('Title\n\nLeastwise-Tree: …\n');
    expect(shape('Title: with a colon\n')).toBe('Title: with a colon\n\nLeastwise-Tree: …\n');
    expect(shape('Title\n\nBody: and\ntext\n\n')).toBe('Title\n\nBody: and\ntext\n\nLeastwise-Tree: …\n');
    const trailers = 'Title\n\nRefs: 1\nSigned-off-by: A <a@b>';
    expect(shape(trailers)).toBe(`${trailers}\nLeastwise-Tree: …\n`);
  });

  test('a date that git does not understand is none', () => {
    const odd = HEADERS.replace(/^committer.*$/m, 'committer X <x> soon +0000');
    expect(parseCommit(Buffer.from(`${odd}\nx\n`)).committedSeconds).toBeUndefined();
  });
});
