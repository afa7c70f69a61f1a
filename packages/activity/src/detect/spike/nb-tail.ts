import { logGamma } from './log-gamma.ts';

/** Terms that add less than this part of the sum change nothing that anybody reads. */
const NEGLIGIBLE = 1e-13;

/**
 * The decimal logarithm of P(X ≥ count) for a negative binomial X: how unlikely a count is, also where the probability
 * itself is far too small for a number.
 *
 * @param count - a whole number
 * @param mean - of X; nothing but 0 is ever counted where it is 0
 * @param dispersion - the variance of X over its mean, above 1
 * @returns 0 for what is certain, `-Infinity` for what is impossible
 * @remarks Terms fall by a factor of about 1 − 1/dispersion each; some 30 × dispersion of them are summed.
 */
export function nbTailLog10(count: number, mean: number, dispersion: number): number {
  if (count <= 0) return 0;
  if (mean <= 0) return -Infinity;
  const failures = mean / (dispersion - 1);
  const fall = 1 - 1 / dispersion;
  if (count <= mean) {
    // Below the mean the other side is summed: its terms fall on the way to 0, those of this side rise first.
    const below = Math.exp(logTerm(count - 1, failures, fall)) * sumDown(count - 1, failures, fall);
    return Math.log1p(-Math.min(below, 1)) / Math.LN10;
  }
  return Math.min(0, (logTerm(count, failures, fall) + Math.log(sumUp(count, failures, fall))) / Math.LN10);
}

/** ln P(X = k) = ln Γ(k + r) − ln Γ(r) − ln k! + r ln(1 − q) + k ln q */
function logTerm(k: number, r: number, q: number): number {
  return logGamma(k + r) - logGamma(r) - logGamma(k + 1) + r * Math.log1p(-q) + k * Math.log(q);
}

/** The sum of P(X = j) for j ≥ k over P(X = k), for k above the mean. */
function sumUp(k: number, r: number, q: number): number {
  let term = 1;
  let sum = 1;
  for (let j = k; ; j += 1) {
    const ratio = (q * (j + r)) / (j + 1);
    term *= ratio;
    sum += term;
    // Ratios fall or rise towards q, never past it: what is left is at most a geometric series.
    const worst = Math.max(ratio, q);
    if (term * worst <= NEGLIGIBLE * sum * (1 - worst)) return sum;
  }
}

/** The sum of P(X = j) for j ≤ k over P(X = k), for k below the mean. */
function sumDown(k: number, r: number, q: number): number {
  let term = 1;
  let sum = 1;
  for (let j = k; j > 0; j -= 1) {
    term *= j / (q * (j - 1 + r));
    sum += term;
    if (term <= NEGLIGIBLE * sum) return sum;
  }
  return sum;
}
