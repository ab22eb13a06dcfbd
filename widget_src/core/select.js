// Counts, the order of reading, and which rows are on show.
import {baseTest, everything, keep, stateTest} from './filters.js';
import {isAlert} from './take.js';
/**
 * @typedef {import('./types.js').Item} Item
 * @typedef {'urgent' | 'total' | 'waiting' | 'active' | 'blocked' | 'done'} Door
 * @typedef {Record<Door, number>} Counts
 */

/** The counts at the top, in their order. @type {Door[]} */
export const DOORS = ['urgent', 'total', 'waiting', 'active', 'blocked', 'done'];

/** Those that can count something on this board. @param {import('./types.js').Board} board */
export const doorsOf = (board) => (board.columns.length
  ? DOORS.filter((door) => door === 'total' || (door === 'urgent' ? board.canBeUrgent : board.meanings.has(door))) : DOORS);

/**
 * Count by state.
 * @param {Iterable<Item>} items
 * @returns {Counts}
 */
export function countItems(items) {
  const counts = {total: 0, urgent: 0, waiting: 0, active: 0, blocked: 0, done: 0};
  for (const item of items) count(counts, item, 1);
  return counts;
}

/** @param {Counts} counts @param {Item} item @param {1 | -1} by */
function count(counts, item, by) {
  counts.total += by;
  if (item.urgent) counts.urgent += by;
  if (item.status.meaning !== 'unknown') counts[item.status.meaning] += by;
}

/** Changed rows up to so many are put into their places one by one; for more, all is sorted and filtered again. */
const FEW = 100;

/**
 * Make the function that sorts, filters and counts the rows. It starts from what it told last, so that one change
 * among 5,000 rows costs no more than one among 50. What it told stays as it was: a change makes new lists.
 * @returns {(rows: Map<number, Row>, asked: Question, touched: Set<number> | null) => Selection} touched: the only rows that
 *   may have changed since the last call; null: any may have
 * @typedef {import('./types.js').Row} Row
 * @typedef {{read: (row: Row) => Item, filters: import('./filters.js').Filters, me: string}} Question
 * @typedef {{sorted: Item[], base: Item[], fresh: Item[], urgent: Item[], counts: Counts, touched: Set<number> | null}} Selection all rows; those that all
 *   filters but the state keep; those that all keep; of `base`, the urgent ones that nobody has; the counts of `base`;
 *   and the only rows of which any of these may tell something else than the last time (null: any may)
 */
export function createSelection() {
  /** @type {Map<number, Item>} */
  let known = new Map();
  /** @type {Question | null} */
  let last = null;
  /** @type {Selection} */
  let told = {sorted: [], base: [], fresh: [], urgent: [], counts: countItems([]), touched: null};

  return (rows, asked, touched) => {
    const base = baseTest(asked.filters, asked.me);
    const state = stateTest(asked.filters);
    const same = last !== null && last.read === asked.read && last.filters === asked.filters && last.me === asked.me;
    last = asked;
    if (!same || !touched || touched.size > FEW) {
      const sorted = sortedAnew(told.sorted, rows, asked.read);
      known = new Map(sorted.map((item) => [item.id, item]));
      const kept = keep(sorted, base);
      return told = {sorted, base: kept, fresh: keep(kept, state), urgent: kept.filter(isAlert), counts: countItems(kept), touched: same ? touched : null};
    }
    const changes = [...touched].map((id) => {
      const row = rows.get(id);
      const [before, after] = [known.get(id), row && asked.read(row)];
      if (after) known.set(id, after);
      else known.delete(id);
      return /** @type {const} */ ([before, after]);
    }).filter(([before, after]) => before !== after);
    const counts = {...told.counts};
    for (const [before, after] of changes) {
      if (before && base(before)) count(counts, before, -1);
      if (after && base(after)) count(counts, after, 1);
    }
    const sorted = changed(told.sorted, changes, everything);
    const kept = base === everything ? sorted : changed(told.base, changes, base);
    const fresh = state === everything ? kept : changed(told.fresh, changes, (item) => base(item) && state(item));
    const urgent = changed(told.urgent, changes, (item) => base(item) && isAlert(item));
    return told = {sorted, base: kept, fresh, urgent, counts, touched};
  };
}

/**
 * Sort all rows. The last order differs in few places, which makes it many times cheaper than sorting anew.
 * @param {Item[]} last @param {Map<number, Row>} rows @param {(row: Row) => Item} read
 */
function sortedAnew(last, rows, read) {
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
  return items.sort(byPriorityThenTime);
}

/**
 * A sorted list with what has changed put into its place; the list itself when nothing of it has.
 * @param {Item[]} items @param {(readonly [Item | undefined, Item | undefined])[]} changes before, after @param {(item: Item) => boolean} test
 */
function changed(items, changes, test) {
  const next = items.slice();
  let same = true;
  for (const [before, after] of changes) {
    const [out, into] = [before && test(before), after && test(after)];
    if (before && out) next.splice(placeOf(next, before), 1);
    if (after && into) next.splice(placeOf(next, after), 0, after);
    same &&= !out && !into;
  }
  return same ? items : next;
}

/** Where a sorted list has, or would have, this item. @param {Item[]} items @param {Item} item */
export function placeOf(items, item) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (byPriorityThenTime(items[middle], item) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
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
