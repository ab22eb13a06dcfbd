// The rows as cards, in a column for each status. A column shows so many, and more when asked.
import {html, nothing} from 'lit-html';
import {guard} from 'lit-html/directives/guard.js';
import {repeat} from 'lit-html/directives/repeat.js';
import {UNKNOWN} from '../core/board.js';
import {priorityBadge, statusBadge, statusLabel} from './badges.js';
import {icon} from './icons.js';
import {mark, opener, rowState, seenOf, time} from './list.js';
/**
 * @typedef {import('../core/types.js').Item} Item
 * @typedef {import('../core/types.js').Status} Status
 * @typedef {import('./types.js').View} View
 * @typedef {import('./types.js').Actions} Actions
 */

/** So many cards a column shows at first, and changes the timeline; as many more when the reader comes near the end of them. */
export const CAP = 12;

/** @param {View} view @param {Actions} actions */
export function kanban(view, actions) {
  const columns = columnsOf(view);
  const first = columns.find(({items}) => items.length)?.items[0].id;
  const stop = view.current !== null && view.items.some((item) => item.id === view.current) ? view.current : first;
  return html`<div class="kanban" data-hold>${columns.map(({status, items}) => column(status, items, stop, view, actions))}</div>`;
}

/**
 * A column for each status that the filters let through, and one for values that the board doesn't know.
 * @param {View} view
 * @returns {{status: Status, items: Item[]}[]}
 */
export function columnsOf({board, items, filters, columns: held}) {
  const wanted = filters.roles.status;
  const shown = board.statuses.filter((status) => (wanted ? wanted.includes(status.value) : filters.show === 'all' || status.meaning !== 'done'));
  /** By the status's index, after the one for what the board doesn't know. @type {Item[][]} */
  const byIndex = [-1, ...board.statuses.keys()].map(() => []);
  for (const item of items) (byIndex[1 + (held.size ? held.get(item.id) ?? item.status.index : item.status.index)] ?? byIndex[0]).push(item);
  return [...board.statuses, UNKNOWN].map((status) => ({status, items: byIndex[1 + status.index]}))
    .filter(({status, items: some}) => some.length || shown.includes(status));
}

/** @param {Status} status @param {Item[]} items @param {number | undefined} stop @param {View} view @param {Actions} actions */
function column(status, items, stop, view, actions) {
  const {t, number} = view;
  const cap = view.caps.get(status.index) ?? CAP;
  const shown = items.slice(0, cap);
  const at = items.findIndex((item) => item.id === view.current);
  if (at >= cap) shown.push(items[at]);
  const label = status.index < 0 ? t('value.unknown') : statusLabel(status, view);
  return html`<section class="column" data-column=${status.index} data-status=${status.index} data-meaning=${status.meaning} aria-label=${label}>
    <h2>${icon(status.meaning)}<bdi>${label}</bdi><span class="number">${number.format(items.length)}</span></h2>
    <ul class="cards" role="list" aria-label=${label} tabindex=${shown.length ? nothing : -1}
      data-more=${items.length > cap ? status.index : nothing}>
      ${repeat(shown, (item) => item.id, (item) => html`<li class="row${rowState(item, view)}" data-row=${item.id} data-status=${item.status.index}>${
        guard([status, item.id === stop, ...seenOf(item, view)], () => card(item, status, item.id === stop, view, actions))}</li>`)}
      ${items.length > cap ? html`<li><button type="button" class="plain more" data-action="more-cards" @click=${() => actions.showMore(status.index)}>${
        t('more', {n: Math.min(CAP, items.length - cap)})}</button></li>` : nothing}
    </ul>
    ${shown.length ? nothing : html`<p class="hint">${t('column.empty')}</p>`}
  </section>`;
}

/** @param {Item} item @param {Status} column @param {boolean} stop @param {View} view @param {Actions} actions */
function card(item, column, stop, view, actions) {
  return html`<div class="card">
    ${opener(item, stop, view, actions)}
    <div class="line">${priorityBadge(item.priority, view, item.urgent)}${item.status.index === column.index ? nothing : statusBadge(item.status, view)}${time(item, view)}</div>
    <p class="place">${item.place ? html`<bdi>${item.place}</bdi>` : html`<span class="none">${view.t('place.none')}</span>`}</p>
    <p class="comment"><bdi>${item.comment}</bdi></p>
    <div class="line foot"><p class="who">${icon('person')}${item.assignee ? html`<bdi>${item.assignee}</bdi>`
      : html`<span class="none">${view.t('assignee.none')}</span>`}</p><p class="id"><bdi>${item.title}</bdi>${mark(item, view)}</p></div>
  </div>`;
}
