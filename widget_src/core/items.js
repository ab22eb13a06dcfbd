// A row by role: the only form that filters, counts and templates know.
import {asText, asTexts, asTime} from './cells.js';
import {departmentCode, departmentOf} from './department.js';
/**
 * @typedef {import('./types.js').Board} Board
 * @typedef {import('./types.js').Item} Item
 * @typedef {import('./types.js').Row} Row
 */

/**
 * Make the function that reads rows by the board's roles. Rows never change in place, so each is read once.
 * @param {Board} board
 * @returns {(row: Row) => Item}
 */
export function itemReader(board) {
  /** @type {WeakMap<Row, Item>} */
  const known = new WeakMap();
  return (row) => {
    let item = known.get(row);
    if (!item) {
      known.set(row, item = toItem(board, row));
      origins.set(item, {board, row});
    }
    return item;
  };
}

/**
 * @param {Board} board
 * @param {Row} row
 * @returns {Item}
 */
function toItem(board, row) {
  /** @param {string} role */
  const cell = (role) => (role in board.role ? row.fields[board.role[role]] : null);
  /** @param {string} role */
  const text = (role) => clip(asText(cell(role)));
  const status = board.statusOf(text('status'));
  const priority = board.priorityOf(text('priority'));
  const done = status.meaning === 'done';
  return {
    id: row.id, title: clip(asText(board.titleColumn === null ? null : row.fields[board.titleColumn])) || `#${row.id}`, place: text('place'), assignee: text('assignee'),
    kind: text('kind'), comment: text('comment'), department: text('department'), derived: board.department === 'derived',
    status, priority, updated: asTime(cell('updated_at')), urgent: priority.urgent && !done, done,
  };
}

/** Where an item was read from: what only a filter asks for is read when it does. @type {WeakMap<Item, {board: Board, row: Row}>} */
const origins = new WeakMap();

/**
 * All that a row says in a role, uncut: one text, or each of a list; an empty text where there is nothing.
 * @param {Item} item @param {string} role @returns {string[]}
 */
export function textsOf(item, role) {
  const origin = origins.get(item);
  return asTexts(origin && role in origin.board.role ? origin.row.fields[origin.board.role[role]] : null);
}

/** @type {WeakMap<Item, string[]>} */
const codes = new WeakMap();

/** The codes of a row's departments; an empty one where there is none. 5,000 postcodes take their time, so each is looked for once. @param {Item} item */
export function departmentsOf(item) {
  let found = codes.get(item);
  if (!found) codes.set(item, found = item.derived ? textsOf(item, 'place').map(departmentOf) : textsOf(item, 'department').map(departmentCode));
  return found;
}

/** A row's departments as one reads them. @param {Item} item */
export const departmentCodeOf = (item) => departmentsOf(item).filter(Boolean).join(', ');

/** Types of the columns that a search looks through. */
const SEARCHED = new Set(['Text', 'Choice', 'ChoiceList', 'Any']);

/** All that can be searched in a row: every declared text, uncut, and what its status and its priority are called. @param {Item} item */
export function searchedOf(item) {
  const origin = origins.get(item);
  if (!origin) return '';
  const {board, row} = origin;
  const texts = board.columns.filter(({type}) => SEARCHED.has(type.split(':')[0])).flatMap(({id}) => asTexts(row.fields[id]));
  const known = [...textsOf(item, 'status').map(board.statusOf), ...textsOf(item, 'priority').map(board.priorityOf)].filter(({index}) => index >= 0);
  return [...known.flatMap(({value, label}) => [value, ...Object.values(label)]), ...texts].join('\n');
}

/**
 * How late a row is that nobody has finished: its age against its priority's delays.
 * @param {Item} item
 * @param {number} now epoch milliseconds
 * @returns {'' | 'amber' | 'red'}
 */
export function lateness({priority: {delay}, updated, done}, now) {
  if (!delay || updated === null || done) return '';
  const minutes = (now - updated) / 60_000;
  return minutes >= delay.red ? 'red' : minutes >= delay.amber ? 'amber' : '';
}

/** More than anyone reads in a list: a cell of 100 kB must not slow every frame down. */
const CLIP = 400;

/** @param {string} text */
function clip(text) {
  return text.length > CLIP ? `${text.slice(0, CLIP).replace(/[\ud800-\udbff]$/, '')}…` : text;
}
