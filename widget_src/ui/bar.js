// Under the counts: how to look (views), at what (state, filters), and what waits.
import {html, nothing} from 'lit-html';
import {guard} from 'lit-html/directives/guard.js';
import {pick} from '../core/board.js';
import {FILTER_ROLES} from '../core/filters.js';
import {viewsOf} from '../core/page-address.js';
import {freezeButton} from './freeze-button.js';
import {icon} from './icons.js';
/**
 * @typedef {import('./types.js').View} View
 * @typedef {import('./types.js').Actions} Actions
 * @typedef {import('../core/i18n.js').TextKey} TextKey
 * @typedef {import('../core/filters.js').FilterRole} FilterRole
 */

const SEGMENTS = /** @type {const} */ (['open', 'all', 'urgent']);

/** Those that make a difference on this board; the timeline tells of what is done, too. @param {View} view */
const segmentsOf = ({board, filters, view}) => SEGMENTS.filter((one) => one === 'all' || (one === 'open' ? view !== 'timeline' && (!board.columns.length || board.meanings.has('done'))
  : board.canBeUrgent || filters.show === one));

/** @param {View} view @param {Actions} actions */
export const bar = (view, actions) => guard([view.board, view.t, view.view, view.filters, view.filterCount, view.panel, view.loaded, view.narrow,
  view.waiting, view.arrived, view.frozen, view.unread, view.items.length, view.total], () => line(view, actions));

/**
 * The handlers hold nothing of the view but what they need: they live until the bar is drawn again, and all rows are in it.
 * @param {View} view @param {Actions} actions
 */
function line(view, actions) {
  const {t, filters, filterCount, view: here} = view;
  const {status} = filters.roles;
  const segments = segmentsOf(view);
  const show = segments.includes(filters.show) ? filters.show : 'all';
  return html`<div class="bar">
    <nav class="segments views" aria-label=${t('views')}>
      ${viewsOf(view.board).map((one) => html`<button type="button" data-view=${one} aria-current=${here === one ? 'page' : 'false'}
        @click=${() => actions.setView(one)}>${icon(one)}<span>${t(`view.${one}`)}</span></button>`)}
    </nav>
    ${view.narrow && view.loaded ? freezeButton(view, actions) : nothing}
    ${segments.length > 1 ? html`<div class="segments" role="group" aria-label=${t('filters')}>
      ${segments.map((one) => html`<button type="button" data-filter=${one} aria-pressed=${show === one && !status}
        @click=${() => actions.setShow(one === 'all' && here === 'timeline' ? 'open' : one)}>${t(`filter.${one}`)}</button>`)}
    </div>` : nothing}
    <button type="button" class="plain filter-button" data-action="filters" aria-expanded=${view.panel === 'filters'}
      @click=${() => actions.togglePanel('filters')}>${icon('filter')}<span>${t('filters.more')}</span>${
      filterCount ? html`<span class="number">${filterCount}</span>` : nothing}</button>
    ${chips(view, actions)}
    <span class="space"></span>
    ${waiting(view, actions)}
    ${view.unread ? html`<button type="button" class="link-button" data-action="unread" title=${t('unread.help')}
      @click=${actions.nextUnread}>${t('unread', {n: view.unread})}</button>` : nothing}
    ${shown(view)}
  </div>`;
}

/** How many rows are on show; the timeline's changes are no rows. @param {View} view */
function shown({view, items, loaded, narrow, number, total, t}) {
  if (view === 'timeline') return nothing;
  const text = t('rows.shown', {n: items.length, total: number.format(total)});
  return html`<p class="shown" data-shown=${items.length} title=${text}>${!loaded ? '' : narrow
    ? html`<span aria-hidden="true">${number.format(items.length)} / ${number.format(total)}</span><span class="unseen">${text}</span>` : text}</p>`;
}

/** @param {View} view @param {Actions} actions */
function waiting({waiting: n, arrived, frozen, t}, actions) {
  if (!n && !frozen) return nothing;
  return html`<button type="button" class="waiting" data-action="release" data-waiting=${n} title=${t('waiting.help')} ?disabled=${!n}
    @click=${actions.release}>${icon(n ? 'up' : 'freeze')}${n ? t(arrived === n ? 'waiting' : 'waiting.changes', {n}) : t('frozen')}</button>`;
}

/** What narrows the rows, each with its way out. @param {View} view @param {Actions} actions */
function chips(view, actions) {
  const {filters, t} = view;
  const all = [...chosen(view).map(({role, value, label}) => chip(label, () => actions.toggleValue(role, value), t, role)),
    filters.mine ? chip(t('filter.mine'), actions.toggleMine, t, 'mine') : nothing,
    filters.q.trim() ? chip(`“${filters.q.trim()}”`, () => actions.search(''), t, 'q') : nothing].filter((one) => one !== nothing);
  return all.length ? html`<ul class="chips" role="list" aria-label=${t('filters.active')}>${all}</ul>` : nothing;
}

/** @param {View} view */
const chosen = (view) => FILTER_ROLES.flatMap((role) => (view.filters.roles[role] ?? []).map((value) => ({role, value, label: valueLabel(role, value, view)})));

/** @param {string} text @param {() => void} remove @param {View['t']} t @param {string} what */
function chip(text, remove, t, what) {
  return html`<li><button type="button" class="chip" data-chip=${what} title=${t('filter.remove', {what: text})}
    aria-label=${t('filter.remove', {what: text})} @click=${remove}><bdi>${text}</bdi>${icon('close')}</button></li>`;
}

/** A filter's value as the reader knows it. @param {FilterRole} role @param {string} value @param {View} view */
export function valueLabel(role, value, {board, language, t}) {
  if (value === '') return t(role === 'assignee' ? 'assignee.none' : role === 'place' ? 'place.none' : 'value.none');
  if (role === 'status') return pick(board.statusOf(value).label, language, value);
  if (role === 'priority') return pick(board.priorityOf(value).label, language, value);
  return role === 'department' && board.department === 'derived' ? `≈ ${value}` : value;
}
