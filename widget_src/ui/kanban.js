// The rows as cards, in a column for each status. A column shows so many, and more when asked.
import {html, nothing} from 'lit-html';
import {guard} from 'lit-html/directives/guard.js';
import {repeat} from 'lit-html/directives/repeat.js';
import {UNKNOWN} from '../core/board.js';
import {priorityBadge, statusBadge, statusLabel} from './badges.js';
import {icon} from './icons.js';
import {about, name, opener, place, rowState, seenOf, time, who} from './list.js';
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
  const all = board.statuses.length ? board.statuses : board.found;
  /** By the status's index, after the one for what the board doesn't know. @type {Item[][]} */
  const byIndex = [-1, ...all.keys()].map(() => []);
  for (const item of items) (byIndex[1 + (held.size ? held.get(item.id) ?? item.status.index : item.status.index)] ?? byIndex[0]).push(item);
  const columns = [...all, UNKNOWN].map((status) => ({status, items: byIndex[1 + status.index]}))
    .filter(({status, items: some}) => some.length || shown.includes(status));
  return board.statuses.length ? columns : columns.sort((a, b) => order(a.status) - order(b.status) || a.status.value.localeCompare(b.status.value));
}

/** Values that were only met stand by the alphabet; none, and the others, at the end. @param {Status} status */
const order = ({index, value}) => (index < 0 ? 2 : value === '' ? 1 : 0);

/** @param {Status} status @param {Item[]} items @param {number | undefined} stop @param {View} view @param {Actions} actions */
function column(status, items, stop, view, actions) {
  const {t, number} = view;
  const cap = view.caps.get(status.index) ?? CAP;
  const shown = items.slice(0, cap);
  const at = view.current === null ? -1 : items.findIndex((item) => item.id === view.current);
  if (at >= cap) shown.push(items[at]);
  const label = status.index < 0 ? t('value.unknown') : statusLabel(status, view);
  return html`<div class="column" data-column=${status.index} data-status=${status.index} data-meaning=${status.meaning}>
    <h2>${icon(status.meaning)}<bdi>${label}</bdi><span class="number">${number.format(items.length)}</span></h2>
    ${shown.length ? nothing : html`<p class="hint">${t('column.empty')}</p>`}
    <ul class="cards" role="list" aria-label=${label} tabindex=${shown.length ? nothing : -1}
      data-more=${items.length > cap ? status.index : nothing}>
      ${repeat(shown, (item) => item.id, (item) => html`<li class="row${rowState(item, view)}" data-row=${item.id} data-status=${item.status.index}>${
        guard([status, item.id === stop, ...seenOf(item, view)], () => card(item, status, item.id === stop, view, actions))}</li>`)}
      ${items.length > cap ? html`<li><button type="button" class="plain more" data-action="more-cards" @click=${() => actions.showMore(status.index)}>${
        t('more', {n: Math.min(CAP, items.length - cap)})}</button></li>` : nothing}
    </ul>
  </div>`;
}

/** @param {Item} item @param {Status} column @param {boolean} stop @param {View} view @param {Actions} actions */
function card(item, column, stop, view, actions) {
  const {role} = view.board;
  const elsewhere = item.status.value !== column.value;
  const head = role.priority || elsewhere;
  return html`<div class="card">
    ${opener(item, stop, view, actions)}
    ${head ? html`<div class="line">${role.priority ? priorityBadge(item.priority, view, item.urgent) : nothing}${elsewhere ? statusBadge(item.status, view) : nothing}${time(item, view)}</div>` : nothing}
    ${place(item, view)}
    <span class="comment">${about(item, view)}</span>
    <div class="line foot">${who(item, view)}${name(item, view)}${head ? nothing : time(item, view)}</div>
  </div>`;
}
