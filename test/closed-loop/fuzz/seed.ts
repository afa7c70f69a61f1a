import { KUBERNETES_VERSION } from '../support/binaries.ts';

const DEFAULT_SEED = 20_260_725;

/**
 * The seed of a fuzz, printed so that a failure can be had again.
 * @throws RangeError where `LEASTWISE_TEST_SEED` is no whole number
 */
export function testSeed(): number {
  const given = process.env['LEASTWISE_TEST_SEED'];
  const seed = given === undefined || given === '' ? DEFAULT_SEED : Number(given);
  if (!Number.isSafeInteger(seed)) {
    throw new RangeError(`LEASTWISE_TEST_SEED is no whole number: ${String(given)}`);
  }
  console.log(`LEASTWISE_TEST_SEED=${String(seed)}, Kubernetes ${KUBERNETES_VERSION}`);
  return seed;
}
