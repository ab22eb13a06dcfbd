// Numbers are doors: each count shows what it counts. And the three filters that everybody knows.
import {html} from 'lit-html';
import {pick} from '../core/board.js';
import {DOORS} from '../core/select.js';
import {icon} from './icons.js';
/**
 * @typedef {import('./view.js').View} View
 * @typedef {import('./view.js').Actions} Actions
 * @typedef {import('../core/i18n.js').TextKey} TextKey
 * @typedef {keyof typeof DOORS} Door
 */

const ORDER = /** @type {const} */ (['urgent', 'total', 'waiting', 'active', 'blocked', 'done']);
const SEGMENTS = /** @type {const} */ (['open', 'all', 'urgent']);

/** @param {View} view @param {Actions} actions */
export function counts(view, actions) {
  return html`<div class="counts" role="group" aria-label=${view.t('counts')}>
    ${ORDER.map((door) => count(door, view, actions))}
  </div>`;
}

/** @param {Door} door @param {View} view @param {Actions} actions */
function count(door, view, actions) {
  const label = labelOf(door, view);
  const n = view.counts[door];
  const pressed = view.filter === DOORS[door];
  return html`<button type="button" class="count" data-count=${door} data-empty=${n === 0} aria-pressed=${pressed}
    title=${view.t('count.help', {label})} data-status=${statusOf(door, view)?.index ?? ''}
    @click=${() => actions.setFilter(pressed && door !== 'total' ? 'open' : DOORS[door])}>
    <span class="count-label">${icon(door)}${label}</span>
    <span class="count-n">${view.loaded ? view.number.format(n) : html`<span class="bone"></span>`}</span>
  </button>`;
}

/** The board's own word where one status has this meaning. @param {Door} door @param {View} view */
function labelOf(door, view) {
  const status = statusOf(door, view);
  return status ? pick(status.label, view.language, status.value) : view.t(/** @type {TextKey} */ (`count.${door}`));
}

/** @param {Door} door @param {View} view */
function statusOf(door, {board}) {
  const meant = board.statuses.filter((status) => status.meaning === door);
  return meant.length === 1 ? meant[0] : undefined;
}

/** @param {View} view @param {Actions} actions */
export function filters(view, actions) {
  const {t, filter, items, counts: all} = view;
  return html`<div class="filters">
    <div class="segments" role="group" aria-label=${t('filters')}>
      ${SEGMENTS.map((one) => html`<button type="button" data-filter=${one} aria-pressed=${filter === one}
        @click=${() => actions.setFilter(one)}>${t(/** @type {TextKey} */ (`filter.${one}`))}</button>`)}
    </div>
    <p class="shown" data-shown=${items.length}>${view.loaded ? t('rows.shown', {n: items.length, total: view.number.format(all.total)}) : ''}</p>
  </div>`;
}
