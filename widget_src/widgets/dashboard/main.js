// The dashboard: the only place that holds state. Event → feed → state → view → render.
import {render} from 'lit-html';
import {createAttention, expire, isCalm} from '../../core/attention.js';
import {createFeed, describe, flushNews, takeEvent, takeGristRows, takeSnapshot} from '../../core/feed.js';
import {pick} from '../../core/board.js';
import {chooseLanguage, translator} from '../../core/i18n.js';
import {openLink} from '../../core/link.js';
import {snapshotAddress} from '../../core/address.js';
import {countItems, selectItems} from '../../core/select.js';
import {linkSettings} from '../../core/settings.js';
import {createClock} from '../../core/time.js';
import {chooseHost} from '../../host/index.js';
import {recall} from '../../host/storage.js';
import {createFrame} from '../../ui/frame.js';
import {beep, soundWaits, wakeSound} from '../../ui/sound.js';
import {applyBoardColors, applyGristTheme, applyTheme} from '../../ui/theme.js';
import {toastText} from '../../ui/toasts.js';
import {page} from '../../ui/view.js';
import {createViewport} from '../../ui/viewport.js';
import {createActions} from './actions.js';
import {readConfig} from './config.js';
/**
 * @typedef {import('../../core/types.js').Item} Item
 * @typedef {ReturnType<typeof createState>} State
 */

/** Relative times move on by themselves. */
const TICK_MS = 15_000;

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
const config = readConfig(document);
const host = chooseHost(config);
const state = createState();
const frame = createFrame(draw);
const viewport = createViewport(app, frame);
const actions = createActions({state, host, frame, viewport, connect, retry: () => link?.retry(), speak});
/** @type {ReturnType<typeof openLink> | null} */
let link = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let expiry;

function createState() {
  return {
    feed: createFeed(config.board ?? {name: config.name, columns: []}, {
      authority: host.kind === 'grist' ? 'grist' : 'stream', now: Date.now}),
    attention: createAttention(),
    /** @type {import('../../core/types.js').LinkState} */
    link: {kind: 'none'},
    /** @type {import('../../core/types.js').Options} */
    options: {},
    connection: linkSettings({config, options: {}, board: '', page: location.href, storedToken: () => null}),
    language: 'en',
    speech: {t: translator('en'), clock: createClock('en'), number: new Intl.NumberFormat('en')},
    /** @type {import('../../core/select.js').Filter} */
    filter: 'open',
    /** Rows or filter have changed since `items` and `counts` were made. */
    stale: true,
    items: /** @type {Item[]} */ ([]),
    counts: countItems([]),
    problem: '',
    said: '',
    saidKey: 0,
    sound: recall('sound') === 'on',
    theme: recall('theme') ?? 'auto',
    panelOpen: false,
    formError: '',
  };
}

/** Take the language and the board's time zone into use. */
function speak() {
  const wishes = [recall('language'), state.options.language, config.language,
    new URLSearchParams(location.search).get('language'), ...navigator.languages];
  state.language = chooseLanguage(wishes);
  document.documentElement.lang = state.language;
  const {board} = state.feed;
  state.speech = {t: translator(state.language), clock: createClock(state.language, board.timeZone),
    number: new Intl.NumberFormat(state.language)};
  document.title = pick(board.title, state.language, 'grist_live');
  applyBoardColors(board);
  frame();
}

/** Open the link that the settings ask for, if it isn't open already. */
function connect() {
  const connection = linkSettings({config, options: state.options, board: state.feed.board.name, page: location.href,
    storedToken: (stream) => recall(`token:${stream}`)});
  const same = connection.stream === state.connection.stream && connection.token === state.connection.token;
  state.connection = connection;
  if (link && same && state.link.kind !== 'refused') return;
  link?.close();
  link = null;
  if (!connection.stream) return setLink({kind: 'none'});
  setLink({kind: 'connecting'});
  link = openLink({
    streamUrl: connection.stream, token: connection.token, env: browserEnv(),
    snapshotUrl: host.kind === 'standalone' ? snapshotAddress(connection.stream) : null,
    onSnapshot: (snapshot) => update(() => takeSnapshot(state.feed, snapshot)),
    onEvent: (event, body) => update(() => takeEvent(state.feed, state.attention, event, body, Date.now())),
    onState: setLink,
  });
}

/** @returns {import('../../core/types.js').Env} */
const browserEnv = () => ({
  fetch: (url, options) => fetch(url, options),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(/** @type {number} */ (timer)),
  now: Date.now, random: Math.random,
});

/** @param {import('../../core/types.js').LinkState} next */
function setLink(next) {
  state.link = next;
  document.body.dataset.link = next.kind;
  frame();
}

/** Change the rows; a board that was described anew is taken into use. @param {() => void} change */
function update(change) {
  const {board} = state.feed;
  change();
  state.stale = true;
  if (state.feed.board !== board) speak();
  frame();
}

function draw() {
  const now = Date.now();
  const {feed, attention} = state;
  if (state.stale) {
    const items = Array.from(feed.table.rows.values(), feed.read);
    state.counts = countItems(items);
    state.items = selectItems(items, state.filter);
    state.stale = false;
  }
  const {sound, urgent} = flushNews(feed, attention, now);
  const {next} = expire(attention, now);
  const place = viewport.place(state.items);
  const view = viewOf(place, now);
  state.said = said(view);
  render(page({...view, said: state.said}, actions), app);
  if (place.shift) scrollBy(0, place.shift);
  if (sound && state.sound) beep(urgent);
  clearTimeout(expiry);
  if (next < Infinity) expiry = setTimeout(frame, Math.max(16, next - now));
}

/** @param {ReturnType<typeof viewport.place>} place @param {number} now @returns {import('../../ui/view.js').View} */
function viewOf(place, now) {
  const {feed, attention, connection} = state;
  return {
    ...state.speech, ...place, glide: place.glide && isCalm(attention, now), board: feed.board, language: state.language, now: now + feed.clock.skew, browserNow: now,
    link: state.link, viewers: feed.viewers, hostKind: host.kind, loaded: feed.table.loaded && feed.board.columns.length > 0, problem: state.problem,
    gristAddress: config.grist ?? '', filter: state.filter, counts: state.counts, items: state.items,
    flashes: attention.flashes, toasts: attention.toasts, said: state.said,
    sound: {on: state.sound, waiting: state.sound && soundWaits()}, panelOpen: state.panelOpen, theme: state.theme,
    form: {address: connection.given, addressFixed: connection.addressFixed, token: connection.token,
      error: state.formError, stored: Boolean(recall('stream') || (connection.stream && recall(`token:${connection.stream}`)))},
  };
}

/** What is new among the toasts, for who hears the page. @param {import('../../ui/view.js').View} view */
function said(view) {
  const fresh = view.toasts.filter((toast) => toast.key > state.saidKey);
  if (!fresh.length) return state.said;
  state.saidKey = fresh[fresh.length - 1].key;
  return fresh.map((toast) => toastText(toast, view)).join('. ');
}

function start() {
  app.replaceChildren(); // the skeleton makes room for the real thing in the same frame
  applyTheme(state.theme);
  speak();
  draw();
  host.start({
    rows: (rows) => update(() => { state.problem = ''; takeGristRows(state.feed, rows); }),
    options: (options, {linked}) => {
      state.options = options;
      state.feed.linked = linked;
      // The page's own description is the default board's; the stream's, once it has come, is the newest.
      const {board} = options;
      if (board && (board.name !== state.feed.board.name || !state.feed.board.columns.length)) update(() => describe(state.feed, board));
      speak();
      connect();
    },
    theme: applyGristTheme,
    problem: (key) => { state.problem = key; frame(); },
  });
  if (config.gristMissing) state.problem = 'problem.noApi';
  setInterval(frame, TICK_MS);
  addEventListener('online', () => link?.retry());
  document.addEventListener('visibilitychange', () => { if (!document.hidden) link?.retry(); });
  const wake = () => { if (state.sound && soundWaits()) { wakeSound(); setTimeout(frame, 100); } };
  for (const event of ['pointerdown', 'keydown']) addEventListener(event, wake, {capture: true, passive: true});
}

start();
