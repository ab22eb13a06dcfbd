// What a logged change says: who, when, and for each column the old value and the new one.
import {html, nothing} from 'lit-html';
import {pick} from '../core/board.js';
import {asText, asTime, same} from '../core/cells.js';
import {priorityBadge, statusBadge} from './badges.js';
import {icon} from './icons.js';
/**
 * @typedef {import('../core/types.js').Column} Column
 * @typedef {import('../core/types.js').LoggedChange} LoggedChange
 * @typedef {import('./types.js').View} View
 */

/** More than anyone reads in a line. */
export const CLIP = 160;

/** @type {Record<string, import('./icons.js').IconName>} */
const ICONS = {add: 'add', update: 'edit', remove: 'trash'};

/** @param {LoggedChange} change */
export const changeIcon = (change) => icon(ICONS[change.action]);

/** @param {LoggedChange} change @param {View} view */
export function changeTime({at}, {clock, now, t}) {
  if (!at) return nothing;
  const time = at * 1000;
  return html`<time class="time" datetime=${clock.iso(time)} title=${clock.exact(time)}>${clock.relative(time, now) || t('updated.none')}</time>`;
}

/** @param {LoggedChange} change @param {View} view */
export const changeAuthor = ({by}, {t}) => (by ? html`<span class="by">${t('change.by')} <bdi>${by.slice(0, CLIP)}</bdi></span>` : nothing);

/** The change's lines: one per column that has another value now. @param {LoggedChange} change @param {View} view */
export function changeLines(change, view) {
  const {board, language, t} = view;
  const {fields = {}, was = {}} = change;
  if (change.action === 'add') return html`<p class="change-text">${t(change.first_seen ? 'change.known' : 'change.add')}</p>`;
  if (change.action === 'remove') return html`<p class="change-text">${t('change.remove')}</p>`;
  const changed = board.columns.filter((column) => column.id in fields && column.role !== 'updated_at' && !(column.id in was && same(fields[column.id], was[column.id])));
  return html`<dl class="change-lines">${changed.map((column) => html`<div><dt><bdi>${pick(column.label, language, column.id)}</bdi></dt>
    <dd>${cell(column, was[column.id], view, 'old')}<span class="arrow" role="img" aria-label=${t('change.to')}>→</span>${cell(column, fields[column.id], view, 'now')}</dd></div>`)}</dl>`;
}

/** @param {Column} column @param {unknown} value @param {View} view @param {string} kind */
function cell(column, value, view, kind) {
  const {board, t} = view;
  const text = asText(value);
  if (text === '') return html`<span class="none ${kind}">${t('value.empty')}</span>`;
  if (column.role === 'status') return statusBadge(board.statusOf(text), view);
  if (column.role === 'priority') return priorityBadge(board.priorityOf(text), view, false);
  return html`<bdi class=${kind}>${cellText(column, value, view).slice(0, CLIP)}</bdi>`;
}

/** A cell as text: dates as dates. @param {Column} column @param {unknown} value @param {View} view */
export function cellText(column, value, {clock, number, t}) {
  const time = /^Date/.test(column.type) ? asTime(value) : null;
  if (time !== null) return column.type === 'Date' ? clock.date(time) : clock.exact(time);
  if (typeof value === 'boolean') return t(value ? 'value.yes' : 'value.no');
  if (typeof value === 'number' && (column.type === 'Numeric' || column.type === 'Int')) return number.format(value);
  return asText(value);
}
