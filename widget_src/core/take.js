// To take charge of a row: which values say so.
import {pick} from './board.js';
/**
 * @typedef {import('./types.js').Board} Board
 * @typedef {import('./types.js').Item} Item
 */

/** Nobody works on it yet. @param {Item} item */
export const isFree = (item) => !item.gone && (item.status.meaning === 'waiting' || item.status.meaning === 'unknown');

/** A row that nobody may leave lying. @param {Item} item */
export const isAlert = (item) => item.urgent && isFree(item);

/** Does the board have what it takes? @param {Board} board */
export const canBeTaken = (board) => Boolean(board.role.status && board.statuses.some((s) => s.meaning === 'active'));

/**
 * The cells that say: this one has it.
 * @param {Board} board
 * @param {string} by
 * @returns {import('./types.js').Fields}
 */
export function takenFields(board, by) {
  const active = board.statuses.find((status) => status.meaning === 'active');
  return {...(active && board.role.status ? {[board.role.status]: active.value} : {}),
    ...(board.role.assignee && by ? {[board.role.assignee]: by} : {})};
}

/**
 * Did this change take the row? Then somebody has it now.
 * @param {Board} board
 * @param {{action: string, columns: string[], was?: import('./types.js').Fields}} change
 * @param {Item} item as it is after the change
 */
export function isTaking(board, {action, columns}, item) {
  return action === 'update' && item.status.meaning === 'active' && columns.includes(board.role.status) && item.assignee !== '';
}

/** @param {Board} board @param {string} role @param {string} language */
export const roleLabel = (board, role, language) => {
  const column = board.columns.find((one) => one.role === role);
  return column ? pick(column.label, language, column.id) : '';
};
