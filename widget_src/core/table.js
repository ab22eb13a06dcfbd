// The rows on show, and the rules by which they change. Each function tells what is worth a flash.
import {same} from './cells.js';
import {createEchoes} from './echoes.js';
/**
 * @typedef {import('./types.js').Change} Change
 * @typedef {import('./types.js').Fields} Fields
 * @typedef {import('./types.js').News} News
 * @typedef {import('./types.js').Row} Row
 * @typedef {ReturnType<typeof createTable>} Table
 */

/** How many rows may appear at once and still be announced as new ones; more is a filter or an import. */
const FEW = 10;
const HELD_MAX = 1000;
/** Inside Grist a replayed change that is older is no news: Grist has shown it long since. */
const OLD_MS = 60_000;

/**
 * @param {{authority: 'grist' | 'stream', now: () => number}} how who decides which rows exist
 */
export function createTable({authority, now}) {
  return {
    authority,
    now,
    loaded: false,
    /** The columns whose changes are news; set from the board by `watchColumns`. @type {Set<string>} */
    watched: new Set(),
    quiet: '',
    /** The columns of which Grist told last. */
    columns: '',
    /** @type {Map<number, Row>} */
    rows: new Map(),
    /** Stream `add`s of rows that Grist doesn't show (yet). @type {Map<number, Change>} */
    held: new Map(),
    echoes: createEchoes(now),
    /** Rows that may have changed since `takeTouched`; null: any may have. @type {Set<number> | null} */
    touched: /** @type {Set<number> | null} */ (null),
    /** Highest row id ever seen; Grist's ids only grow, so a higher one is a new row. */
    highest: 0,
  };
}

/**
 * Set what is compared: the declared columns. A change of the time of update alone is drawn, but is no news.
 * @param {Table} table
 * @param {import('./types.js').Board} board
 */
export function watchColumns(table, board) {
  table.quiet = board.role.updated_at || '';
  table.watched = new Set(board.columns.map((c) => c.id));
}

/**
 * Take one change of the stream.
 * @param {Table} table
 * @param {Change} change
 * @returns {News | null}
 */
export function applyChange(table, change) {
  table.touched?.add(change.row);
  return table.authority === 'grist' ? mergeChange(table, change) : followChange(table, change);
}

/**
 * Tell which rows may have changed since the last call; null: any may have.
 * @param {Table} table
 */
export function takeTouched(table) {
  const {touched} = table;
  table.touched = new Set();
  return touched;
}

/**
 * Take the whole table from the server; rows that differ from what was shown are told.
 * @param {Table} table
 * @param {Row[]} rows
 * @returns {News[]}
 */
export function applySnapshot(table, rows) {
  const {news} = replaceRows(table, rows);
  return news;
}

/**
 * Take the rows that Grist shows: it decides which exist, and its values are final.
 * @param {Table} table
 * @param {Row[]} rows
 * @param {{linked?: boolean}} [section] linked: another section selects our rows, so they come and go silently
 * @returns {News[]}
 */
export function applyGristRows(table, rows, {linked = false} = {}) {
  const highest = table.highest;
  const columns = rows.length ? Object.keys(rows[0].fields).sort().join('\n') : table.columns;
  // Columns were mapped, shown or hidden since: nobody has edited what differs by that.
  if (table.columns && columns !== table.columns) table.loaded = false;
  table.columns = columns;
  const {news, fresh} = replaceRows(table, rows);
  if (!fresh) return news.filter((n) => isUntold(table, n, highest, linked, news));
  table.held.clear();
  return [];
}

/**
 * Standing alone: the stream is the truth, in order.
 * @param {Table} table
 * @param {Change} change
 * @returns {News | null}
 */
function followChange(table, change) {
  const before = table.rows.get(change.row);
  if (change.action === 'remove') {
    if (!before) return null;
    table.rows.delete(change.row);
    return newsOf(change, Object.keys(before.fields), before.fields);
  }
  const fields = change.fields || {};
  const columns = before ? differing(table, before.fields, fields) : Object.keys(fields);
  if (before && !columns.length) return null;
  table.rows.set(change.row, {id: change.row, fields: before ? {...before.fields, ...fields} : fields});
  table.highest = Math.max(table.highest, change.row);
  const news = columns.filter((c) => c !== table.quiet);
  return news.length ? newsOf({...change, action: before ? 'update' : 'add'}, news, fields) : null;
}

/**
 * Inside Grist: show an update of a row that is there at once, hold an add, and leave the rest to Grist.
 * @param {Table} table
 * @param {Change} change
 * @returns {News | null}
 */
function mergeChange(table, change) {
  if (change.at && change.at * 1000 < table.now() - OLD_MS) return null;
  const before = table.rows.get(change.row);
  if (change.action === 'remove') table.held.delete(change.row);
  if (change.action === 'remove' || !before) {
    if (change.action === 'add') hold(table, change);
    return null;
  }
  if (change.action === 'add' && !change.first_seen) {
    return tell(table, 'stream', change.row, change.fields || {}, true) ? newsOf(change, [], before.fields) : null;
  }
  return mergeUpdate(table, change.action === 'add' ? onlyNews(change, before) : change, before);
}

/**
 * A row that is new to the server alone: what it doesn't know of it is null, and what is shown already is no telling.
 * @param {Change} change
 * @param {Row} before
 * @returns {Change}
 */
function onlyNews(change, before) {
  const news = Object.entries(change.fields || {}).filter(([c, cell]) => cell !== null && !same(before.fields[c], cell));
  return {...change, fields: Object.fromEntries(news)};
}

/**
 * @param {Table} table
 * @param {Change} change
 * @param {Row} before
 * @returns {News | null}
 */
function mergeUpdate(table, change, before) {
  const {fields = {}, was = {}} = change;
  const columns = differing(table, before.fields, fields);
  // Where the shown value is neither the old nor the new one, Grist is ahead of the stream: its value stays.
  const stale = columns.some((c) => c !== table.quiet && c in was && !same(before.fields[c], was[c]));
  if (stale || !tell(table, 'stream', change.row, fields) || !columns.length) return null;
  table.rows.set(change.row, {id: change.row, fields: {...before.fields, ...fields}});
  const news = columns.filter((c) => c !== table.quiet);
  return news.length ? newsOf({...change, action: 'update'}, news, fields) : null;
}

/**
 * Note who told these values of a row; true when it is news.
 * @param {Table} table
 * @param {'grist' | 'stream'} source
 * @param {number} row
 * @param {Fields} fields
 * @param {boolean} [appeared] they tell that the row is there, too
 */
function tell(table, source, row, fields, appeared = false) {
  const values = /** @type {[string, unknown][]} */ (
    Object.entries(fields).filter(([c]) => c !== table.quiet && table.watched.has(c)));
  if (appeared) values.push(['', 'add']);
  return table.echoes.tell(source, row, values);
}

/**
 * @param {Table} table
 * @param {Change} change
 */
function hold(table, change) {
  table.held.set(change.row, change);
  if (table.held.size > HELD_MAX) table.held.delete(/** @type {number} */ (table.held.keys().next().value));
}

/**
 * @param {Table} table
 * @param {Row[]} rows
 */
function replaceRows(table, rows) {
  const fresh = !table.loaded;
  /** @type {News[]} */
  const news = [];
  /** @type {Map<number, Row>} */
  const next = new Map();
  for (const row of rows) {
    const before = table.rows.get(row.id);
    const differs = before ? differing(table, before.fields, row.fields) : [];
    next.set(row.id, before && !differs.length ? before : row);
    if (!before || differs.length) table.touched?.add(row.id);
    if (row.id > table.highest) table.highest = row.id;
    const columns = differs.filter((c) => c !== table.quiet);
    if (fresh || (before && !columns.length)) continue;
    news.push({row: row.id, action: before ? 'update' : 'add', columns, fields: row.fields});
  }
  for (const [id, row] of table.rows) {
    if (next.has(id)) continue;
    table.touched?.add(id);
    if (!fresh) news.push({row: id, action: 'remove', columns: [], fields: row.fields});
  }
  table.rows = next;
  table.loaded = true;
  return {news, fresh};
}

/**
 * Decide whether what Grist tells is news, or a filter's doing, or an echo of the stream.
 * @param {Table} table
 * @param {News} news
 * @param {number} highest the highest id before these rows came
 * @param {boolean} linked
 * @param {News[]} all
 */
function isUntold(table, news, highest, linked, all) {
  if (news.action === 'remove') return false; // gone, or only hidden by a filter: Grist doesn't say
  const {row, fields} = news;
  if (news.action === 'update') {
    return tell(table, 'grist', row, Object.fromEntries(news.columns.map((c) => [c, fields[c]])));
  }
  const held = table.held.delete(row);
  const few = all.filter((n) => n.action === 'add').length <= FEW;
  if (!held && (linked || !few || row <= highest)) return false;
  if (held) tell(table, 'stream', row, fields, true); // both have now told it
  tell(table, 'grist', row, fields, true);
  return true;
}

/**
 * @param {Table} table
 * @param {Fields} before
 * @param {Fields} after
 * @returns {string[]}
 */
function differing(table, before, after) {
  return Object.keys(after).filter((column) => table.watched.has(column) && !same(before[column], after[column]));
}

/**
 * @param {Change} change
 * @param {string[]} columns
 * @param {Fields} fields
 * @returns {News}
 */
function newsOf(change, columns, fields) {
  return {row: change.row, action: change.action, columns, fields, at: change.at, by: change.by, was: change.was};
}
