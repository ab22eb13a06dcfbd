// The list: only the rows in sight, at fixed heights.
import {html, nothing} from 'lit-html';
import {guard} from 'lit-html/directives/guard.js';
import {repeat} from 'lit-html/directives/repeat.js';
import {lateness} from '../core/items.js';
import {priorityBadge, priorityLabel, statusBadge, statusLabel} from './badges.js';
import {icon} from './icons.js';
/**
 * @typedef {import('../core/types.js').Item} Item
 * @typedef {import('./types.js').View} View
 * @typedef {import('./types.js').Actions} Actions
 */

/** Heights in rem, so that a reader's larger text has room; the same as in list.css. @type {Record<string, {wide: number, narrow: number}>} */
export const ROW_REM = {comfortable: {wide: 3, narrow: 7.5}, compact: {wide: 2, narrow: 4.25}};
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
  return html`<ul class=${view.glide ? 'rows glide' : 'rows'} role="list" aria-label=${t('list')} data-hold
    .style=${`height:${items.length * rowHeight}px`}>
    ${repeat(shown, ({item}) => item.id, ({item, index}) => {
      const stop = at < 0 ? index === range.first : index === at;
      return html`<li class="row${rowState(item, view)}" data-row=${item.id} data-status=${item.status.index} aria-setsize=${items.length}
        aria-posinset=${index + 1} .style=${`transform:translateY(${index * rowHeight}px)`}>${
        guard([stop, ...seenOf(item, view)], () => card(item, stop, view, actions))}</li>`;
    })}
  </ul>`;
}

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
  return html`<div class="card">
    ${opener(item, stop, view, actions)}
    ${priorityBadge(item.priority, view, item.urgent)}
    ${statusBadge(item.status, view)}
    <div class="what">
      <p class="place">${item.place ? html`<bdi>${item.place}</bdi>` : html`<span class="none">${view.t('place.none')}</span>`}</p>
      <p class="id"><bdi>${item.title}</bdi>${mark(item, view)}</p>
      <p class="comment"><bdi>${item.comment}</bdi></p>
    </div>
    <p class="kind"><bdi>${item.kind}</bdi></p>
    <p class="who">${icon('person')}${item.assignee ? html`<bdi>${item.assignee}</bdi>`
      : html`<span class="none">${view.t('assignee.none')}</span>`}</p>
    ${time(item, view)}
  </div>`;
}

/** The whole card is one button. @param {Item} item @param {boolean} stop @param {View} view @param {Actions} actions */
export function opener(item, stop, view, actions) {
  const {t} = view;
  const label = [item.title, item.place || t('place.none'), priorityLabel(item.priority, view), statusLabel(item.status, view),
    item.assignee || t('assignee.none'), ...(item.gone ? [t('gone')] : [])].join(', ');
  return html`<button type="button" class="open" tabindex=${stop ? 0 : -1} aria-label=${label} aria-haspopup="dialog" data-open=${item.id}
    @click=${(/** @type {Event} */ event) => actions.openRow(item.id, event)} @focus=${() => actions.focusRow(item.id)}></button>`;
}

/** New to the reader, or gone. @param {Item} item @param {View} view */
export function mark(item, {flashes, t}) {
  if (item.gone) return html`<span class="new gone">${t('gone')}</span>`;
  return flashes.has(item.id) ? html`<span class="new">${t('new')}</span>` : nothing;
}

/** @param {Item} item @param {View} view */
export function time(item, {clock, now, t}) {
  const {updated} = item;
  if (updated === null) return html`<span class="time none">${t('updated.none')}</span>`;
  const late = lateness(item, now);
  const title = clock.exact(updated) + (late ? ` · ${t(`late.${late}`)}` : '');
  return html`<time class="time" datetime=${clock.iso(updated)} title=${title} data-late=${late || nothing}>${
    late ? html`${icon('clock')}<span class="unseen">${t(`late.${late}`)}</span>` : nothing}${clock.relative(updated, now)}</time>`;
}
