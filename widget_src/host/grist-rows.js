// Grist's columns, encoded, to rows with the same values as REST and the stream give.
import {fromEncoded} from '../core/cells.js';

/**
 * @param {Record<string, unknown[]>} columns as `fetchSelectedTable({keepEncoded: true, format: 'columns'})` gives them
 * @returns {import('../core/types.js').Row[]}
 */
export function toRows(columns) {
  const {id: ids = [], ...rest} = columns;
  const entries = Object.entries(rest);
  return ids.map((id, index) => {
    /** @type {Record<string, unknown>} */
    const fields = {};
    for (const [column, cells] of entries) fields[column] = fromEncoded(cells[index]);
    return {id: Number(id), fields};
  });
}
