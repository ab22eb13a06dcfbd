// What the reader can do with one row: go to it, open it, take it.
import {putAside} from '../../core/attention.js';
import {myName} from './look.js';
/** @typedef {import('./actions.js').Means} Means */

/** By how many rows a key goes on. @type {Record<string, number>} */
const STEPS = {ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity};

/** @param {Means} means */
export function createRowActions({state, host, frame, asks, address}) {
  const focusSoon = (/** @type {string} */ target) => requestAnimationFrame(() => requestAnimationFrame(
    () => /** @type {HTMLElement | null} */ (document.querySelector(target))?.focus()));

  /** @param {number} row */
  const goTo = (row) => {
    state.current = state.focusNext = row;
    frame();
  };

  return {
    /** @param {number} row @param {Event} [event] */
    openRow(row, event) {
      if (state.place.row === null) address.step();
      state.place = {...state.place, row};
      state.current = row;
      state.taking = state.taking?.row === row ? state.taking : null;
      asks.rowHistory();
      host.select?.(row);
      // A click by the keyboard has no place; on a phone the sheet covers all else.
      if (!event || (event instanceof MouseEvent && event.detail === 0) || matchMedia('(max-width: 50rem)').matches) focusSoon('#detail-title');
      frame();
    },
    closeRow() {
      const {row} = state.place;
      if (row === null) return;
      if (!address.goBack()) state.place = {...state.place, row: null};
      state.focusNext = row;
      state.taking = null;
      frame();
    },
    /** Grist's cursor went to a row. @param {number} row */
    selected(row) {
      state.current = row;
      if (state.place.row !== null && state.place.row !== row) {
        state.place = {...state.place, row};
        asks.rowHistory();
      }
      frame();
    },
    /** @param {KeyboardEvent} event */
    rowKey(event) {
      const target = /** @type {HTMLElement} */ (event.target);
      if (!target.matches('.open') || event.ctrlKey || event.metaKey || event.altKey) return;
      const row = state.focusNext ?? Number(target.dataset.open); // keys may come faster than frames
      const from = /** @type {HTMLElement | null} */ (document.querySelector(`[data-open="${row}"]`)) ?? target;
      const next = state.place.view === 'kanban' ? beside(from, event.key) : further(row, event.key);
      if (next === null) return;
      event.preventDefault();
      goTo(next);
      if (state.place.row !== null) { // the panel follows
        state.place = {...state.place, row: next};
        asks.rowHistory();
      }
    },
    /** @param {number} row */
    focusRow(row) {
      if (state.current === row) return;
      state.current = row;
      frame();
    },
    nextUnread() {
      const {flashes} = state.attention;
      const next = state.items.find(({id}) => flashes.get(id)?.newUntil === null);
      if (next) goTo(next.id);
    },
    /** @param {number} row */
    take(row) {
      const by = myName(state);
      if (by) return asks.take(row, by).then(() => focusSoon('#detail-title'));
      state.taking = {row, step: 'ask', problem: '', by: ''};
      frame();
      return focusSoon('.take-form input');
    },
    /** @param {SubmitEvent} event @param {number} row */
    takeAs(event, row) {
      event.preventDefault();
      const by = String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get('by') ?? '').trim();
      if (!by) return;
      asks.me(by);
      asks.take(row, by);
    },
    cancelTake() {
      state.taking = null;
      frame();
    },
    /** @param {number} row */
    dismissAlert(row) {
      putAside(state.attention, row);
      frame();
    },
  };

  /** The row so many places on; null when the key is none of ours. @param {number} row @param {string} key */
  function further(row, key) {
    const step = STEPS[key];
    if (!step || !state.items.length) return null;
    const at = state.items.findIndex((item) => item.id === row);
    return state.items[Math.min(Math.max(at + step, 0), state.items.length - 1)].id;
  }

  /** In the kanban: up and down in the column, left and right to the next one that has cards. @param {HTMLElement} from @param {string} key */
  function beside(from, key) {
    const columns = [...document.querySelectorAll('.column')].map((one) => /** @type {HTMLElement[]} */ ([...one.querySelectorAll('.open')]))
      .filter((cards) => cards.length);
    const column = columns.findIndex((cards) => cards.includes(from));
    if (column < 0) return null;
    const at = columns[column].indexOf(from);
    const sideways = key === 'ArrowRight' ? 1 : key === 'ArrowLeft' ? -1 : 0;
    const cards = columns[column + sideways] ?? columns[column];
    const step = STEPS[key];
    if (!sideways && !step) return null;
    return Number(cards[Math.min(Math.max(at + (step ?? 0), 0), cards.length - 1)].dataset.open);
  }
}
