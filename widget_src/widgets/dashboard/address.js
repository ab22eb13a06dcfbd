// View, filters and open row stand in the page's address; inside Grist, whose address isn't ours, in the browser's storage.
import {readPlace, writePlace} from '../../core/page-address.js';
import {remember} from '../../host/storage.js';

/**
 * @param {{state: import('./state.js').State, host: import('../../core/types.js').Host, changed: () => void}} means
 */
export function createAddress({state, host, changed}) {
  const alone = host.kind === 'standalone';
  /** The next change is a step that one can go back from. */
  let step = false;
  let kept = '';
  addEventListener('popstate', () => {
    state.place = readPlace(location.search);
    changed();
  });
  return {
    /** The reader went somewhere: another view, a row. */
    step() { step = true; },
    /** Was the present row opened by a step in this page? */
    canGoBack: () => alone && history.state?.step === 'row',
    /** Write it, after a draw. */
    write() {
      const search = writePlace(alone ? location.search : '', state.place);
      if (!alone) {
        if (search !== kept) remember(`place:${state.feed.board.name}`, (kept = search) || null);
      } else if (search !== location.search) {
        const url = location.pathname + search + location.hash;
        if (step) history.pushState({step: state.place.row === null ? 'view' : 'row'}, '', url);
        else history.replaceState(history.state, '', url);
      }
      step = false;
    },
  };
}
