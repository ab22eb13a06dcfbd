// The list: only the rows in sight, at fixed heights.
import {html, nothing} from 'lit-html';
import {repeat} from 'lit-html/directives/repeat.js';
import {priorityBadge, statusBadge} from './badges.js';
import {icon} from './icons.js';
/**
 * @typedef {import('../core/types.js').Item} Item
 * @typedef {import('./view.js').View} View
 */

/** Heights in rem, so that a reader's larger text has room; the same as in list.css. */
export const ROW_REM = {wide: 3.5, narrow: 7.75};
const OVERSCAN = 8;

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

/** @param {View} view */
export function list(view) {
  const {items, range, rowHeight, t} = view;
  const shown = items.slice(range.first, range.last);
  return html`<ul class=${view.glide ? 'rows glide' : 'rows'} role="list" aria-label=${t('list')}
    .style=${`height:${items.length * rowHeight}px`}>
    ${repeat(shown, (item) => item.id, (item, index) => row(item, range.first + index, view))}
  </ul>`;
}

/** @param {Item} item @param {number} index @param {View} view */
function row(item, index, view) {
  const flash = view.flashes.get(item.id);
  const flashing = flash && flash.until > view.browserNow;
  const classes = `row${item.urgent ? ' is-urgent' : ''}${item.done ? ' is-done' : ''}${
    flashing ? ` flash flash-${flash.count % 2}` : ''}`;
  return html`<li class=${classes} data-row=${item.id} data-status=${item.status.index} aria-setsize=${view.items.length}
    aria-posinset=${index + 1} .style=${`transform:translateY(${index * view.rowHeight}px)`}>
    <div class="card">
      ${priorityBadge(item.priority, view, item.urgent)}
      ${statusBadge(item.status, view)}
      <div class="what">
        <p class="place">${item.place ? html`<bdi>${item.place}</bdi>` : html`<span class="none">${view.t('place.none')}</span>`}</p>
        <p class="id"><bdi>${item.title}</bdi>${flash ? html`<span class="new">${view.t('new')}</span>` : nothing}</p>
        <p class="comment"><bdi>${item.comment}</bdi></p>
      </div>
      <p class="kind"><bdi>${item.kind}</bdi></p>
      <p class="who">${icon('person')}${item.assignee ? html`<bdi>${item.assignee}</bdi>`
        : html`<span class="none">${view.t('assignee.none')}</span>`}</p>
      ${time(item.updated, view)}
    </div>
  </li>`;
}

/** @param {number | null} updated @param {View} view */
function time(updated, {clock, now, t}) {
  if (updated === null) return html`<span class="time none">${t('updated.none')}</span>`;
  return html`<time class="time" datetime=${clock.iso(updated)} title=${clock.exact(updated)}>${clock.relative(updated, now)}</time>`;
}
