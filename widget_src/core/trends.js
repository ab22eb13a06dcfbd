// The counts of the last 24 hours, for the small curves in the counts.
/**
 * @typedef {import('./types.js').Board} Board
 * @typedef {import('./select.js').Door} Door
 * @typedef {{at: number, counts: Record<string, number>, total?: number, urgent?: number | null}} Slot at: epoch seconds
 * @typedef {{at: number, n: number}} Point at: epoch milliseconds
 */

/**
 * Turn counts per status into one series per door; for urgent where the server has counted it (older figures don't know).
 * @param {Slot[]} slots oldest first
 * @param {Board} board
 * @returns {Partial<Record<Door, Point[]>>}
 */
export function trendsOf(slots, board) {
  /** @type {Partial<Record<Door, Point[]>>} */
  const trends = {};
  for (const {at, counts, total, urgent} of slots) {
    if (!Number.isFinite(at) || typeof counts !== 'object' || counts === null) continue;
    const sums = {total: 0, waiting: 0, active: 0, blocked: 0, done: 0};
    for (const [value, n] of Object.entries(counts)) {
      if (!Number.isFinite(n)) continue;
      sums.total += n;
      const {meaning} = board.statusOf(value);
      if (meaning !== 'unknown') sums[meaning] += n;
    }
    // Rows without a status count, too.
    if (Number.isFinite(total)) sums.total = Number(total);
    const points = typeof urgent === 'number' && Number.isFinite(urgent) ? {...sums, urgent} : sums;
    for (const [door, n] of Object.entries(points)) (trends[/** @type {Door} */ (door)] ??= []).push({at: at * 1000, n});
  }
  return trends;
}

/** A series that covers less of its box is a stroke, not a curve. */
const LEAST = 0.02;

/**
 * Draw a series as an SVG path in a box; '' when there is nothing to draw.
 * @param {Point[]} points
 * @param {{from: number, to: number, width: number, height: number}} box from, to: epoch milliseconds
 */
export function sparkline(points, {from, to, width, height}) {
  const seen = points.filter((point) => point.at >= from && point.at <= to);
  if (seen.length < 2 || seen[seen.length - 1].at - seen[0].at < LEAST * (to - from)) return '';
  const values = seen.map((point) => point.n);
  const least = Math.min(...values);
  const span = Math.max(...values) - least;
  const x = (/** @type {number} */ at) => round(((at - from) / (to - from)) * width);
  const y = (/** @type {number} */ n) => round(span ? height - 1 - ((n - least) / span) * (height - 2) : height / 2);
  return seen.map((point, index) => `${index ? 'L' : 'M'}${x(point.at)} ${y(point.n)}`).join('');
}

/** @param {number} n */
const round = (n) => Math.round(n * 10) / 10;
