/**
 * The small program that the demo writes, runs and mends. It knows nothing of the conversation around it.
 */
export const programName = 'primes.mjs';

/** The loop stops one step early, so that squares of primes pass as primes. */
export const wrongLine = '  for (let d = 2; d < Math.sqrt(n); d += 1) {';
export const rightLine = '  for (let d = 2; d <= Math.sqrt(n); d += 1) {';

export const program = `// Lists the primes below 30 and checks them against a known answer.
import assert from 'node:assert/strict';

function isPrime(n) {
  if (n < 2) return false;
${wrongLine}
    if (n % d === 0) return false;
  }
  return true;
}

const found = Array.from({ length: 30 }, (_, n) => n).filter(isPrime);
console.log('primes below 30:', found.join(' '));

assert.deepEqual(found, [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
console.log('all 10 are right');
`;

export const rightOutput = 'primes below 30: 2 3 5 7 11 13 17 19 23 29\nall 10 are right';
