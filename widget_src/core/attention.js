// What draws the eye: flashes in place, the "new" mark, toasts, alerts, and when to make a sound. No more than helps.
import {isAlert} from './take.js';
/**
 * @typedef {import('./types.js').News} News
 * @typedef {{count: number, until: number, newUntil: number | null}} Flash count: how often it flashed, to restart it;
 *   newUntil: when its mark goes, null as long as nobody has seen it
 * @typedef {{key: number, kind: 'change' | 'remove' | 'taken' | 'many' | 'caughtUp' | 'test' | 'note', until: number, born: number,
 *   news?: News, n?: number, rows?: Set<number>, text?: string}} Toast
 * @typedef {ReturnType<typeof createAttention>} Attention
 */

export const FLASH_MS = 1200;
export const NEW_MS = 30_000;
export const TOAST_MS = 6000;
/** More changes than this at once, or within BUSY_MS, are told as one number. */
export const FEW = 3;
const BUSY_MS = 4000;
const SOUND_EVERY_MS = 1000;
const MOST_ALERTS = 100;

export function createAttention() {
  return {
    /** @type {Map<number, Flash>} */
    flashes: new Map(),
    /** @type {Toast[]} */
    toasts: [],
    /** Rows that became urgent while we look, and that nobody has taken: row → when. @type {Map<number, number>} */
    alerts: new Map(),
    /** Rows whose alert the reader has put aside. @type {Set<number>} */
    aside: new Set(),
    /** Changes that the server has announced as replayed, and that have yet to come. */
    replayed: 0,
    nextKey: 1,
    /** The last sound, and how pressing it was. */
    soundAt: -Infinity,
    sounded: -1,
  };
}

/**
 * Take the news of one frame: all of them flash, what is urgent is an alert, and the others are told by toasts.
 * @param {Attention} attention
 * @param {News[]} news
 * @param {number} now
 * @param {Record<string, string>} [role] role → column id
 */
export function attend(attention, news, now, role = {}) {
  for (const {row, action} of news) {
    if (action === 'remove') attention.flashes.delete(row);
    else flash(attention, row, now);
  }
  const quiet = news.filter((one) => !raise(attention, one, now, role) && isTold(one)); // an alert is its own toast
  const growing = attention.toasts.some((t) => t.kind === 'many' && now - (t.until - TOAST_MS) < BUSY_MS);
  const busy = growing || attention.toasts.filter((t) => t.news && now - t.born < BUSY_MS).length + quiet.length > FEW;
  if (busy && quiet.length) tellMany(attention, quiet, now);
  else for (const one of quiet) push(attention, {kind: one.action === 'remove' ? 'remove' : one.taken ? 'taken' : 'change', news: one}, now);
}

/** Has the reader not been told of it yet, and wants to be? @param {News} news */
export const isTold = ({replayed, out}) => !replayed && !out;

/**
 * Ask whether something so pressing may sound now: there is a pause after each sound, which only what is more
 * pressing breaks. When it may, it has sounded.
 * @param {Attention} attention
 * @param {number} level -1 unknown, 0 low … 3 urgent; below that, nothing may sound
 * @param {number} now
 */
export function sounds(attention, level, now) {
  const pause = now - attention.soundAt < SOUND_EVERY_MS;
  if (level < -1 || (pause && level <= attention.sounded)) return false;
  Object.assign(attention, {soundAt: now, sounded: level});
  return true;
}

/**
 * Keep an alert as long as its row is urgent and nobody has it; true when the row has one. It comes with what makes the
 * row urgent or free, not with any other edit; one that was put aside comes back when somebody sets the priority again.
 * @param {Attention} attention
 * @param {News} news
 * @param {number} now
 * @param {Record<string, string>} role
 */
function raise({alerts, aside}, {row, action, item, columns}, now, role) {
  if (action === 'remove' || !item || !isAlert(item)) {
    alerts.delete(row);
    aside.delete(row);
    return false;
  }
  const raised = action === 'add' || columns.includes(role.priority) || (columns.includes(role.status) && !aside.has(row));
  if (!alerts.has(row) && !raised) return false;
  aside.delete(row);
  if (!alerts.has(row)) alerts.set(row, now);
  if (alerts.size > MOST_ALERTS) alerts.delete(/** @type {number} */ (alerts.keys().next().value));
  return true;
}

/** The reader doesn't want to be told of this row any more. @param {Attention} attention @param {number} row */
export function putAside({alerts, aside}, row) {
  alerts.delete(row);
  aside.add(row);
}

/**
 * These rows are before the reader's eyes: from now on their marks count down.
 * @param {Attention} attention
 * @param {Iterable<number>} rows
 * @param {number} now
 */
export function see(attention, rows, now) {
  if (!attention.flashes.size) return;
  for (const row of rows) {
    const one = attention.flashes.get(row);
    if (one?.newUntil === null) one.newUntil = now + NEW_MS;
  }
}

/**
 * Show a toast that is no change of a row.
 * @param {Attention} attention
 * @param {{kind: Toast['kind'], news?: News, n?: number, rows?: Set<number>, text?: string}} toast
 * @param {number} now
 */
export function push(attention, toast, now) {
  attention.toasts = [...attention.toasts.slice(-FEW), {...toast, key: attention.nextKey++, born: now, until: now + TOAST_MS}];
}

/**
 * Tell whether so little changes that rows may glide to their new places; more would be a jumble.
 * @param {Attention} attention
 * @param {number} now
 */
export function isCalm(attention, now) {
  let flashing = 0;
  for (const {until} of attention.flashes.values()) if (until > now) flashing += 1;
  return flashing <= FEW;
}

/**
 * Drop what is over; true when something was, and the moment at which something will be.
 * @param {Attention} attention
 * @param {number} now
 * @returns {{changed: boolean, next: number}}
 */
export function expire(attention, now) {
  let changed = false;
  let next = Infinity;
  for (const [row, one] of attention.flashes) {
    if (one.newUntil !== null && one.newUntil <= now) changed = attention.flashes.delete(row);
    else next = Math.min(next, one.until > now ? one.until : one.newUntil ?? Infinity);
  }
  const kept = attention.toasts.filter((toast) => toast.until > now);
  changed ||= kept.length !== attention.toasts.length;
  attention.toasts = kept;
  for (const toast of kept) next = Math.min(next, toast.until);
  return {changed, next};
}

/**
 * @param {Attention} attention
 * @param {number} row
 * @param {number} now
 */
function flash(attention, row, now) {
  const count = (attention.flashes.get(row)?.count ?? 0) + 1;
  attention.flashes.set(row, {count, until: now + FLASH_MS, newUntil: null});
}

/**
 * @param {Attention} attention
 * @param {News[]} news
 * @param {number} now
 */
function tellMany(attention, news, now) {
  const open = attention.toasts.find((t) => t.kind === 'many' && t.until > now);
  const rows = new Set(open?.rows);
  for (const {row} of news) rows.add(row);
  if (open) {
    const grown = {...open, rows, n: rows.size, until: now + TOAST_MS};
    attention.toasts = attention.toasts.map((t) => (t === open ? grown : t));
  } else {
    push(attention, {kind: 'many', rows, n: rows.size}, now);
  }
}
