// The dashboard: the only place that holds state. Event → feed → state → view → render.
import {render} from 'lit-html';
import {expire, see} from '../../core/attention.js';
import {describe, flushNews, takeClock, takeEvent, takeGristRows, takeSnapshot} from '../../core/feed.js';
import {pick} from '../../core/board.js';
import {baseTest} from '../../core/filters.js';
import {chooseLanguage, translator} from '../../core/i18n.js';
import {arrange} from '../../core/order.js';
import {createSelection} from '../../core/select.js';
import {takeTouched} from '../../core/table.js';
import {isAlert} from '../../core/take.js';
import {createClock} from '../../core/time.js';
import {chooseHost} from '../../host/index.js';
import {recall} from '../../host/storage.js';
import {alertText} from '../../ui/alerts.js';
import {createFrame} from '../../ui/frame.js';
import {CAP} from '../../ui/kanban.js';
import {noticePermission, notify} from '../../ui/notices.js';
import {createReading} from '../../ui/reading.js';
import {beep, soundWaits, wakeSound} from '../../ui/sound.js';
import {applyBoardColors, applyGristTheme, applyTheme} from '../../ui/theme.js';
import {toastText} from '../../ui/toasts.js';
import {page} from '../../ui/view.js';
import {createViewport} from '../../ui/viewport.js';
import {createActions} from './actions.js';
import {createAddress} from './address.js';
import {createAsks} from './asks.js';
import {readConfig} from './config.js';
import {createLive} from './link.js';
import {filtersOf, listable, myName, unreadOf, viewOf} from './look.js';
import {listenBeside, listenToKeys} from './keys.js';
import {createState} from './state.js';

/** Relative times move on by themselves. */
const TICK_MS = 15_000;

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
const config = readConfig(document);
const host = chooseHost(config);
const state = createState(config, host.kind);
const selection = createSelection();
/** @type {import('../../core/types.js').Env} */
const env = {
  fetch: (url, options) => fetch(url, options),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(/** @type {number} */ (timer)),
  now: Date.now, random: Math.random,
};
const frame = createFrame(draw, takeNote);
const viewport = createViewport(app, frame);
const reading = createReading(app, frame);
const asks = createAsks({state, host, env, frame, update});
const address = createAddress({state, host, changed: wentTo});
const live = createLive({state, config, host, env, asks, frame, onEvent, onSnapshot});
const actions = createActions({state, host, frame, viewport, live, asks, address, speak});
/** @type {ReturnType<typeof setTimeout> | undefined} */
let expiry;
let shownTitle = '';

/** The reader went back, forward, or to where they were last. @param {boolean} elsewhere to other rows */
function wentTo(elsewhere) {
  if (elsewhere) {
    Object.assign(state, {stale: true, release: true, caps: new Map()});
    viewport.startOver();
  }
  asks.timeline();
  asks.rowHistory();
  asks.missedSoon();
  frame();
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
  applyBoardColors(board);
  host.describe?.(board);
  frame();
}

/** @param {any} snapshot @param {number} at */
function onSnapshot(snapshot, at) {
  takeClock(state.feed, at, Date.now());
  update(() => takeSnapshot(state.feed, snapshot));
}

/** @param {string} event @param {any} body @param {string | undefined} id */
function onEvent(event, body, id) {
  const now = Date.now();
  const sent = Number(event === 'message' || event === 'ping' ? body?.at : 0) * 1000;
  if (sent) state.latency.heard(sent, now);
  update(() => takeEvent(state.feed, state.attention, event, body, now));
  if (event === 'message') asks.heard({...body, id});
  else if (event === 'reset') {
    asks.forgetHistory();
    asks.timeline();
    asks.rowHistory();
  }
}

/** Change the rows; a board that was described anew is taken into use. @param {() => void} change */
function update(change) {
  const {board} = state.feed;
  change();
  state.stale = true;
  if (state.feed.board !== board) speak();
  frame();
}

/** In a tab that nobody sees: what is drawn has time, what is to be heard has not. */
function takeNote() {
  const now = Date.now();
  heed(now);
  expire(state.attention, now);
  entitle(unreadOf(state));
}

/** Take in what is new, and tell it beside the rows: sounds, alerts, notifications. @param {number} now */
function heed(now) {
  const {feed, attention, muted} = state;
  const keep = baseTest(filtersOf(state), myName(state));
  const {sound, level} = flushNews(feed, attention, now, {muted, keep});
  if (sound && state.sound) beep(level);
  cry(keep);
}

/** The page's title counts what nobody has seen. @param {number} unread */
function entitle(unread) {
  const title = (unread ? `(${unread}) ` : '') + pick(state.feed.board.title, state.language, 'grist_live');
  if (title !== shownTitle) document.title = shownTitle = title;
}

function draw() {
  const now = Date.now();
  const {attention} = state;
  heed(now);
  if (state.stale) select();
  const look = viewport.look(state.density, state.place.view);
  for (const end of look.ends) actions.showMore(end);
  hold(!state.release && (state.frozen || look.scrolled || reading.holds(now)));
  const place = viewport.place(state.items, look);
  if (!document.hidden && attention.flashes.size) see(attention, inSight(place.range), now);
  const {next} = expire(attention, now);
  const view = viewOf(state, {hostKind: host.kind, gristAddress: config.grist ?? '', now, narrow: look.narrow}, place);
  state.said = view.said = said(view);
  render(page(view, actions), app);
  entitle(view.unread);
  if (place.shift) scrollBy(0, place.shift);
  address.write();
  giveFocus();
  clearTimeout(expiry);
  const wake = Math.min(next, reading.until() + 20);
  if (wake < Infinity) expiry = setTimeout(frame, Math.max(16, wake - now));
}

/** Sort, filter and count, once after whatever changed. */
function select() {
  const {table, read} = state.feed;
  Object.assign(state, selection(table.rows, {read, filters: filtersOf(state), me: myName(state)}, takeTouched(table)));
}

/** While the reader holds the rows, what would move waits. @param {boolean} holding */
function hold(holding) {
  const {feed, order, place: {view}} = state;
  if (state.stale || holding !== order.held || state.release) {
    const find = (/** @type {number} */ id) => {
      const row = feed.table.rows.get(id);
      return row && feed.read(row);
    };
    const {items, waiting, arrived} = arrange(order, {fresh: state.fresh, holding, find, touched: state.stale ? state.touched : []});
    Object.assign(state, {items, waiting, arrived});
  }
  if (!holding || view !== 'timeline') state.timelineTop = '';
  else state.timelineTop ||= listable(state, state.timeline.entries)[0]?.id ?? '';
  Object.assign(state, {stale: false, release: false});
}

/** Which rows the reader has before them. @param {import('../../ui/list.js').Range} range @returns {number[]} */
function inSight(range) {
  const {place: {view, row}, items} = state;
  const open = row === null ? [] : [row];
  if (view === 'list') return [...open, ...items.slice(range.first, range.last).map((item) => item.id)];
  if (view === 'timeline') return [...open, ...state.timeline.entries.slice(0, state.caps.get('timeline') ?? CAP).map((change) => change.row)];
  const shown = app.querySelectorAll('.kanban [data-row]');
  return [...open, ...Array.from(/** @type {NodeListOf<HTMLElement>} */ (shown), (one) => Number(one.dataset.row))];
}

/** What is new among the toasts, for who hears the page. @param {import('../../ui/types.js').View} view */
function said(view) {
  const fresh = view.toasts.filter((toast) => toast.key > state.said.key);
  if (!fresh.length) return state.said;
  return {key: fresh[fresh.length - 1].key, text: fresh.map((toast) => toastText(toast, view)).join('. ')};
}

/** Tell of the alerts that are new: who hears the page, and who looks at another one. @param {(item: import('../../core/types.js').Item) => boolean} keep */
function cry(keep) {
  const {attention: {alerts}, criedRows, feed: {board, read, table}, speech: {t}} = state;
  for (const id of criedRows) if (!alerts.has(id)) criedRows.delete(id);
  const fresh = [...alerts.keys()].filter((id) => !criedRows.has(id));
  for (const id of fresh) criedRows.add(id);
  const told = fresh.map((id) => table.rows.get(id)).filter((row) => row !== undefined).map(read).filter((item) => isAlert(item) && keep(item));
  if (document.hidden && told.length && state.notices && noticePermission() === 'granted') {
    for (const item of told) notify(alertText(item, t), item.comment, `${board.name}-${item.id}`, () => actions.openRow(item.id));
  }
  if (told.length) state.cried = {key: state.cried.key + 1, text: told.slice(0, 3).map((item) => alertText(item, t)).join('. ')};
  else if (!alerts.size && state.cried.text) state.cried = {key: state.cried.key + 1, text: ''};
}

/** After a draw: the row that the keyboard went to; not while the browser is still going back to where its panel was closed. */
function giveFocus() {
  if (state.focusNext === null || address.leaving()) return;
  const row = /** @type {HTMLElement | null} */ (document.querySelector(`[data-open="${state.focusNext}"], [data-open-row="${state.focusNext}"]`));
  // One that is not here any more leaves the focus to the rows, or to what chooses them.
  const target = row ?? /** @type {HTMLElement | null} */ (document.querySelector('.main .open[tabindex="0"]') ?? document.querySelector('[data-view][aria-current="page"]'));
  state.focusNext = null;
  target?.focus({preventScroll: true});
  row?.closest('.row')?.scrollIntoView({block: 'nearest'});
}

function start() {
  app.replaceChildren(); // the skeleton makes room for the real thing in the same frame
  applyTheme(state.theme);
  speak();
  draw();
  host.start({
    rows: (rows) => {
      const first = !state.feed.table.loaded;
      update(() => {
        if (state.problem === 'problem.access') state.problem = '';
        takeGristRows(state.feed, rows);
      });
      if (first && state.link.kind === 'live') asks.missed();
    },
    options: (options, {linked, access}) => {
      Object.assign(state, {options, access});
      state.feed.linked = linked;
      // The page's own description is the default board's; the stream's, once it has come, is the newest.
      const {board} = options;
      if (board && (board.name !== state.feed.board.name || !state.feed.board.columns.length)) update(() => describe(state.feed, board));
      speak();
      live.connect();
      address.arrive();
    },
    theme: applyGristTheme,
    unmapped: (columns) => { state.unmapped = columns; frame(); },
    problem: (key) => { state.problem = key; frame(); },
    selected: actions.selected,
  });
  if (config.gristMissing) state.problem = 'problem.noApi';
  setInterval(() => { live.check(); asks.trends(); frame(); }, TICK_MS);
  setInterval(asks.visit, TICK_MS);
  addEventListener('pagehide', asks.visit);
  addEventListener('online', () => { live.retry(); live.look(); });
  document.addEventListener('visibilitychange', () => {
    asks.visit();
    if (!document.hidden) live.look();
    frame();
  });
  listenToKeys(state, actions);
  listenBeside(state, actions);
  const wake = () => { if (state.sound && soundWaits()) { wakeSound(); setTimeout(frame, 100); } };
  for (const event of ['pointerdown', 'keydown']) addEventListener(event, wake, {capture: true, passive: true});
}

start();
