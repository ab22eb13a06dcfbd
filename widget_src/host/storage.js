// What this browser remembers. Storage throws where a user blocks site data, and in some cross-site frames.

const PREFIX = 'grist-live:';

/** @param {string} key @returns {string | null} */
export function recall(key) {
  try {
    return window.localStorage.getItem(PREFIX + key);
  } catch {
    return null;
  }
}

/** @param {string} key @param {string | null} value null forgets */
export function remember(key, value) {
  try {
    if (value === null || value === '') window.localStorage.removeItem(PREFIX + key);
    else window.localStorage.setItem(PREFIX + key, value);
  } catch {
    // then it is known until the page closes
  }
}

/** Is anything kept here? Tried once. */
let works = /** @type {boolean | null} */ (null);
export function storageWorks() {
  if (works === null) {
    remember('try', '1');
    works = recall('try') === '1';
    remember('try', null);
  }
  return works;
}
