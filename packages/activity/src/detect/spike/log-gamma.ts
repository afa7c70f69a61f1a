/** Where the series below is exact to the last digits of a double. */
const LARGE = 15;
const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);
/** B(2k) / (2k (2k − 1)) for k = 1 to 7, by which Stirling's series goes on. */
const STIRLING = [
  1 / 12,
  -1 / 360,
  1 / 1260,
  -1 / 1680,
  1 / 1188,
  -691 / 360_360,
  1 / 156,
] as const satisfies number[];

/**
 * The natural logarithm of the gamma function for x above 0, to some 15 digits.
 * @see https://dlmf.nist.gov/5.11#E1
 */
export function logGamma(x: number): number {
  let shifted = x;
  let product = 1;
  // Γ(x) = Γ(x + n) / (x (x + 1) … (x + n − 1))
  while (shifted < LARGE) {
    product *= shifted;
    shifted += 1;
  }
  const inverse = 1 / shifted;
  let series = 0;
  for (let k = STIRLING.length - 1; k >= 0; k -= 1) {
    series = series * inverse * inverse + (STIRLING[k] ?? 0);
  }
  return (
    (shifted - 0.5) * Math.log(shifted) - shifted + HALF_LOG_TWO_PI + series * inverse - Math.log(product)
  );
}
