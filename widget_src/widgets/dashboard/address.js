// View, filters and open row stand in the page's address; inside Grist, whose address isn't ours, in the browser's storage.
import {boardOf} from '../../core/address.js';
import {readPlace, writePlace} from '../../core/page-address.js';
import {recall, remember} from '../../host/storage.js';

/**
 * @param {{state: import('./state.js').State, host: import('../../core/types.js').Host, changed: (elsewhere: boolean) => void}} means
 *   changed: the place is another one; elsewhere: other rows are asked for, too
 */
export function createAddress({state, host, changed}) {
  const alone = host.kind === 'standalone';
  /** The next change is a step that one can go back from. */
  let step = false;
  let kept = '';
  /** @type {import('../../core/page-address.js').Place | null} */
  let written = null;
  const key = () => `place:${boardOf(state.connection.stream) || state.feed.board.name}`;
  const first = writePlace('', state.place);
  /** Inside Grist it isn't known at first which board this is: the key under which its place is kept. */
  let arrived = '';
  /** The browser is asked to go back, and has not done it yet. */
  let leaving = false;
  /** Without the open row. @param {import('../../core/page-address.js').Place} place */
  const rowless = (place) => writePlace('', {...place, row: null});
  addEventListener('popstate', () => {
    leaving = false;
    const place = readPlace(location.search);
    const elsewhere = rowless(place) !== rowless(state.place);
    state.place = elsewhere ? place : {...state.place, row: place.row};
    changed(elsewhere);
  });
  return {
    /** The host has told which board this is: the browser may know where its reader was. */
    arrive() {
      if (alone || arrived === key()) return;
      arrived = key();
      kept = recall(arrived) ?? '';
      written = null;
      if (!kept) return;
      state.place = readPlace(kept);
      changed(true);
    },
    /** The reader went somewhere: another view, a row. */
    step() { step = true; },
    /**
     * Close the open row by going back, where that leads to this very place without it: whoever has filtered meanwhile, or
     * gone to another view, stays there. Tells whether it does.
     */
    goBack() {
      if (!alone || history.state?.from !== rowless(state.place)) return false;
      if (!leaving) history.back();
      return leaving = true;
    },
    leaving: () => leaving,
    /** Write it, after a draw. */
    write() {
      if (state.place === written) return;
      const from = written && writePlace('', written);
      written = state.place;
      const search = writePlace(alone ? location.search : '', state.place);
      if (!alone) {
        // An empty place is kept, too: the owner's choice in the frame's address is only where one starts.
        if (arrived && search !== kept && (kept || search !== first)) remember(arrived, kept = search || '?');
      } else if (search !== location.search) {
        const url = location.pathname + search + location.hash;
        if (step) history.pushState({from}, '', url);
        else history.replaceState(history.state, '', url);
      }
      step = false;
    },
  };
}
