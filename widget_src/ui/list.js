// The list: only the rows in sight, at fixed heights.
import {html, nothing} from 'lit-html';
import {guard} from 'lit-html/directives/guard.js';
import {repeat} from 'lit-html/directives/repeat.js';
import {pick} from '../core/board.js';
import {lateness} from '../core/items.js';
import {priorityBadge, priorityLabel, statusBadge, statusLabel} from './badges.js';
import {CLIP, cellText} from './changes.js';
import {icon} from './icons.js';
/**
 * @typedef {import('../core/types.js').Item} Item
 * @typedef {import('./types.js').View} View
 * @typedef {import('./types.js').Actions} Actions
 */

/** Heights in rem, so that a reader's larger text has room; the same as in list.css. @type {Record<string, {wide: number, narrow: number, low: number}>} */
export const ROW_REM = {comfortable: {wide: 3, narrow: 7.5, low: 2.75}, compact: {wide: 2, narrow: 4.25, low: 2.25}};
const OVERSCAN = 5;

/**
 * @typedef {{first: number, last: number}} Range
 * @param {{top: number, height: number, rowHeight: number, count: number}} place top: how far the list's start is above the window's
 * @returns {Range} from `first` up to, not with, `last`
 */
export function rangeInSight({top, height, rowHeight, count}) {
  const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
  const last = Math.min(count, Math.ceil((top + height) / rowHeight) + OVERSCAN);
  return {first: Math.min(first, count), last: Math.max(last, Math.min(count, OVERSCAN))};
}

/** @param {View} view @param {Actions} actions */
export function list(view, actions) {
  const {items, range, rowHeight, t, current} = view;
  const shown = items.slice(range.first, range.last).map((item, index) => ({item, index: range.first + index}));
  const at = current === null ? -1 : items.findIndex((item) => item.id === current);
  // The row with the focus stays in the page, wherever one scrolls to: else the focus would be lost.
  if (at >= 0 && (at < range.first || at >= range.last)) shown.push({item: items[at], index: at});
  return html`<ul class=${`rows${shapeOf(view)}${view.glide ? ' glide' : ''}`} role="list" aria-label=${t('list')} data-hold
    .style=${`height:${items.length * rowHeight}px`}>
    ${repeat(shown, ({item}) => item.id, ({item, index}) => {
      const stop = at < 0 ? index === range.first : index === at;
      return html`<li class="row${rowState(item, view)}" data-row=${item.id} data-status=${item.status.index} aria-setsize=${items.length}
        aria-posinset=${index + 1} .style=${`transform:translateY(${index * rowHeight}px)`}>${
        guard([stop, ...seenOf(item, view)], () => card(item, stop, view, actions))}</li>`;
    })}
  </ul>`;
}

/** A status that is longer doesn't fit into the usual width. */
const LONG = 14;

/** What the list has no use for, and where it needs more room. @param {View} view */
const shapeOf = ({board: {role, statuses}, language}) => `${statuses.some(({label, value}) => pick(label, language, value).length > LONG) ? ' long-status' : ''}`
  + `${role.priority ? '' : ' no-priority'}${role.status ? '' : ' no-status'}${role.kind ? '' : ' no-kind'}${
  role.assignee ? '' : ' no-who'}${role.updated_at ? '' : ' no-time'}`;

/** A minute's quarter: so often relative times are written anew. */
export const TICK_MS = 15_000;

/** What a card says depends on these: as long as they are the same, it is not drawn again. @param {Item} item @param {View} view */
export const seenOf = (item, {flashes, now, language, board}) => [item, flashes.has(item.id), Math.floor(now / TICK_MS), language, board];

/** Classes that a row has in each view. @param {Item} item @param {View} view */
export function rowState(item, {flashes, browserNow, detail}) {
  const flash = flashes.get(item.id);
  const flashing = flash && flash.until > browserNow;
  return `${item.urgent ? ' is-urgent' : ''}${item.done ? ' is-done' : ''}${item.gone ? ' is-gone' : ''}${
    detail?.row === item.id ? ' is-open' : ''}${flashing ? ` flash flash-${flash.count % 2}` : ''}`;
}

/** @param {Item} item @param {boolean} stop one comes here by Tab @param {View} view @param {Actions} actions */
function card(item, stop, view, actions) {
  const {role} = view.board;
  return html`<div class="card">
    ${opener(item, stop, view, actions)}
    ${role.priority ? priorityBadge(item.priority, view, item.urgent) : nothing}
    ${role.status ? statusBadge(item.status, view) : nothing}
    <div class="what">${place(item, view)}${name(item, view)}<span class="comment">${about(item, view)}</span></div>
    ${role.kind ? html`<span class="kind"><bdi>${item.kind}</bdi></span>` : nothing}
    ${who(item, view)}
    ${time(item, view)}
  </div>`;
}

/** What a row is read by: its place, on a board that has places; else its name. @param {Item} item @param {View} view */
export const place = (item, {board, t}) => html`<span class="place">${!board.role.place ? html`<bdi>${item.title}</bdi>`
  : item.place ? html`<bdi>${item.place}</bdi>` : html`<span class="none">${t('place.none')}</span>`}</span>`;

/** @param {Item} item @param {View} view */
export const name = (item, view) => html`<span class="id">${view.board.role.place ? html`<bdi>${item.title}</bdi>` : nothing}${mark(item, view)}</span>`;

/** Who has it, on a board that tells. @param {Item} item @param {View} view */
export const who = (item, {board, t}) => (!board.role.assignee ? nothing
  : html`<span class="who">${icon('person')}${item.assignee ? html`<bdi>${item.assignee}</bdi>` : html`<span class="none">${t('assignee.none')}</span>`}</span>`);

/** Columns that no role speaks of are told by so many. */
const MOST_OTHERS = 4;

/** The comment; where no column is one, the board's own columns: a text speaks for itself, other values with their column's name. @param {Item} item @param {View} view */
export function about(item, view) {
  const {board, language, t, rowOf} = view;
  if (board.role.comment) return html`<bdi>${item.comment}</bdi>`;
  const fields = rowOf(item.id)?.fields ?? {};
  const told = board.others.map((column) => ({column, text: cellText(column, fields[column.id], view)})).filter(({text}) => text).slice(0, MOST_OTHERS);
  return told.map(({column, text}, index) => html`${index ? ' · ' : ''}${/^(Text|Choice|Any)/.test(column.type) ? nothing
    : html`<span class="term">${t('term', {what: pick(column.label, language, column.id)})}</span> `}<bdi>${text.slice(0, CLIP)}</bdi>`);
}

/** The whole card is one button. @param {Item} item @param {boolean} stop @param {View} view @param {Actions} actions */
export function opener(item, stop, view, actions) {
  const {t} = view;
  const {role} = view.board;
  const label = [item.title, role.place && (item.place || t('place.none')), role.priority && priorityLabel(item.priority, view),
    role.status && statusLabel(item.status, view), role.assignee && (item.assignee || t('assignee.none')), item.gone && t('gone'),
    item.updated !== null && t('updated.at', {time: view.clock.exact(item.updated)})].filter(Boolean).join(', ');
  return html`<button type="button" class="open" tabindex=${stop ? 0 : -1} aria-label=${label} aria-haspopup="dialog" data-open=${item.id}
    @click=${(/** @type {Event} */ event) => actions.openRow(item.id, event)} @focus=${() => actions.focusRow(item.id)}></button>`;
}

/** New to the reader, or gone. @param {Item} item @param {View} view */
export function mark(item, {flashes, t}) {
  if (item.gone) return html`<span class="new gone">${t('gone')}</span>`;
  return flashes.has(item.id) ? html`<span class="new">${t('new')}</span>` : nothing;
}

/** When it was last updated, on a board that tells. @param {Item} item @param {View} view */
export function time(item, {board, clock, now, t}) {
  const {updated} = item;
  if (!board.role.updated_at) return nothing;
  if (updated === null) return html`<span class="time none">${t('updated.none')}</span>`;
  const late = lateness(item, now);
  const title = clock.exact(updated) + (late ? ` · ${t(`late.${late}`)}` : '');
  return html`<time class="time" datetime=${clock.iso(updated)} title=${title} data-late=${late || nothing}>${
    late ? html`${icon('clock')}<span class="unseen">${t(`late.${late}`)}</span>` : nothing}${clock.relative(updated, now)}</time>`;
}
