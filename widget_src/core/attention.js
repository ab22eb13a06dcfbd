// What draws the eye: flashes in place, the "new" badge, toasts, and when to make a sound. No more than helps.
/**
 * @typedef {import('./types.js').News} News
 * @typedef {{count: number, until: number, newUntil: number}} Flash count: how often it flashed, to restart it
 * @typedef {{key: number, kind: 'change' | 'remove' | 'many' | 'caughtUp' | 'test', until: number, born: number,
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

export function createAttention() {
  return {
    /** @type {Map<number, Flash>} */
    flashes: new Map(),
    /** @type {Toast[]} */
    toasts: [],
    /** News that the server has announced as replayed: they flash, one toast has told them. */
    replayed: 0,
    nextKey: 1,
    soundAt: -Infinity,
  };
}

/**
 * Take the news of one frame; true when they deserve a sound.
 * @param {Attention} attention
 * @param {News[]} news
 * @param {number} now
 */
export function attend(attention, news, now) {
  const told = news.slice(Math.min(attention.replayed, news.length));
  attention.replayed -= news.length - told.length;
  for (const {row, action} of news) {
    if (action === 'remove') attention.flashes.delete(row);
    else flash(attention, row, now);
  }
  const growing = attention.toasts.some((t) => t.kind === 'many' && now - (t.until - TOAST_MS) < BUSY_MS);
  const busy = growing || attention.toasts.filter((t) => t.news && now - t.born < BUSY_MS).length + told.length > FEW;
  if (busy && told.length) tellMany(attention, told, now);
  else for (const one of told) push(attention, {kind: one.action === 'remove' ? 'remove' : 'change', news: one}, now);
  if (!told.length || now - attention.soundAt < SOUND_EVERY_MS) return false;
  attention.soundAt = now;
  return true;
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
    if (one.newUntil <= now) changed = attention.flashes.delete(row);
    else next = Math.min(next, one.until > now ? one.until : one.newUntil);
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
  attention.flashes.set(row, {count, until: now + FLASH_MS, newUntil: now + NEW_MS});
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
