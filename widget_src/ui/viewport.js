// Which rows are in sight, and how to keep what is being read in its place.
import {ROW_REM, rangeInSight} from './list.js';
/** @typedef {import('../core/types.js').Item} Item */

const NARROW = matchMedia('(max-width: 50rem)'); // the same as in the style sheets

/**
 * @param {HTMLElement} app
 * @param {() => void} changed called when a scroll or resize may ask for other rows
 */
export function createViewport(app, changed) {
  addEventListener('scroll', changed, {passive: true});
  addEventListener('resize', changed);
  NARROW.addEventListener('change', changed);
  /** @type {Item[]} */
  let before = [];
  let jump = false;
  let printing = false;
  addEventListener('beforeprint', () => { printing = true; changed(); });
  addEventListener('afterprint', () => { printing = false; changed(); });

  const rowHeight = () => {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
    return Math.round((NARROW.matches ? ROW_REM.narrow : ROW_REM.wide) * rem);
  };
  /** How far the list's first row is above the bottom of what stays on top, in px; negative: below. */
  const scrolled = () => {
    const rows = app.querySelector('.rows');
    if (!rows) return 0;
    const covered = ['.head', '.top'].map((part) => app.querySelector(part)?.getBoundingClientRect().bottom ?? 0);
    return Math.max(0, ...covered) - rows.getBoundingClientRect().top; // in a low window only the top bar stays
  };

  return {
    /** The next draw starts at the list's top (another filter). */
    startOver() { jump = true; },
    /**
     * Say what to draw of these items, and how far to scroll once it is drawn.
     * @param {Item[]} items
     */
    place(items) {
      const height = rowHeight();
      const top = scrolled();
      const reading = top > height / 2;
      let shift = 0;
      if (jump) shift = reading ? -top : 0;
      else if (reading && items !== before) shift = anchorShift(before, items, Math.floor(top / height)) * height;
      jump = false;
      before = items;
      const range = printing ? {first: 0, last: items.length}
        : rangeInSight({top: top + shift, height: innerHeight, rowHeight: height, count: items.length});
      return {range, rowHeight: height, glide: !reading, shift};
    },
  };
}

/**
 * By how many places did the first row in sight move?
 * @param {Item[]} before @param {Item[]} after @param {number} index
 */
function anchorShift(before, after, index) {
  for (let i = index; i < Math.min(index + 3, before.length); i += 1) { // it may just have gone: then its neighbour
    const now = after.findIndex((item) => item.id === before[i].id);
    if (now >= 0) return now - i;
  }
  return 0;
}
