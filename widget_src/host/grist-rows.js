// Grist's columns, encoded, to rows with the same values as REST and the stream give.
import {fromEncoded} from '../core/cells.js';

/**
 * Name the columns as the board does, where the document's owner has mapped them in Grist's panel.
 * @template T
 * @param {Record<string, T>} columns
 * @param {Record<string, string | null> | null} mapping the board's id → the document's
 * @returns {Record<string, T>}
 */
export function renamed(columns, mapping) {
  if (!mapping) return columns;
  /** @type {Record<string, T>} */
  const found = 'id' in columns ? {id: columns.id} : {};
  for (const [name, id] of Object.entries(mapping)) if (id && id in columns) found[name] = columns[id];
  for (const [id, cells] of Object.entries(columns)) if (!(id in found) && !(id in mapping)) found[id] = cells;
  return found;
}

/**
 * Name the board's columns that are mapped to nothing. Grist delivers all columns as long as nothing is mapped; as soon as
 * one is, it delivers the mapped ones alone.
 * @param {string[]} names the board's
 * @param {Record<string, string | null> | null} mapping
 */
export const unmapped = (names, mapping) => (mapping ? names.filter((name) => !mapping[name]) : []);

/**
 * Add columns that Grist held back, from the whole table: its rows may be more, and stand in another order.
 * @param {Record<string, unknown[]>} columns already named as the board does
 * @param {Record<string, unknown[]>} whole
 * @param {string[]} names
 * @returns {Record<string, unknown[]>}
 */
export function completed(columns, whole, names) {
  const found = names.filter((name) => name in whole);
  const places = new Map((whole.id ?? []).map((id, index) => [id, index]));
  const cells = (/** @type {string} */ name) => (columns.id ?? []).map((id) => whole[name][places.get(id) ?? -1] ?? null);
  return {...columns, ...Object.fromEntries(found.map((name) => [name, cells(name)]))};
}

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
