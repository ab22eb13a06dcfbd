// Cells as Grist's REST and webhooks give them: text, number, bool, null, epoch seconds, ["L", …], ["E", name, …].
/** @typedef {import('./types.js').Cell} Cell */

/**
 * Turn a cell that Grist encoded (`keepEncoded`) into the form of REST and webhooks,
 * so that a value is the same whoever told it.
 * @param {Cell} cell
 * @returns {Cell}
 */
export function fromEncoded(cell) {
  if (!Array.isArray(cell)) return cell;
  switch (cell[0]) {
    case 'D': case 'd': return cell[1]; // DateTime, Date: epoch seconds
    case 'R': return cell[2]; // Reference: [R, table, row]
    case 'r': return ['L', ...(Array.isArray(cell[2]) ? cell[2] : [])]; // ReferenceList
    case 'P': return null; // Pending: the value comes later
    default: return cell;
  }
}

/**
 * Show a cell as text; a list by its items, an error by its name.
 * @param {Cell} cell
 * @returns {string}
 */
export function asText(cell) {
  if (cell === null || cell === undefined) return '';
  if (typeof cell === 'string') return cell.trim();
  if (!Array.isArray(cell)) return typeof cell === 'object' ? '' : String(cell);
  if (cell[0] === 'L') return cell.slice(1).map(asText).filter(Boolean).join(', ');
  if (cell[0] === 'E') return `#${asText(cell[1])}`;
  return '';
}

/**
 * What a cell says: one text, or each of a list; an empty cell is an empty text.
 * @param {Cell} cell
 * @returns {string[]}
 */
export function asTexts(cell) {
  if (!Array.isArray(cell) || cell[0] !== 'L') return [asText(cell)];
  const texts = cell.slice(1).map(asText).filter(Boolean);
  return texts.length ? texts : [''];
}

/**
 * Read a Date or DateTime cell: epoch milliseconds, or null when it holds anything else.
 * @param {Cell} cell
 * @returns {number | null}
 */
export function asTime(cell) {
  if (typeof cell === 'number' && Number.isFinite(cell)) return Math.abs(cell) < 8.6e12 ? Math.round(cell * 1000) : null;
  if (typeof cell !== 'string' || !/^\d{4}-\d\d-\d\d/.test(cell)) return null;
  const ms = Date.parse(cell);
  return Number.isNaN(ms) ? null : ms;
}

/**
 * Tell whether two cells are the same to a reader. Times are compared to the millisecond: the plugin API
 * rounds them to it, webhooks carry microseconds. Nothing (null, absent, "") is one value.
 * @param {Cell} a
 * @param {Cell} b
 * @returns {boolean}
 */
export function same(a, b) {
  if (a === b) return true;
  if (isNothing(a) && isNothing(b)) return true;
  if (typeof a === 'number' && typeof b === 'number') return Math.abs(a) > 1e8 && Math.abs(a - b) < 0.0011;
  if (typeof a === 'object' && typeof b === 'object') return JSON.stringify(a) === JSON.stringify(b);
  return false;
}

/** @param {Cell} cell */
const isNothing = (cell) => cell === null || cell === undefined || cell === '';
