// Counts, and the order of reading.
/**
 * @typedef {import('./types.js').Item} Item
 * @typedef {'urgent' | 'total' | 'waiting' | 'active' | 'blocked' | 'done'} Door
 * @typedef {Record<Door, number>} Counts
 */

/** The counts at the top, in their order. @type {Door[]} */
export const DOORS = ['urgent', 'total', 'waiting', 'active', 'blocked', 'done'];

/**
 * Count by state.
 * @param {Iterable<Item>} items
 * @returns {Counts}
 */
export function countItems(items) {
  const counts = {total: 0, urgent: 0, waiting: 0, active: 0, blocked: 0, done: 0};
  for (const item of items) {
    counts.total += 1;
    if (item.urgent) counts.urgent += 1;
    if (item.status.meaning !== 'unknown') counts[item.status.meaning] += 1;
  }
  return counts;
}

/**
 * Make the function that sorts all rows. It starts from its last order, which differs in few places: that makes it
 * many times cheaper than sorting anew.
 * @returns {(rows: Map<number, import('./types.js').Row>, read: (row: import('./types.js').Row) => Item) => Item[]}
 */
export function createSorter() {
  /** @type {Item[]} */
  let last = [];
  return (rows, read) => {
    /** @type {Item[]} */
    const items = [];
    for (const {id} of last) {
      const row = rows.get(id);
      if (row) items.push(read(row));
    }
    if (items.length < rows.size) {
      const kept = new Set(items.map((item) => item.id));
      for (const row of rows.values()) if (!kept.has(row.id)) items.push(read(row));
    }
    last = items.sort(byPriorityThenTime);
    return last;
  };
}

/**
 * Most pressing first, finished last whatever they were; then latest first; then by id, so that the order never wavers.
 * @param {Item} a
 * @param {Item} b
 */
export function byPriorityThenTime(a, b) {
  return Number(a.done) - Number(b.done)
    || b.priority.rank - a.priority.rank
    || (b.updated ?? 0) - (a.updated ?? 0)
    || a.id - b.id;
}
