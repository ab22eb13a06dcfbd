// Logged changes, newest first: pages of the server's history, and what the stream has brought since.
/**
 * @typedef {import('./types.js').LoggedChange} LoggedChange
 * @typedef {ReturnType<typeof createTimeline>} Timeline
 */

/** What is kept of a long day; older ones can be asked for again. */
const MOST = 1000;

/** @param {string} key what was asked: another question makes another timeline */
export function createTimeline(key) {
  return {
    key,
    /** @type {LoggedChange[]} */
    entries: [],
    /** Where the next page begins; null: nothing older, undefined: not asked yet. @type {string | null | undefined} */
    before: undefined,
    loading: false,
    /** @type {import('./api.js').ApiError | null} */
    error: null,
  };
}

/**
 * @param {Timeline} timeline
 * @param {{changes: LoggedChange[], before: string | null}} page
 */
export function takePage(timeline, page) {
  const changes = Array.isArray(page.changes) ? page.changes.filter(isLogged) : [];
  timeline.entries = merged(timeline.entries, changes);
  timeline.before = page.before ?? null;
  timeline.loading = false;
  timeline.error = null;
}

/**
 * @param {Timeline} timeline
 * @param {LoggedChange} change
 */
export function takeLive(timeline, change) {
  if (timeline.entries[0]?.id === change.id) return;
  timeline.entries = timeline.entries.length && compare(change.id, timeline.entries[0].id) <= 0
    ? merged(timeline.entries, [change]) : [change, ...timeline.entries];
  if (timeline.entries.length > MOST) {
    timeline.entries = timeline.entries.slice(0, MOST / 2);
    timeline.before = timeline.entries[timeline.entries.length - 1].id;
  }
}

/**
 * Does the test let the row through, as it was before a change or as it is after it? The server's history asks the same.
 * @param {import('./types.js').Change} change
 * @param {{fields: import('./types.js').Fields, read: (row: import('./types.js').Row) => import('./types.js').Item,
 *   test: (item: import('./types.js').Item) => boolean}} row its cells as far as they are known
 */
export function concerns({action, row: id, fields: after, was: before}, {fields, read, test}) {
  const sides = action === 'add' ? [after] : action === 'remove' ? [before] : [after, before];
  return sides.some((side) => test(read({id, fields: {...fields, ...side}})));
}

/** @param {LoggedChange[]} a @param {LoggedChange[]} b */
function merged(a, b) {
  const all = new Map([...a, ...b].map((change) => [change.id, change]));
  return [...all.values()].sort((one, two) => compare(two.id, one.id));
}

/** Compare event ids, `<epoch>-<counter>`. @param {string} a @param {string} b */
export function compare(a, b) {
  const [one, two] = [a, b].map((id) => id.split('-').map(Number));
  return one[0] - two[0] || one[1] - two[1];
}

/** @param {any} change @returns {change is LoggedChange} */
export const isLogged = (change) => typeof change?.id === 'string' && /^\d+-\d+$/.test(change.id)
  && Number.isInteger(change.row) && ['add', 'update', 'remove'].includes(change.action);
