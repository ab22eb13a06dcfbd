// Never move what someone reads: while the reader holds the list, rows keep their places, and what would move waits.
/**
 * @typedef {import('./types.js').Item} Item
 * @typedef {ReturnType<typeof createOrder>} Order
 */

export function createOrder() {
  return {
    /** The rows as they stand on the screen. @type {Item[]} */
    shown: [],
    /** Rows whose values have changed since the reader holds them. @type {Set<number>} */
    touched: new Set(),
    held: false,
    /** While held: under which status each row stood. @type {Map<number, number>} */
    columns: new Map(),
  };
}

/**
 * Say what to show, and how many rows wait for their new places.
 * @param {Order} order
 * @param {{fresh: Item[], holding: boolean, find: (id: number) => Item | undefined}} now fresh: filtered and sorted
 * @returns {{items: Item[], waiting: number}}
 */
export function arrange(order, {fresh, holding, find}) {
  if (!holding || !order.shown.length) {
    order.held = false;
    order.touched.clear();
    order.columns.clear();
    order.shown = fresh;
    return {items: fresh, waiting: 0};
  }
  if (!order.held) {
    order.held = true;
    for (const item of order.shown) order.columns.set(item.id, item.status.index);
  }
  order.shown = order.shown.map((before) => find(before.id) ?? (before.gone ? before : {...before, gone: true}));
  return {items: order.shown, waiting: countWaiting(order.shown, fresh, order.touched)};
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
