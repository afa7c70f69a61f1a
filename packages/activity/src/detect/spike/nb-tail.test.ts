import { describe, expect, test } from 'vitest';

import { logGamma } from './log-gamma.ts';
import { nbTailLog10 } from './nb-tail.ts';

/** log10 of a quotient of whole numbers of any size. */
function log10Of(numerator: bigint, denominator: bigint): number {
  const digits = numerator.toString().length - denominator.toString().length;
  const scale = 10n ** 30n;
  const shift = 10n ** BigInt(Math.abs(digits));
  const scaled =
    digits >= 0 ? (numerator * scale) / (denominator * shift) : (numerator * scale * shift) / denominator;
  return digits + Math.log10(Number(scaled) / 1e30);
}

/**
 * log10 P(X ≥ count), exactly: of dispersion d/c (so that q = (d − c)/d) and r = rn/rd, by the recurrence
 * P(k + 1) = P(k) q (k + r)/(k + 1) in whole numbers, up to a term that no longer counts.
 */
function exactTail(count: number, [rn, rd]: [number, number], [d, c]: [number, number]): number {
  const [q, ofQ] = [BigInt(d - c), BigInt(d)];
  // All terms over one denominator: ofQ^n rd^n n!
  let term: [bigint, bigint] = [1n, 1n];
  for (let k = 0; k < count; k += 1) {
    term = [term[0] * q * BigInt(k * rd + rn), term[1] * ofQ * BigInt(rd) * BigInt(k + 1)];
  }
  let [sum, denominator] = term;
  let next = sum;
  for (let k = count; next * 10n ** 20n > sum; k += 1) {
    const over = ofQ * BigInt(rd) * BigInt(k + 1);
    next *= q * BigInt(k * rd + rn);
    sum = sum * over + next;
    denominator *= over;
  }
  return log10Of(sum, denominator) - (rn / rd) * Math.log10(d / c);
}

describe('the logarithm of the gamma function', () => {
  test.each([
    [1, 0],
    [2, 0],
    [0.5, 0.5 * Math.log(Math.PI)],
    [1e-8, 18.42068073818021],
    [10, Math.log(362_880)],
    [100.5, 361.43554046777757],
    [1e6, 12_815_504.569147611],
  ])('of %d', (x, expected) => {
    expect(Math.abs(logGamma(x) - expected)).toBeLessThanOrEqual(1e-13 * Math.max(1, expected));
  });

  test('grows by the logarithm of x with each step', () => {
    for (let x = 0.01; x < 60; x += 0.37) {
      expect(logGamma(x + 1) - logGamma(x)).toBeCloseTo(Math.log(x), 11);
    }
  });
});

describe('the tail of a negative binomial', () => {
  test.each([
    // count, r, dispersion
    [1, [1, 1], [2, 1]],
    [20, [1, 1], [2, 1]],
    [20, [1, 10], [2, 1]],
    [212, [2, 3], [5, 2]],
    [400, [7, 2], [11, 1]],
    [90, [30, 1], [6, 5]],
    [700, [1, 4], [100, 1]],
  ] as [number, [number, number], [number, number]][])(
    'from %i on, with r = %j and dispersion %j, is what whole numbers say',
    (count, r, dispersion) => {
      const ratio = dispersion[0] / dispersion[1];
      const mean = (r[0] / r[1]) * (ratio - 1);
      const exact = exactTail(count, r, dispersion);
      expect(Math.abs(nbTailLog10(count, mean, ratio) - exact)).toBeLessThan(1e-9);
    },
  );

  test('below the mean it is what is left of certainty', () => {
    for (const count of [1, 5, 12, 20]) {
      const exact = exactTail(count, [40, 1], [3, 2]);
      expect(nbTailLog10(count, 20, 1.5)).toBeCloseTo(exact, 9);
    }
  });

  test('far in the tail, where the probability is no number any more, its logarithm is', () => {
    const exact = exactTail(900, [1, 5], [6, 5]);
    expect(exact).toBeLessThan(-600);
    expect(Math.abs(nbTailLog10(900, 0.04, 1.2) - exact)).toBeLessThan(1e-8);
  });

  test('never rises with the count, across the mean too', () => {
    for (const [mean, dispersion] of [
      [20, 1.2],
      [0.3, 40],
      [500, 400],
    ] as const) {
      let last = 0;
      for (let count = 0; count < 900; count += 1) {
        const tail = nbTailLog10(count, mean, dispersion);
        expect(tail).toBeLessThanOrEqual(last + 1e-12);
        last = tail;
      }
    }
  });

  test('nothing is certain, and nothing is expected of no mean', () => {
    expect(nbTailLog10(0, 3, 2)).toBe(0);
    expect(nbTailLog10(1, 0, 2)).toBe(-Infinity);
    expect(nbTailLog10(1e6, 1e6, 400)).toBeCloseTo(Math.log10(0.5), 1);
  });
});
