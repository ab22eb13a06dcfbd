// Never move what someone reads: while the reader holds the list, rows keep their places, and what would move waits.
import {placeOf} from './select.js';
/**
 * @typedef {import('./types.js').Item} Item
 * @typedef {ReturnType<typeof createOrder>} Order
 */

/** For more touched rows than this, all rows are compared: that is cheaper then. */
const FEW = 300;

export function createOrder() {
  return {
    /** The rows as they stand on the screen. @type {Item[]} */
    shown: [],
    /** While held: rows that may have changed since. @type {Set<number>} */
    touched: new Set(),
    held: false,
    /** While held: at which place each row stands. @type {Map<number, number>} */
    places: new Map(),
    /** While held: rows that nothing has touched may have come or gone, too: the filters have changed, or the board. */
    shaken: false,
    /** While held: under which status each row stood. @type {Map<number, number>} */
    columns: new Map(),
  };
}

/**
 * Say what to show, and how many rows wait for their new places.
 * @param {Order} order
 * @param {{fresh: Item[], holding: boolean, find: (id: number) => Item | undefined, touched: Iterable<number> | null}} now
 *   fresh: filtered, and sorted as `byPriorityThenTime` does; touched: the only rows that may have changed since the last
 *   call; null: any may have
 * @returns {{items: Item[], waiting: number, arrived: number}} arrived: how many of those that wait are new among the rows
 */
export function arrange(order, {fresh, holding, find, touched}) {
  if (!holding || !order.shown.length) {
    order.held = order.shaken = false;
    for (const part of [order.touched, order.places, order.columns]) part.clear();
    order.shown = fresh;
    return {items: fresh, waiting: 0, arrived: 0};
  }
  const begins = !order.held;
  if (begins) {
    order.held = true;
    for (const [place, item] of order.shown.entries()) {
      order.places.set(item.id, place);
      order.columns.set(item.id, item.status.index);
    }
  }
  order.shaken ||= touched === null;
  for (const id of touched ?? []) order.touched.add(id);
  const stands = (/** @type {Item} */ before) => find(before.id) ?? (before.gone ? before : {...before, gone: true});
  if (begins || !touched) order.shown = order.shown.map(stands);
  else {
    order.shown = order.shown.slice();
    for (const id of touched) {
      const place = order.places.get(id);
      if (place !== undefined) order.shown[place] = stands(order.shown[place]);
    }
  }
  const waiting = order.shaken || order.touched.size > FEW ? countWaiting(order.shown, fresh, order.touched) : countTouched(order, fresh, find);
  return {items: order.shown, waiting, arrived: waiting && countArrived(order, fresh, find)};
}

/** @param {Order} order @param {Item[]} fresh @param {(id: number) => Item | undefined} find */
function countArrived({places, shaken, touched}, fresh, find) {
  if (shaken || touched.size > FEW) return fresh.reduce((n, {id}) => n + Number(!places.has(id)), 0);
  let n = 0;
  for (const id of touched) {
    const item = places.has(id) ? undefined : find(id);
    if (item && fresh[placeOf(fresh, item)] === item) n += 1;
  }
  return n;
}

/**
 * The same count, where only touched rows can have come, gone or moved: only they are looked at.
 * @param {Order} order @param {Item[]} fresh @param {(id: number) => Item | undefined} find
 */
function countTouched({shown, places, touched}, fresh, find) {
  let n = 0;
  for (const id of touched) {
    const item = find(id);
    const is = item ? placeOf(fresh, item) : -1;
    const there = item !== undefined && fresh[is] === item;
    const was = places.get(id);
    if (was === undefined ? there : !there || anchor(shown, was, touched) !== anchor(fresh, is, touched)) n += 1;
  }
  return n;
}

/** The last row before this place that nothing has touched; 0: none. @param {Item[]} items @param {number} place @param {Set<number>} touched */
function anchor(items, place, touched) {
  for (let i = place - 1; i >= 0; i -= 1) if (!touched.has(items[i].id)) return items[i].id;
  return 0;
}

/**
 * Rows that have come, gone, or that stand behind another one than before.
 * @param {Item[]} shown
 * @param {Item[]} fresh
 * @param {Set<number>} touched
 */
export function countWaiting(shown, fresh, touched) {
  const before = new Set(shown.map((item) => item.id));
  const after = new Set(fresh.map((item) => item.id));
  let n = 0;
  for (const id of before) if (!after.has(id)) n += 1;
  for (const id of after) if (!before.has(id)) n += 1;
  if (!touched.size) return n;
  const was = anchors(shown, after, touched);
  const is = anchors(fresh, before, touched);
  for (const [id, anchor] of was) if (is.get(id) !== anchor) n += 1;
  return n;
}

/**
 * For each touched row that is in both orders, the last untouched one before it.
 * @param {Item[]} items
 * @param {Set<number>} others
 * @param {Set<number>} touched
 */
function anchors(items, others, touched) {
  /** @type {Map<number, number>} */
  const found = new Map();
  let last = 0;
  for (const {id} of items) {
    if (!others.has(id)) continue;
    if (touched.has(id)) found.set(id, last);
    else last = id;
  }
  return found;
}
