// How long to wait before the next attempt.

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/**
 * Count failed attempts and spread the next ones, so that a thousand pages don't come back in one second.
 * What the server asks (`Retry-After`, `retry:`, `bye`) is the least it waits.
 * @param {() => number} random 0 ≤ n < 1
 */
export function createBackoff(random) {
  let failures = 0;
  let base = FIRST_MS;
  return {
    /** The stream's `retry:` field: the server's own choice of the first delay. @param {number} ms */
    setBase(ms) { base = Math.max(0, ms); },
    success() { failures = 0; },
    /** @param {number} [atLeast] ms asked for by this answer */
    next(atLeast = 0) {
      const limit = Math.min(Math.max(LONGEST_MS, base), base * 2 ** failures);
      failures += 1;
      const spread = base === FIRST_MS ? limit / 2 + (limit / 2) * random() : limit * (1 + random() / 4);
      return Math.round(Math.max(atLeast * (1 + random() / 10), spread));
    },
  };
}

/**
 * Read `Retry-After`: seconds or a date.
 * @param {string | null} value
 * @param {number} now epoch milliseconds
 * @returns {number} milliseconds, 0 when there is none
 */
export function retryAfter(value, now) {
  if (!value) return 0;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), 10 * 60_000) : 0;
}
