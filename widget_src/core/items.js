// A row by role: the only form that filters, counts and templates know.
import {asText, asTime} from './cells.js';
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
    if (!item) known.set(row, item = toItem(board, row));
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
    id: row.id, title: text('title') || `#${row.id}`, place: text('place'), assignee: text('assignee'),
    kind: text('kind'), comment: text('comment'), department: text('department'), derived: board.department === 'derived',
    status, priority, updated: asTime(cell('updated_at')), urgent: priority.urgent && !done, done,
  };
}

/** @type {WeakMap<Item, string>} */
const codes = new WeakMap();

/** The code of a row's department. Only who filters by it asks for it: 5,000 postcodes take their time. @param {Item} item */
export function departmentCodeOf(item) {
  let code = codes.get(item);
  if (code === undefined) codes.set(item, code = item.derived ? departmentOf(item.place) : departmentCode(item.department));
  return code;
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
