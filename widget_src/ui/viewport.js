// Which rows are in sight, and how to keep what is being read in its place.
import {ROW_REM, rangeInSight} from './list.js';
/** @typedef {import('../core/types.js').Item} Item */

const NARROW = matchMedia('(max-width: 50rem)'); // the same as in the style sheets
/** A list that is narrower than this shows cards; the same as in list.css. */
const CARDS_REM = 46;
const LOW = matchMedia('(max-height: 26rem)'); // the same as in list.css
/** So near the end of what is shown more of it is shown. */
const SOON_PX = 400;
/** What was measured holds for so long, unless something has moved. */
const LOOK_MS = 5000;

/**
 * @param {HTMLElement} app
 * @param {() => void} changed called when a scroll or resize may ask for other rows
 */
export function createViewport(app, changed) {
  /** Measuring makes the browser lay out the page, so it is done when something may have moved. */
  let moved = true;
  const move = () => { moved = true; changed(); };
  addEventListener('scroll', move, {passive: true, capture: true}); // the columns of the kanban scroll by themselves
  addEventListener('resize', move);
  NARROW.addEventListener('change', move);
  new ResizeObserver(move).observe(app);
  /** @type {{key: string, at: number} & ReturnType<typeof measure> | null} */
  let last = null;
  /** @type {Item[]} */
  let before = [];
  let jump = false;
  let printing = false;
  let covered = -1;
  addEventListener('beforeprint', () => { printing = true; changed(); });
  addEventListener('afterprint', () => { printing = false; changed(); });

  const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
  /** How much of the window the top covers while one scrolls: all of it, or in a low or narrow window its first line. */
  const cover = () => {
    const bottoms = ['.head', '.top'].map((part) => app.querySelector(part)?.getBoundingClientRect().bottom ?? 0);
    const bottom = Math.round(Math.max(0, ...bottoms));
    if (bottom !== covered) app.style.setProperty('--head', `${covered = bottom}px`);
    return bottom;
  };

  /** @param {string} density */
  const measure = (density) => {
    const main = app.querySelector('.main');
    const size = rem();
    const cards = (main?.clientWidth ?? innerWidth) <= CARDS_REM * size;
    const rowHeight = Math.round(ROW_REM[density][cards ? (LOW.matches ? 'low' : 'narrow') : 'wide'] * size);
    const content = app.querySelector('.rows, .kanban, .timeline');
    const bottom = cover();
    /** How far the content's start is above the bottom of what stays on top, in px; negative: below. */
    const top = content ? bottom - content.getBoundingClientRect().top : 0;
    const inside = Boolean(content?.matches('.kanban')) && [...app.querySelectorAll('.cards')].some((column) => column.scrollTop > rowHeight / 2);
    const ends = Array.from(/** @type {NodeListOf<HTMLElement>} */ (app.querySelectorAll('[data-more]'))).filter(isNearEnd)
      .map(({dataset: {more}}) => (more === 'timeline' ? more : Number(more)));
    return {narrow: NARROW.matches, rowHeight, top, inside, ends};
  };

  return {
    /** The next draw starts at the top (another filter, another view). */
    startOver() { jump = moved = true; },
    /** Look at the page as it stands. `ends`: of what the end comes into sight, to be shown more of. @param {string} density @param {string} view */
    look(density, view) {
      const key = `${density} ${view}`;
      const now = performance.now();
      const fresh = moved || !last || last.key !== key || now - last.at > LOOK_MS;
      if (!last || fresh) last = {key, at: now, ...measure(density)};
      const ends = fresh ? last.ends : [];
      moved = ends.length > 0; // what they get may not be enough
      return {...last, ends, scrolled: !jump && (last.top > last.rowHeight / 2 || last.inside)};
    },
    /**
     * Say what to draw of these items, and how far to scroll once it is drawn.
     * @param {Item[]} items
     * @param {{rowHeight: number, top: number}} look
     */
    place(items, {rowHeight, top}) {
      const reading = top > rowHeight / 2;
      let shift = 0;
      if (jump) shift = reading ? -top : 0;
      else if (reading && items !== before) shift = anchorShift(before, items, Math.floor(top / rowHeight)) * rowHeight;
      if (shift) moved = true;
      if (jump) for (const column of app.querySelectorAll('.cards')) column.scrollTop = 0;
      jump = false;
      before = items;
      const range = printing ? {first: 0, last: items.length}
        : rangeInSight({top: top + shift, height: innerHeight, rowHeight, count: items.length});
      return {range, rowHeight, glide: !reading, shift};
    },
  };
}

/** Is the end of what it shows in sight, or soon? @param {HTMLElement} part */
function isNearEnd(part) {
  const rest = part.matches('.cards') ? part.scrollHeight - part.scrollTop - part.clientHeight : part.getBoundingClientRect().bottom - innerHeight;
  return rest < SOON_PX;
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
