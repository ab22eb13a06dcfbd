// What this browser remembers. Storage throws where a user blocks site data, and in some cross-site frames.

const PREFIX = 'grist-live:';

/** What could not be kept: known until the page closes. @type {Map<string, string>} */
const memory = new Map();

/** @param {string} key @returns {string | null} */
export const recall = (key) => memory.get(key) ?? attempt(() => window.localStorage.getItem(PREFIX + key)) ?? null;

/** @param {string} key @param {string | null} value null forgets */
export function remember(key, value) {
  memory.delete(key);
  if (!write(() => window.localStorage, key, value) && value) memory.set(key, value);
}

/** What only this tab remembers, over a reload. @param {string} key */
export const recallHere = (key) => attempt(() => window.sessionStorage.getItem(PREFIX + key)) ?? null;

/** @param {string} key @param {string | null} value null forgets */
export const rememberHere = (key, value) => write(() => window.sessionStorage, key, value);

/** @template T @param {() => T} get @returns {T | undefined} */
function attempt(get) {
  try {
    return get();
  } catch {
    return undefined;
  }
}

/** Tells whether it was kept. @param {() => Storage} store @param {string} key @param {string | null} value */
const write = (store, key, value) => attempt(() => {
  if (value === null || value === '') store().removeItem(PREFIX + key);
  else store().setItem(PREFIX + key, value);
  return true;
}) ?? false;

/** Is anything kept here? Tried once. */
let works = /** @type {boolean | null} */ (null);
export function storageWorks() {
  if (works === null) {
    works = write(() => window.localStorage, 'try', '1');
    remember('try', null);
  }
  return works;
}

/** A list of texts; an empty one where something else is kept, which must not stop the page. @param {string} key @returns {string[]} */
export function recallList(key) {
  try {
    const list = JSON.parse(recall(key) ?? '[]');
    return Array.isArray(list) ? list.filter((one) => typeof one === 'string') : [];
  } catch {
    return [];
  }
}
