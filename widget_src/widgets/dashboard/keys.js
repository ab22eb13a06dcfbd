// Clicks beside what is open. Single keys, while nobody types. They can be turned off: who dictates would set them off unawares (WCAG 2.1.4).
import {viewsOf} from '../../core/page-address.js';

/**
 * @param {import('./state.js').State} state
 * @param {ReturnType<typeof import('./actions.js').createActions>} actions
 */
export function listenToKeys(state, actions) {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target instanceof Element && event.target.closest('input:not([type=checkbox]), textarea, select')) return;
    if (event.key === 'Escape') return state.panel ? actions.togglePanel(state.panel) : state.place.row !== null ? actions.closeRow() : undefined;
    const act = state.letters && shortcut(event, viewsOf(state.feed.board), actions);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/**
 * A click beside a panel closes it, and one beside a row's sheet, where it covers the page; what was clicked does what it does.
 * @param {import('./state.js').State} state
 * @param {ReturnType<typeof import('./actions.js').createActions>} actions
 */
export function listenBeside(state, actions) {
  let before = {panel: state.panel, row: state.place.row};
  addEventListener('click', () => { before = {panel: state.panel, row: state.place.row}; }, {capture: true});
  addEventListener('click', ({target}) => {
    if (!(target instanceof Element) || !target.isConnected || target.closest('.panel, .detail, .corner')) return;
    if (state.panel && state.panel === before.panel && !target.closest('[aria-expanded]')) actions.closePanel();
    else if (state.place.row !== null && state.place.row === before.row && matchMedia('(max-width: 50rem)').matches) actions.closeRow();
  });
}

/** @param {KeyboardEvent} event @param {import('../../core/page-address.js').ViewName[]} views @param {ReturnType<typeof import('./actions.js').createActions>} actions @returns {(() => void) | undefined} */
function shortcut({key, code, shiftKey}, views, actions) {
  // On a French keyboard the digits are shifted: the key that has one is meant as well.
  const digit = /^\d$/.test(key) ? key : shiftKey ? '' : /^Digit(\d)$/.exec(code)?.[1];
  const view = views[Number(digit) - 1];
  if (view) return () => actions.setView(view);
  return {'/': actions.toSearch, f: actions.toggleFreeze, n: actions.release, u: actions.nextUnread, m: actions.toggleMine,
    '?': () => actions.togglePanel('keys')}[key.toLowerCase()];
}
