// What each event of the stream, and each snapshot, does to the state.
import {attend, isTold, push, sounds} from './attention.js';
import {compileBoard} from './board.js';
import {asText} from './cells.js';
import {everything} from './filters.js';
import {itemReader} from './items.js';
import {isTaking} from './take.js';
import {applyChange, applyGristRows, applySnapshot, createTable, watchColumns} from './table.js';
/**
 * @typedef {import('./types.js').BoardDescription} BoardDescription
 * @typedef {import('./types.js').Change} Change
 * @typedef {import('./types.js').News} News
 * @typedef {import('./types.js').Row} Row
 * @typedef {ReturnType<typeof createFeed>} Feed
 */

/**
 * The data side of the state: board, rows, and the news that wait for the next frame.
 * @param {BoardDescription} board
 * @param {{authority: 'grist' | 'stream', now: () => number}} how now: the browser's clock, epoch milliseconds
 */
export function createFeed(board, {authority, now}) {
  const compiled = compileBoard(board);
  /** Server's clock minus ours, in ms; 0 unless it is far off. */
  const clock = {skew: 0};
  const feed = {
    board: compiled,
    described: JSON.stringify(board),
    clock,
    table: createTable({authority, now: () => now() + clock.skew}),
    read: itemReader(compiled),
    viewers: /** @type {number | null} */ (null),
    linked: false,
    /** The stream has been open: what a replay brings from now on was missed. */
    greeted: false,
    /** @type {News[]} */
    news: [],
  };
  watchColumns(feed.table, feed.board);
  return feed;
}

/**
 * Take one event of the stream; what it holds was written by a server, yet nothing in it is trusted to be there.
 * @param {Feed} feed
 * @param {import('./attention.js').Attention} attention
 * @param {string} event
 * @param {any} body
 * @param {number} now
 */
export function takeEvent(feed, attention, event, body, now) {
  if (event === 'message' && isChange(body)) {
    const news = applyChange(feed.table, body);
    if (news) feed.news.push({...news, replayed: attention.replayed > 0});
    attention.replayed = Math.max(0, attention.replayed - 1);
  } else if (event === 'hello') {
    if (body?.board) describe(feed, body.board);
    takeClock(feed, body?.at, now);
    feed.viewers = body?.viewers ?? null;
    attention.replayed = Number(body?.replayed) || 0;
    if (attention.replayed && feed.greeted) push(attention, {kind: 'caughtUp', n: attention.replayed}, now);
    feed.greeted = true;
  } else if (event === 'ping') {
    feed.viewers = body?.viewers ?? feed.viewers;
    attention.replayed = 0; // of a filtered stream fewer come than were announced
    takeClock(feed, body?.at, now);
  } else if (event === 'test') {
    push(attention, {kind: 'test', text: testText(feed, body)}, now);
  }
}

/**
 * Set the clock by the server's, where a reader's own is far off: ages are counted by it.
 * @param {Feed} feed
 * @param {unknown} at the server's time, epoch seconds
 * @param {number} now ours, epoch milliseconds
 */
export function takeClock({clock}, at, now) {
  if (typeof at !== 'number' || !(at > 0)) return;
  const skew = at * 1000 - now;
  clock.skew = Math.abs(skew) > 5000 ? skew : 0;
}

/**
 * @param {Feed} feed
 * @param {{board?: BoardDescription, rows: Row[]}} snapshot
 */
export function takeSnapshot(feed, snapshot) {
  if (snapshot.board) describe(feed, snapshot.board);
  feed.news.push(...applySnapshot(feed.table, snapshot.rows.filter(isRow)));
}

/**
 * @param {Feed} feed
 * @param {Row[]} rows
 */
export function takeGristRows(feed, rows) {
  feed.news.push(...applyGristRows(feed.table, rows, {linked: feed.linked}));
}

/**
 * Hand the frame's news to the attention, one per row. Tells which, whether a sound is due, and how pressing the most
 * pressing is that may sound.
 * @param {Feed} feed
 * @param {import('./attention.js').Attention} attention
 * @param {number} now
 * @param {{muted?: Set<string>, keep?: (item: import('./types.js').Item) => boolean}} [wishes] muted: priorities that make no
 *   sound; keep: the reader's filters, without the state: of what they keep out nothing is told
 */
export function flushNews(feed, attention, now, {muted = new Set(), keep = everything} = {}) {
  /** @type {Map<number, News>} */
  const byRow = new Map();
  for (const one of feed.news) {
    const before = byRow.get(one.row);
    const item = feed.read(feed.table.rows.get(one.row) ?? {id: one.row, fields: one.fields});
    const action = before?.action === 'add' && one.action === 'update' ? 'add' : one.action;
    const columns = before ? [...new Set([...before.columns, ...one.columns])] : one.columns;
    const taken = item.urgent && isTaking(feed.board, {action, columns}, item);
    byRow.set(one.row, {...one, action, item, columns, taken, replayed: one.replayed && (before?.replayed ?? true), out: !keep(item)});
  }
  feed.news = [];
  const news = [...byRow.values()];
  if (news.length) attend(attention, news, now, feed.board.role);
  let level = -2;
  for (const one of news) {
    const {item} = one;
    if (item && isTold(one) && !muted.has(item.priority.value)) level = Math.max(level, item.urgent ? 3 : Math.min(2, item.priority.level));
  }
  return {news, sound: sounds(attention, level, now), level};
}

/**
 * @param {Feed} feed
 * @param {BoardDescription} board
 */
export function describe(feed, board) {
  const described = JSON.stringify(board);
  if (described === feed.described || !Array.isArray(board.columns)) return;
  feed.described = described;
  feed.board = compileBoard(board);
  feed.read = itemReader(feed.board);
  watchColumns(feed.table, feed.board);
}

/** @param {Feed} feed @param {any} body */
function testText(feed, body) {
  const fields = body?.fields ?? {};
  const said = ['title', 'assignee', 'place', 'comment'].map((role) => asText(fields[feed.board.role[role]])).filter(Boolean);
  return (said.length ? said.join(', ') : asText(body?.row)).slice(0, 200);
}

/** @param {any} body @returns {body is Change} */
const isChange = (body) => Number.isInteger(body?.row) && ['add', 'update', 'remove'].includes(body.action);
/** @param {any} row */
const isRow = (row) => Number.isInteger(row?.id) && typeof row.fields === 'object' && row.fields !== null;
