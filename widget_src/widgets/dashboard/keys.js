// Single keys, while nobody types. They can be turned off: who dictates would set them off unawares (WCAG 2.1.4).
import {VIEWS} from '../../core/page-address.js';

/**
 * @param {import('./state.js').State} state
 * @param {ReturnType<typeof import('./actions.js').createActions>} actions
 */
export function listenToKeys(state, actions) {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target instanceof Element && event.target.closest('input:not([type=checkbox]), textarea, select')) return;
    if (event.key === 'Escape') return state.panel ? actions.togglePanel(state.panel) : state.place.row !== null ? actions.closeRow() : undefined;
    const act = state.letters && shortcut(event, actions);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/** @param {KeyboardEvent} event @param {ReturnType<typeof import('./actions.js').createActions>} actions @returns {(() => void) | undefined} */
function shortcut({key, code, shiftKey}, actions) {
  // On a French keyboard the digits are shifted: the key that has one is meant as well.
  const digit = /^\d$/.test(key) ? key : shiftKey ? '' : /^Digit(\d)$/.exec(code)?.[1];
  const view = VIEWS[Number(digit) - 1];
  if (view) return () => actions.setView(view);
  return {'/': actions.toSearch, f: actions.toggleFreeze, n: actions.release, u: actions.nextUnread, m: actions.toggleMine,
    '?': () => actions.togglePanel('keys')}[key.toLowerCase()];
}
