// What the reader can do.
import {streamAddress} from '../../core/address.js';
import {NO_FILTERS, toggled, withRole, withShow} from '../../core/filters.js';
import {readPlace, writePlace} from '../../core/page-address.js';
import {addressProblem} from '../../core/settings.js';
import {recall, remember} from '../../host/storage.js';
import {CAP} from '../../ui/kanban.js';
import {PAGE} from './asks.js';
import {isOpen} from '../../ui/counts.js';
import {allowNotices, noticePermission} from '../../ui/notices.js';
import {wakeSound} from '../../ui/sound.js';
import {applyTheme} from '../../ui/theme.js';
import {myName, savedFilters} from './look.js';
import {createRowActions} from './row-actions.js';
/**
 * @typedef {object} Means
 * @property {import('./state.js').State} state
 * @property {import('../../core/types.js').Host} host
 * @property {() => void} frame
 * @property {{startOver(): void}} viewport
 * @property {ReturnType<typeof import('./link.js').createLive>} live
 * @property {import('./asks.js').Asks} asks
 * @property {ReturnType<typeof import('./address.js').createAddress>} address
 * @property {() => void} speak
 *
 * @typedef {import('../../core/filters.js').Filters} Filters
 */

/** @param {Means} means */
export function createActions(means) {
  const {state, frame, viewport, live, asks, address, speak} = means;

  /** Show more of a column or of the timeline. @param {number | 'timeline'} part */
  const showMore = (part) => {
    state.caps = new Map(state.caps).set(part, (state.caps.get(part) ?? CAP) + CAP);
    frame();
  };

  /** Show other rows, from the top. @param {Filters} filters */
  const filter = (filters) => {
    state.place = {...state.place, filters};
    state.caps = new Map();
    Object.assign(state, {stale: true, release: true}); // who has frozen the rows reads on among these
    viewport.startOver();
    asks.timeline();
    asks.missedSoon();
    frame();
  };
  const now = () => state.place.filters;

  /** @param {import('../../core/page-address.js').ViewName} view */
  const goTo = (view) => {
    if (view === state.place.view) return;
    address.step();
    state.place = {...state.place, view};
    if (view === 'timeline') asks.forgetMissed();
    Object.assign(state, {stale: true, release: true});
    viewport.startOver();
    asks.timeline();
    frame();
  };

  /** @param {import('../../ui/types.js').PanelName} panel */
  const togglePanel = (panel) => {
    const closed = state.panel;
    state.panel = state.panel === panel ? '' : panel;
    state.formError = '';
    state.facetSearch = {};
    frame();
    const target = state.panel ? '.panel [data-action="close"]' : `.head [data-action="${closed === 'keys' ? 'settings' : closed}"]`;
    requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector(target))?.focus());
  };

  return {
    ...createRowActions(means),
    togglePanel,
    /** The focus stays where the reader has put it. */
    closePanel() {
      Object.assign(state, {panel: '', formError: '', facetSearch: {}});
      frame();
    },
    retry: live.retry,
    setView: goTo,
    setShow: (/** @type {import('../../core/filters.js').Show} */ show) => filter(withShow(now(), show)),
    /** A second click closes the door. @param {import('../../core/select.js').Door} door */
    openDoor(door) {
      const {board} = state.feed;
      if (isOpen(door, {filters: now(), board})) return door === 'total' ? undefined : filter(withShow(now(), 'open'));
      if (door === 'total' || door === 'urgent') return filter(withShow(now(), door === 'total' ? 'all' : 'urgent'));
      const values = board.statuses.filter((status) => status.meaning === door).map((status) => status.value);
      return filter(withRole({...now(), show: 'all'}, 'status', values));
    },
    toggleValue: (/** @type {import('../../core/filters.js').FilterRole} */ role, /** @type {string} */ value) => filter(toggled(now(), role, value)),
    clearRole: (/** @type {import('../../core/filters.js').FilterRole} */ role) => filter(withRole(now(), role, [])),
    search: (/** @type {string} */ q) => filter({...now(), q}),
    searchFacet(/** @type {import('../../core/filters.js').FilterRole} */ role, /** @type {string} */ text) {
      state.facetSearch = {...state.facetSearch, [role]: text};
      frame();
    },
    toggleMine() {
      if (!now().mine && !myName(state)) { // whose? ask first
        if (state.panel !== 'filters') togglePanel('filters');
        requestAnimationFrame(() => requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector('[data-action="me"]'))?.focus()));
        return frame();
      }
      return filter({...now(), mine: !now().mine});
    },
    /** @param {string} name */
    setMe(name) {
      asks.me(name);
      filter({...now(), mine: now().mine && Boolean(name.trim())});
    },
    clearFilters: () => filter({...NO_FILTERS, show: now().show}),
    showAll: () => filter({...NO_FILTERS, show: 'all'}),
    /** @param {SubmitEvent} event */
    saveFilter(event) {
      event.preventDefault();
      const form = /** @type {HTMLFormElement} */ (event.target);
      const name = String(new FormData(form).get('name') ?? '').trim();
      if (!name) return;
      const params = new URLSearchParams(writePlace('', {...state.place, row: null}));
      params.set('view', state.place.view); // the list, too: those of before had no view
      keepSaved([...savedFilters(state.feed.board.name).filter((one) => one.name !== name), {name, query: params.toString()}]);
      form.reset();
      frame();
    },
    /** @param {string} query */
    useSaved(query) {
      const {view, filters} = readPlace(query);
      if (new URLSearchParams(query).has('view')) goTo(view);
      filter(filters);
    },
    /** @param {string} name */
    dropSaved(name) {
      keepSaved(savedFilters(state.feed.board.name).filter((one) => one.name !== name));
      frame();
    },
    toSearch() {
      const field = () => /** @type {HTMLElement | null} */ (document.querySelector('[data-action="search"]'));
      if (field()) return field()?.focus();
      togglePanel('filters');
      return requestAnimationFrame(() => requestAnimationFrame(() => field()?.focus()));
    },
    showMore,
    older() {
      state.caps = new Map(state.caps).set('timeline', state.timeline.entries.length + PAGE);
      asks.older();
    },
    olderOfRow: asks.olderOfRow,
    /** @param {Event} [event] */
    release(event) {
      keepFocus(event instanceof MouseEvent && event.detail === 0); // a click by the keyboard has no place
      Object.assign(state, {release: true, stale: true, timelineTop: ''});
      viewport.startOver();
      frame();
    },
    toggleFreeze() {
      state.frozen = !state.frozen;
      state.stale = true;
      frame();
    },
    forgetMissed() {
      asks.forgetMissed();
      frame();
    },
    toggleSound() {
      state.sound = !state.sound;
      remember('sound', state.sound ? 'on' : null);
      if (state.sound) wakeSound();
      frame();
      setTimeout(frame, 100); // by then the browser has decided whether it plays
    },
    /** @param {string} value */
    togglePriority(value) {
      state.muted = new Set(state.muted.has(value) ? [...state.muted].filter((one) => one !== value) : [...state.muted, value]);
      remember('muted', state.muted.size ? JSON.stringify([...state.muted]) : null);
      frame();
    },
    async toggleNotices() {
      state.notices = !(state.notices && noticePermission() === 'granted') && await allowNotices();
      remember('notices', state.notices ? 'on' : null);
      frame();
    },
    toggleLetters() {
      state.letters = !state.letters;
      remember('letters', state.letters ? null : 'off');
      frame();
    },
    /** @param {KeyboardEvent} event */
    panelKey(event) {
      if (event.key !== 'Escape' || !state.panel) return;
      event.stopPropagation();
      togglePanel(state.panel);
    },
    connect: (/** @type {SubmitEvent} */ event) => connectTo(event, means),
    forget: () => forget(means),
    /** @param {string} language */
    setLanguage(language) {
      remember('language', language);
      speak();
    },
    /** @param {string} theme */
    setTheme(theme) {
      state.theme = theme;
      remember('theme', theme === 'auto' ? null : theme);
      applyTheme(theme);
      frame();
    },
    /** @param {string} density */
    setDensity(density) {
      state.density = density === 'compact' ? 'compact' : 'comfortable';
      remember('density', density === 'compact' ? density : null);
      frame();
    },
  };

  /** Who has the keyboard's focus on a row that goes now, or on the button that does, goes on at a row. @param {boolean} button */
  function keepFocus(button) {
    const {items, fresh, place: {view}} = state;
    const row = /** @type {HTMLElement | null} */ (document.activeElement?.closest('.main [data-row]') ?? null);
    if (button) state.focusNext = state.current ?? fresh[0]?.id ?? 0;
    if (!row || view === 'timeline') return;
    const id = Number(row.dataset.row);
    const at = Math.min(items.findIndex((item) => item.id === id), fresh.length - 1);
    if (!fresh.some((item) => item.id === id)) state.current = state.focusNext = fresh[at]?.id ?? id;
  }

  /** @param {{name: string, query: string}[]} saved */
  function keepSaved(saved) {
    remember(`saved:${state.feed.board.name}`, saved.length ? JSON.stringify(saved.slice(-30)) : null);
  }
}

/**
 * Use the address and token that were typed.
 * @param {SubmitEvent} event
 * @param {Means} means
 */
function connectTo(event, {state, host, frame, live}) {
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
  state.panel = '';
  live.connect();
  frame();
}

/** @param {Means} means */
function forget({state, host, frame, live}) {
  const {stream, addressFixed} = state.connection;
  if (stream) remember(`token:${stream}`, null);
  if (!addressFixed && recall('stream')) {
    host.save({});
    state.options = {...state.options, stream: undefined};
  }
  state.formError = '';
  live.connect();
  frame();
}
