// Filters, order and counts.
/**
 * @typedef {import('./types.js').Item} Item
 * @typedef {'open' | 'all' | 'urgent' | 'waiting' | 'active' | 'blocked' | 'done'} Filter
 * @typedef {Record<'total' | 'urgent' | 'waiting' | 'active' | 'blocked' | 'done', number>} Counts
 */

/** @type {Record<Filter, (item: Item) => boolean>} */
export const FILTERS = {
  open: (item) => !item.done,
  all: () => true,
  urgent: (item) => item.urgent,
  waiting: (item) => item.status.meaning === 'waiting',
  active: (item) => item.status.meaning === 'active',
  blocked: (item) => item.status.meaning === 'blocked',
  done: (item) => item.done,
};

/** A count is a door: this is the filter behind each. @type {Record<keyof Counts, Filter>} */
export const DOORS = {
  urgent: 'urgent', total: 'all', waiting: 'waiting', active: 'active', blocked: 'blocked', done: 'done',
};

/**
 * Count everything, whatever filter is on.
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
 * Keep what the filter keeps, in the order of reading.
 * @param {Iterable<Item>} items
 * @param {Filter} filter
 * @returns {Item[]}
 */
export function selectItems(items, filter) {
  const keep = FILTERS[filter];
  const kept = [];
  for (const item of items) if (keep(item)) kept.push(item);
  return kept.sort(byPriorityThenTime);
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
