// Numbers are doors: each count shows what it counts, and how it went over 24 hours.
import {html, nothing, svg} from 'lit-html';
import {guard} from 'lit-html/directives/guard.js';
import {pick} from '../core/board.js';
import {DOORS, doorsOf} from '../core/select.js';
import {sparkline} from '../core/trends.js';
import {icon} from './icons.js';
/**
 * @typedef {import('./types.js').View} View
 * @typedef {import('./types.js').Actions} Actions
 * @typedef {import('../core/i18n.js').TextKey} TextKey
 * @typedef {import('../core/select.js').Door} Door
 */

const DAY_MS = 86_400_000;
/** The curves move on. */
const TICK_MS = 60_000;
const BOX = {width: 60, height: 20};

/** @param {View} view @param {Actions} actions */
export const counts = (view, actions) => guard([view.board, view.t, view.loaded, view.filters, view.narrowed, view.trends,
  Math.floor(view.now / TICK_MS), ...DOORS.map((door) => view.counts[door])], () => doors(view, actions));

/** @param {View} view @param {Actions} actions */
function doors(view, actions) {
  return html`<div class="counts" role="group" aria-label=${view.t('counts')}>
    ${doorsOf(view.board).map((door) => count(door, view, actions))}
  </div>`;
}

/** @param {Door} door @param {View} view @param {Actions} actions */
function count(door, view, actions) {
  const label = labelOf(door, view);
  const n = view.counts[door];
  return html`<button type="button" class="count" data-count=${door} data-empty=${n === 0} aria-pressed=${isOpen(door, view)}
    title=${view.t('count.help', {label})} data-status=${statusOf(door, view)?.index ?? ''}
    @click=${() => actions.openDoor(door)}>
    <span class="count-label">${icon(door)}<bdi>${label}</bdi></span>
    <span class="count-n">${view.loaded ? view.number.format(n) : html`<span class="bone"></span>`}</span>
    ${spark(door, view)}
  </button>`;
}

/** Is what this door shows, and nothing else, on show? @param {Door} door @param {Pick<View, 'filters' | 'board'>} view */
export function isOpen(door, {filters, board}) {
  const {show, roles: {status = []}} = filters;
  if (door === 'urgent') return show === 'urgent' && !status.length;
  if (door === 'total') return (show === 'all' || (show === 'open' && !board.meanings.has('done'))) && !status.length;
  const meant = board.statuses.filter((one) => one.meaning === door).map((one) => one.value);
  return show === 'all' && meant.length > 0 && meant.length === status.length && meant.every((value) => status.includes(value));
}

/** The whole board's last 24 hours; with other filters on they would tell of other rows. @param {Door} door @param {View} view */
function spark(door, {trends, counts: all, narrowed, now, t}) {
  const points = trends[door];
  if (!points || narrowed) return nothing;
  const path = sparkline([...points, {at: now, n: all[door]}], {from: now - DAY_MS, to: now, ...BOX});
  return path ? html`<svg class="spark" viewBox="0 0 ${BOX.width} ${BOX.height}" preserveAspectRatio="none" aria-hidden="true">
    <title>${t('count.trend')}</title>${svg`<path d=${path} vector-effect="non-scaling-stroke"/>`}</svg>` : nothing;
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
