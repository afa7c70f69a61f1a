import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { InvariantError } from '../invariant-error.ts';
import { fit, type Part, type Section } from './fit.ts';

function section(noun: string, size: number, importance: number, least = 0): Section {
  const rows = Array.from({ length: size }, (_, at) => `${noun} ${at} é`);
  return { noun, size, importance, least, render: (shown) => rows.slice(0, shown).join('\n') };
}

const PARTS: readonly Part[] = ['head', section('pear', 30, 2), '', section('plum', 30, 1), 'tail'];

describe('fit', () => {
  test('what fits is whole, without a note', () => {
    const { text, isWhole } = fit(PARTS, 'NOTE', 10_000);
    expect(isWhole).toBe(true);
    expect(text).toMatch(/^head\n\npear 0 é\n[^]*\npear 29 é\n\nplum 0 é\n[^]*\nplum 29 é\n\ntail$/);
    expect(text).not.toContain('NOTE');
    expect(fit(PARTS, 'NOTE', Buffer.byteLength(text)).text).toBe(text);
  });

  test('one byte less shortens the least important section by as little as is enough', () => {
    const whole = Buffer.byteLength(fit(PARTS, '', Number.POSITIVE_INFINITY).text);
    const { text, isWhole } = fit(PARTS, 'NOTE', whole - 1);
    expect(isWhole).toBe(false);
    expect(text).toMatch(/^head\n\nNOTE\n\npear 0 é/);
    expect(text).toContain('pear 29 é');
    expect(text).toMatch(/plum 26 é\n\nLeft out here: 3 plums\.\n\ntail$/);
  });

  test('the next section is shortened when the first has nothing left to lose', () => {
    const { text } = fit(PARTS, 'NOTE', 200);
    expect(text).toMatch(/pear \d+ é\n\nLeft out here: \d+ pears\.\n\nLeft out here: 30 plums\.\n\ntail$/);
  });

  test('a section keeps its least rows until every section is down to its own', () => {
    const parts = ['head', section('pear', 30, 2), section('plum', 30, 1, 3)];
    expect(fit(parts, 'NOTE', 200).text).toMatch(
      /pears\.\n\nplum 0 é\nplum 1 é\nplum 2 é\n\nLeft out here: 27 plums\.$/,
    );
    expect(fit(parts, 'NOTE', 65).text).toMatch(/30 pears\.\n\nLeft out here: 30 plums\.$/);
  });

  test('a single row that is left out is one', () => {
    const { text } = fit(['a', section('x'.repeat(200), 1, 1)], 'N', 250);
    expect(text).toContain('x 0 é');
    const plum: Section = {
      noun: 'plum',
      size: 1,
      importance: 1,
      render: (shown) => 'é'.repeat(100 * shown),
    };
    expect(fit(['a', plum], 'N', 100).text).toBe('a\n\nN\n\nLeft out here: 1 plum.');
  });

  test('what does not fit without any row is a fault of the caller', () => {
    expect(() => fit(PARTS, 'NOTE', 30)).toThrow(InvariantError);
  });

  test('for every limit the text fits, and a greater limit never shows fewer rows', () => {
    fc.assert(
      fc.property(fc.integer({ min: 150, max: 900 }), fc.integer({ min: 0, max: 50 }), (limit, more) => {
        const small = fit(PARTS, 'NOTE', limit).text;
        const large = fit(PARTS, 'NOTE', limit + more).text;
        expect(Buffer.byteLength(small)).toBeLessThanOrEqual(limit);
        const rows = (text: string): number => text.split('é').length;
        expect(rows(large)).toBeGreaterThanOrEqual(rows(small));
      }),
    );
  });
});
