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

/** Types of an assignee column that takes a name; a reference would want a row's number. The same as in grist_live/take.py. */
const WRITABLE = ['Text', 'Choice', 'Any'];

/**
 * The cells that say: this one has it.
 * @param {Board} board
 * @param {string} by
 * @returns {import('./types.js').Fields}
 */
export function takenFields(board, by) {
  const active = board.statuses.find((status) => status.meaning === 'active');
  return {...(active && board.role.status ? {[board.role.status]: active.value} : {}),
    ...(takesName(board) && by ? {[board.role.assignee]: by} : {})};
}

/** @param {Board} board */
const takesName = ({columns}) => columns.some(({role, type}) => role === 'assignee' && WRITABLE.includes(type.split(':')[0]));

/**
 * Did this change take the row? Then somebody has it now.
 * @param {Board} board
 * @param {{action: string, columns: string[], was?: import('./types.js').Fields}} change
 * @param {Item} item as it is after the change
 */
export function isTaking(board, {action, columns}, item) {
  return action === 'update' && item.status.meaning === 'active' && columns.includes(board.role.status) && item.assignee !== '';
}

/** Statuses whose sentence says what to do. */
const STATUSES = [400, 401, 403, 404, 409, 429];
/** What the server gives as its reason where the status doesn't say enough. */
const REASONS = ['busy', 'done', 'grist', 'key', 'table'];

/**
 * Why the row could not be taken: the last word of the text's key.
 * @param {{status: number, body: any}} answer
 */
export const whyNot = ({status, body}) => (REASONS.includes(body?.reason) ? body.reason : String(STATUSES.includes(status) ? status : 0));

/**
 * The same, of what Grist's plugin API throws: it has words at best, and no status.
 * @param {unknown} error
 */
export function whyNotInGrist(error) {
  const text = String(error);
  if (/non-existent record/i.test(text)) return '404';
  if (/no answer|disconnect|connection|network|offline|time.?out/i.test(text)) return 'grist';
  return /access|permission|denied|read.?only/i.test(text) ? 'reader' : 'table';
}

/** @param {Board} board @param {string} role @param {string} language */
export const roleLabel = (board, role, language) => {
  const column = board.columns.find((one) => one.role === role);
  return column ? pick(column.label, language, column.id) : '';
};
