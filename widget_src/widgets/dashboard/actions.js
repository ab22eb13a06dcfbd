// What the reader can do.
import {streamAddress} from '../../core/address.js';
import {addressProblem} from '../../core/settings.js';
import {recall, remember} from '../../host/storage.js';
import {wakeSound} from '../../ui/sound.js';
import {applyTheme} from '../../ui/theme.js';
/**
 * @typedef {object} Means
 * @property {import('./main.js').State} state
 * @property {import('../../core/types.js').Host} host
 * @property {() => void} frame
 * @property {{startOver(): void}} viewport
 * @property {() => void} connect
 * @property {() => void} retry
 * @property {() => void} speak
 */

/**
 * @param {Means} means
 * @returns {import('../../ui/view.js').Actions}
 */
export function createActions(means) {
  const {state, frame, viewport, retry, speak} = means;
  const togglePanel = () => {
    state.panelOpen = !state.panelOpen;
    state.formError = '';
    frame();
    const target = state.panelOpen ? '.panel [data-action="close"]' : '.top [data-action="settings"]';
    requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector(target))?.focus());
  };
  return {
    togglePanel,
    retry,
    setFilter(filter) {
      state.filter = filter;
      state.stale = true;
      viewport.startOver();
      frame();
    },
    toggleSound() {
      state.sound = !state.sound;
      remember('sound', state.sound ? 'on' : null);
      if (state.sound) wakeSound();
      frame();
      setTimeout(frame, 100); // by then the browser has decided whether it plays
    },
    panelKey(event) {
      if (event.key === 'Escape') togglePanel();
    },
    connect: (event) => connectTo(event, means),
    forget: () => forget(means),
    setLanguage(language) {
      remember('language', language);
      speak();
    },
    setTheme(theme) {
      state.theme = theme;
      remember('theme', theme === 'auto' ? null : theme);
      applyTheme(theme);
      frame();
    },
  };
}

/**
 * Use the address and token that were typed.
 * @param {SubmitEvent} event
 * @param {Means} means
 */
function connectTo(event, {state, host, frame, connect}) {
  event.preventDefault();
  const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
  const address = String(form.get('address') ?? '').trim();
  const token = String(form.get('token') ?? '').trim();
  const fixed = state.connection.addressFixed;
  state.formError = fixed ? '' : addressProblem(address, location.href);
  if (state.formError) return frame();
  if (!fixed) {
    state.options = {...state.options, stream: address};
    host.save({stream: address});
  }
  const stream = fixed ? state.connection.stream : streamAddress(address, state.feed.board.name, location.href);
  if (stream) remember(`token:${stream}`, token);
  state.panelOpen = false;
  connect();
  frame();
}

/** @param {Means} means */
function forget({state, host, frame, connect}) {
  const {stream, addressFixed} = state.connection;
  if (stream) remember(`token:${stream}`, null);
  if (!addressFixed && recall('stream')) {
    host.save({});
    state.options = {...state.options, stream: undefined};
  }
  state.formError = '';
  connect();
  frame();
}
