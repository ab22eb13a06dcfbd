// What of the page stands in its address, so that it can be sent, kept as a bookmark, and gone back to.
import {readFilters, writeFilters} from './filters.js';
/**
 * @typedef {'list' | 'kanban' | 'timeline'} ViewName
 * @typedef {{view: ViewName, row: number | null, filters: import('./filters.js').Filters}} Place
 */

/** @type {ViewName[]} */
export const VIEWS = ['list', 'kanban', 'timeline'];

/** Those that this board has something for: a kanban has a column for each status. @param {import('./types.js').Board} board */
export const viewsOf = (board) => (board.columns.length && !board.role.status ? VIEWS.filter((view) => view !== 'kanban') : VIEWS);

/** @param {string} search @returns {Place} */
export function readPlace(search) {
  const params = new URLSearchParams(search);
  const view = /** @type {ViewName} */ (params.get('view') ?? '');
  const row = Number(params.get('row'));
  return {view: VIEWS.includes(view) ? view : 'list', row: Number.isSafeInteger(row) && row > 0 ? row : null, filters: readFilters(params)};
}

/**
 * The address with this place; whatever else stands in it (token, language) stays.
 * @param {string} search
 * @param {Place} place
 */
export function writePlace(search, {view, row, filters}) {
  const params = new URLSearchParams(search);
  if (view === 'list') params.delete('view');
  else params.set('view', view);
  if (row === null) params.delete('row');
  else params.set('row', String(row));
  writeFilters(filters, params);
  const text = params.toString();
  return text && `?${text}`;
}
