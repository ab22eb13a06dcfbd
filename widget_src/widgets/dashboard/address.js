// View, filters and open row stand in the page's address; inside Grist, whose address isn't ours, in the browser's storage.
import {boardOf} from '../../core/address.js';
import {readPlace, writePlace} from '../../core/page-address.js';
import {recall, remember} from '../../host/storage.js';

/**
 * @param {{state: import('./state.js').State, host: import('../../core/types.js').Host, changed: () => void}} means
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
  addEventListener('popstate', () => {
    state.place = readPlace(location.search);
    changed();
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
      changed();
    },
    /** The reader went somewhere: another view, a row. */
    step() { step = true; },
    /** Was the present row opened by a step in this page? */
    canGoBack: () => alone && history.state?.step === 'row',
    /** Write it, after a draw. */
    write() {
      if (state.place === written) return;
      written = state.place;
      const search = writePlace(alone ? location.search : '', state.place);
      if (!alone) {
        // An empty place is kept, too: the owner's choice in the frame's address is only where one starts.
        if (arrived && search !== kept && (kept || search !== first)) remember(arrived, kept = search || '?');
      } else if (search !== location.search) {
        const url = location.pathname + search + location.hash;
        if (step) history.pushState({step: state.place.row === null ? 'view' : 'row'}, '', url);
        else history.replaceState(history.state, '', url);
      }
      step = false;
    },
  };
}
