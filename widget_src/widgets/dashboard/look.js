// The state as the templates see it.
import {isCalm} from '../../core/attention.js';
import {pick} from '../../core/board.js';
import {FILTER_ROLES, baseTest, countFilters, facet, fitting, hasBase, hasRole, stateTest} from '../../core/filters.js';
import {canBeTaken} from '../../core/take.js';
import {recall, storageWorks} from '../../host/storage.js';
import {CAP} from '../../ui/kanban.js';
import {noticePermission} from '../../ui/notices.js';
import {soundWaits} from '../../ui/sound.js';
/**
 * @typedef {import('./state.js').State} State
 * @typedef {import('../../ui/types.js').View} View
 */

/** Alerts in full; a phone has room for one. */
const MOST_ALERTS = 3;

/**
 * @param {State} state
 * @param {{hostKind: 'grist' | 'standalone', gristAddress: string, now: number, narrow: boolean}} where
 * @param {{range: import('../../ui/list.js').Range, rowHeight: number, glide: boolean}} place
 * @returns {View}
 */
export function viewOf(state, {hostKind, gristAddress, now, narrow}, place) {
  const {feed, attention, connection, place: {view, row}} = state;
  const filters = filtersOf(state);
  // The browser takes milliseconds to tell it, so it is asked only where it shows.
  const permission = state.panel === 'settings' ? noticePermission() : 'none';
  return {
    ...state.speech, range: place.range, rowHeight: place.rowHeight, glide: place.glide && isCalm(attention, now),
    board: feed.board, language: state.language, now: now + feed.clock.skew, browserNow: now,
    link: state.link, latency: state.latency.p95(now), viewers: feed.viewers, hostKind,
    loaded: feed.table.loaded && feed.board.columns.length > 0, problem: state.problem, unmapped: unmappedOf(state), gristAddress,
    view, density: state.density, narrow, filters, filterCount: countFilters(filters), narrowed: hasBase(filters), me: myName(state),
    counts: state.counts, total: state.sorted.length, trends: state.trends, items: state.items,
    facets: facetsOf(state), facetSearch: state.facetSearch, saved: state.panel === 'filters' ? savedFilters(feed.board.name) : [], canSave: storageWorks(),
    ...waitingOf(state), frozen: state.frozen, columns: state.order.columns, caps: state.caps, unread: unreadOf(state),
    current: state.current, flashes: attention.flashes, toasts: attention.toasts, alerts: alertsOf(state, narrow),
    said: state.said, cried: state.cried, lastVisit: state.lastVisit, missed: state.missed, missedMore: state.missedMore,
    detail: row === null ? null : detailOf(state, row), canTake: mayTake(state, hostKind), taking: state.taking,
    people: state.panel === 'filters' || state.taking ? peopleOf(state) : [],
    sound: {on: state.sound, waiting: state.sound && soundWaits(), muted: state.muted},
    notices: permission === 'none' || permission === 'denied' ? permission : state.notices && permission === 'granted' ? 'on' : 'off',
    panel: state.panel, letters: state.letters, theme: state.theme,
    form: {address: connection.given, addressFixed: connection.addressFixed, token: connection.token,
      error: state.formError, stored: state.panel === 'settings' && Boolean(recall('stream') || (connection.stream && recall(`token:${connection.stream}`)))},
    rowOf: (id) => feed.table.rows.get(id), read: feed.read,
  };
}

/** The filters, without what the board has no column for. @param {State} state */
export const filtersOf = ({place: {filters}, feed: {board}}) => fitting(filters, board);

/** The token's own name, else the one given here. @param {State} state */
export const myName = ({viewer, me}) => viewer?.name || me;

/** May this reader write "taken" somewhere? @param {State} state @param {'grist' | 'standalone'} hostKind */
function mayTake({feed, access, viewer}, hostKind) {
  return canBeTaken(feed.board) && (hostKind === 'grist' ? access === 'full' : viewer?.can.includes('take') === true);
}

/** @param {State} state */
function waitingOf(state) {
  const {entries, before, loading, error} = state.timeline;
  const listed = listable(state, entries);
  const hidden = state.timelineTop ? Math.max(0, listed.findIndex((change) => change.id === state.timelineTop)) : 0;
  const shown = listed.slice(hidden, hidden + (state.caps.get('timeline') ?? CAP));
  return {
    waiting: state.place.view === 'timeline' ? hidden : state.waiting, arrived: state.place.view === 'timeline' ? hidden : state.arrived,
    timeline: {entries: shown, more: Boolean(before), loading, problem: problemOf(error, state), hidden, unshown: listed.length - hidden - shown.length},
  };
}

/**
 * Inside Grist only rows that Grist shows are told of: the server's log knows all.
 * @param {State} state
 * @param {import('../../core/types.js').LoggedChange[]} entries
 */
export function listable({feed}, entries) {
  return feed.table.authority === 'grist' ? entries.filter((change) => feed.table.rows.has(change.row)) : entries;
}

/** @param {import('../../core/api.js').ApiError | null} error @param {State} state */
function problemOf(error, {connection}) {
  if (!connection.stream) return 'timeline.refused';
  if (!error) return '';
  if (error.status === 400) return 'timeline.filters';
  return [401, 403, 404].includes(error.status) ? 'timeline.refused' : 'timeline.unreached';
}

/** @param {State} state @param {number} row @returns {import('../../ui/types.js').Detail} */
function detailOf(state, row) {
  const {feed, rowHistory} = state;
  const there = feed.table.rows.get(row);
  const {entries, before, loading, error} = rowHistory;
  return {
    row, item: there ? feed.read(there) : null, fields: there?.fields ?? {},
    history: {entries: listable(state, entries), more: Boolean(before), loading, problem: problemOf(error, state), hidden: 0, unshown: 0},
  };
}

/** Nobody misses these where they aren't mapped. */
const UNMISSED = ['latitude', 'longitude'];

/** What the columns are called that are mapped to nothing. @param {State} state */
const unmappedOf = ({unmapped, language, feed: {board}}) => board.columns
  .filter(({id, role}) => unmapped.includes(id) && !UNMISSED.includes(role ?? '')).map(({id, label}) => pick(label, language, id));

/** Changed rows of the present filter that the reader has not seen. @param {State} state */
export function unreadOf(state) {
  const {attention: {flashes}, feed: {table, read}} = state;
  if (!flashes.size) return 0;
  const filters = filtersOf(state);
  const [base, shown] = [baseTest(filters, myName(state)), stateTest(filters)];
  let n = 0;
  for (const [id, {newUntil}] of flashes) {
    const row = newUntil === null && table.rows.get(id);
    if (row && base(read(row)) && shown(read(row))) n += 1;
  }
  return n;
}

/** @param {State} state @param {boolean} narrow */
function alertsOf({urgent: all, attention, place: {row}}, narrow) {
  const open = all.filter(({id}) => attention.alerts.has(id) && !(narrow && row !== null))
    .sort((a, b) => (attention.alerts.get(b.id) ?? 0) - (attention.alerts.get(a.id) ?? 0)).slice(0, narrow ? 1 : MOST_ALERTS);
  return {shown: open, more: all.length - open.length};
}

/** @param {State} state @returns {View['facets']} */
function facetsOf(state) {
  if (state.panel !== 'filters') return new Map();
  const {board} = state.feed;
  const roles = FILTER_ROLES.filter((role) => hasRole(board, role));
  const all = roles.map((role) => /** @type {const} */ ([role, facet(state.sorted, filtersOf(state), myName(state), role)]));
  return new Map(all.filter(([, values]) => values.some(({value}) => value !== '')));
}

/** @param {State} state */
const peopleOf = ({sorted}) => [...new Set(sorted.map((item) => item.assignee))].filter(Boolean).sort().slice(0, 200);

/** @param {string} board @returns {{name: string, query: string}[]} */
export function savedFilters(board) {
  try {
    const saved = JSON.parse(recall(`saved:${board}`) ?? '[]');
    return Array.isArray(saved) ? saved.filter((one) => typeof one?.name === 'string' && typeof one.query === 'string') : [];
  } catch {
    return [];
  }
}
