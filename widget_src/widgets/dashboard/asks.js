// What is asked of the server beside the stream, and what its answers do to the state.
import {boardOf} from '../../core/address.js';
import {ApiError, createApi} from '../../core/api.js';
import {fitting, historyTest, serverQuery, spellings} from '../../core/filters.js';
import {applyChange} from '../../core/table.js';
import {isFree, takenFields, whyNot, whyNotInGrist} from '../../core/take.js';
import {concerns, createTimeline, isLogged, takeLive, takePage} from '../../core/timeline.js';
import {trendsOf} from '../../core/trends.js';
import {recall, remember} from '../../host/storage.js';
import {myName} from './look.js';
/**
 * @typedef {import('./state.js').State} State
 * @typedef {ReturnType<typeof createAsks>} Asks
 */

export const PAGE = 100;
const TRENDS_MS = 600_000;
/** A reader who was away for less missed nothing worth a sentence. */
const AWAY_MS = 300_000;
const TYPING_MS = 300;
/** The server counts so many; what is more is told as more. */
const COUNTED = 1000;
/** Grist's plugin API waits for ever where Grist is away. */
const WRITE_MS = 15_000;

/**
 * @param {{state: State, host: import('../../core/types.js').Host, env: import('../../core/types.js').Env,
 *   frame: () => void, update: (change: () => void) => void}} means
 */
export function createAsks({state, host, env, frame, update}) {
  /** @type {ReturnType<typeof createApi> | null} */
  let api = null;
  let trendsAt = -Infinity;
  /** @type {unknown} */
  let typing;
  let hiddenAt = 0;
  /** What was missed: the question that was asked last, and the visit of which the reader wants to hear no more. */
  let counted = '';
  /** @type {number | null} */
  let forgotten = null;
  /** @type {unknown} */
  let counting;

  /**
   * Get the next page of a history into a timeline.
   * @param {ReturnType<typeof createTimeline>} timeline
   * @param {URLSearchParams | null} query
   */
  const page = async (timeline, query) => {
    if (!api || timeline.loading || timeline.before === null) return;
    if (!query) {
      takePage(timeline, {changes: [], before: null});
      return frame();
    }
    timeline.loading = true;
    query.set('limit', String(PAGE));
    if (timeline.before) query.set('before', timeline.before);
    frame();
    try {
      takePage(timeline, await api.history(query));
    } catch (error) {
      timeline.loading = false;
      timeline.error = error instanceof ApiError ? error : new ApiError(0);
    }
    frame();
  };
  const query = (given = state.place.filters) => {
    const {board, table, read} = state.feed;
    const filters = fitting(given, board);
    return serverQuery(filters, board, filters.mine ? spellings(myName(state), [...table.rows.values()].map(read)) : []);
  };
  const historyOfRow = () => page(state.rowHistory, new URLSearchParams({row: state.rowHistory.key}));

  /** @param {Promise<void>} writing */
  const inTime = async (writing) => {
    /** @type {unknown} */
    let timer;
    const late = new Promise((_, reject) => { timer = env.setTimeout(() => reject(new Error('no answer')), WRITE_MS); });
    await Promise.race([writing, late]).finally(() => env.clearTimeout(timer));
  };
  /** Write that a row is somebody's, unless it is another's by now. Grist has no "write only if". @param {number} row @param {string} by */
  const write = async (row, by) => {
    const {board, read, table} = state.feed;
    const fields = {...table.rows.get(row)?.fields, ...await host.read?.(row).catch(() => null)};
    const item = read({id: row, fields});
    if (item.status.meaning === 'active' && item.assignee === by) return;
    if (!isFree(item)) throw new ApiError(409, {by: item.assignee, ...(item.done ? {reason: 'done'} : {})});
    await host.write?.(row, takenFields(board, by));
  };
  const visitKey = () => `visit:${boardOf(state.connection.stream) || state.feed.board.name}`;

  const asks = {
    /** Another server, board or token. */
    connect() {
      const {stream, token} = state.connection;
      api = stream ? createApi({stream, token: state.granted?.token ?? token, env, measured: (ms) => state.latency.answered(ms)}) : null;
      state.viewer = null;
      trendsAt = -Infinity;
      counted = '';
      asks.forgetHistory();
    },
    /** The link lives (again): what only a server knows is asked for. */
    live() {
      asks.trends();
      asks.missed();
      if (!state.viewer && host.kind === 'standalone' && state.connection.token) {
        api?.viewer().then(({name, can, expires}) => { state.viewer = {name: name ?? null, can: can ?? [], expires: expires ?? null}; frame(); }, () => {});
      }
      for (const timeline of [state.timeline, state.rowHistory]) timeline.error = null;
      asks.timeline();
      asks.rowHistory();
    },
    /** The log was broken off, or another one began: what we know of it is read anew. */
    forgetHistory() {
      state.timeline = createTimeline(state.timeline.key);
      state.rowHistory = createTimeline(state.rowHistory.key);
    },
    trends() {
      const now = env.now();
      if (!api || state.link.kind !== 'live' || document.hidden || now - trendsAt < TRENDS_MS) return;
      trendsAt = now;
      api.stats(24).then(({counts}) => { state.trends = trendsOf(Array.isArray(counts) ? counts : [], state.feed.board); frame(); }, () => {});
    },
    /** Have the timeline of the present filters, if it is on show. */
    timeline() {
      const key = query()?.toString() ?? 'nothing';
      if (state.timeline.key !== key) state.timeline = createTimeline(key);
      if (state.place.view !== 'timeline' || state.timeline.before !== undefined || state.timeline.error) return;
      env.clearTimeout(typing);
      typing = env.setTimeout(() => page(state.timeline, query()), state.place.filters.q ? TYPING_MS : 0);
    },
    older: () => page(state.timeline, query()),
    /** Have the open row's history. */
    rowHistory() {
      const {row} = state.place;
      if (row === null) return;
      if (state.rowHistory.key !== String(row)) state.rowHistory = createTimeline(String(row));
      if (state.rowHistory.before === undefined && !state.rowHistory.error) historyOfRow();
    },
    olderOfRow: historyOfRow,
    /** A change came by the stream. @param {any} change */
    heard(change) {
      if (!isLogged(change)) return;
      if (String(change.row) === state.rowHistory.key) takeLive(state.rowHistory, change);
      const {board, table, read} = state.feed;
      const test = historyTest(fitting(state.place.filters, board), myName(state));
      if (concerns(change, {fields: table.rows.get(change.row)?.fields ?? {...change.was, ...change.fields}, read, test})) takeLive(state.timeline, change);
    },
    /** How much has changed since the reader was last here, of what the filters keep, whatever its state? */
    async missed() {
      const since = state.lastVisit ??= Number(recall(visitKey())) || null;
      const {clock, table} = state.feed;
      if (!api || !since || since === forgotten || env.now() + clock.skew - since < AWAY_MS) return;
      if (table.authority === 'grist' && !table.loaded) return; // it will be asked with Grist's rows
      const {status: _, ...roles} = state.place.filters.roles;
      const asked = query({...state.place.filters, show: 'all', roles});
      const question = `${since} ${asked ?? 'nothing'}`;
      if (question === counted) return;
      counted = question;
      asked?.set('since', String(Math.floor(since / 1000)));
      asked?.set('limit', String(COUNTED));
      try {
        const {changes, before} = asked ? await api.history(asked) : {changes: [], before: null};
        if (question !== counted || since === forgotten) return;
        // Inside Grist only rows that Grist shows are told of.
        state.missed = changes.filter(({row}) => table.authority !== 'grist' || table.rows.has(row)).length;
        state.missedMore = Boolean(before);
        frame();
      } catch {
        if (question === counted) counted = ''; // nothing is said of it; it is asked again when the link lives
      }
    },
    /** Other filters: once nobody types any more, it is counted anew. */
    missedSoon() {
      env.clearTimeout(counting);
      counting = env.setTimeout(asks.missed, TYPING_MS);
    },
    /** The reader knows. */
    forgetMissed() {
      forgotten = state.lastVisit;
      state.missed = 0;
    },
    /** The reader is here, or has gone. */
    visit() {
      const now = env.now() + state.feed.clock.skew; // the server's, as the times of its log are
      if (document.hidden) hiddenAt ||= now;
      else if (hiddenAt) {
        if (now - hiddenAt > AWAY_MS) {
          state.lastVisit = hiddenAt;
          asks.missed();
        }
        hiddenAt = 0;
      }
      remember(visitKey(), String(hiddenAt || now));
    },
    /** Take charge of a row. @param {number} row @param {string} by */
    async take(row, by) {
      if (state.taking?.row === row && state.taking.step === 'busy') return; // a second click
      /** @type {import('../../ui/types.js').Taking} */
      const mine = {row, step: 'busy', problem: '', by};
      state.taking = mine;
      frame();
      const over = (/** @type {State['taking']} */ next) => {
        if (state.taking === mine || state.taking === null) state.taking = next; // else the reader is at another row
        frame();
      };
      try {
        if (host.write) await inTime(write(row, by));
        else if (api) {
          const {fields} = await api.take(row, by);
          update(() => { // at once; the stream tells it again, which is no news
            const news = applyChange(state.feed.table, {action: 'update', row, fields});
            if (news) state.feed.news.push(news);
          });
        }
        over(null);
      } catch (error) {
        const why = error instanceof ApiError ? whyNot(error) : whyNotInGrist(error);
        const other = (error instanceof ApiError && error.body.by) || state.speech.t('take.somebody');
        over({row, step: 'refused', problem: `take.refused.${why}`, by: String(other)});
      }
    },
    /** Ask for a viewer token by a token of Grist's. @param {string} stream */
    async grant(stream) {
      const grist = await host.accessToken?.();
      if (!grist) throw new ApiError(403);
      return createApi({stream, token: '', env}).token(grist);
    },
    me: (/** @type {string} */ name) => {
      state.me = name.trim();
      remember('me', state.me || null);
    },
  };
  return asks;
}
