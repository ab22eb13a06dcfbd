// Toasts repeat what the list shows and what the live region says, so they are nothing to a screen reader.
import {html, nothing} from 'lit-html';
import {repeat} from 'lit-html/directives/repeat.js';
import {pick} from '../core/board.js';
import {statusLabel} from './badges.js';
import {icon} from './icons.js';
/**
 * @typedef {import('./types.js').View} View
 * @typedef {import('../core/attention.js').Toast} Toast
 */

/** @param {View} view */
export function toasts(view) {
  return html`<div class="toasts" aria-hidden="true">${repeat(view.toasts, (toast) => toast.key, (toast) => one(toast, view))}</div>`;
}

/** @param {Toast} toast @param {View} view */
function one(toast, view) {
  const item = toast.news?.item;
  const what = toast.news && changedColumns(toast, view);
  return html`<div class="toast" data-toast=${toast.kind} data-toast-row=${toast.news?.row ?? nothing}
    data-status=${item?.status.index ?? nothing} data-urgent=${item?.urgent ?? false}>
    ${icon(toastIcon(toast))}
    <div><p class="toast-text">${toast.kind === 'test' ? html`<span class="tag">${view.t('toast.testTag')}</span> ` : nothing}${
      isolated(toast, view)}</p>
    ${item ? html`<p class="toast-more"><bdi>${item.title}</bdi>${what ? ` · ${what}` : nothing}</p>` : nothing}</div>
  </div>`;
}

/** @type {Partial<Record<Toast['kind'], import('./icons.js').IconName>>} */
const ICONS = {test: 'test', remove: 'close', many: 'total', caughtUp: 'retry', taken: 'take', note: 'calm'};

/** @param {Toast} toast @returns {import('./icons.js').IconName} */
function toastIcon({kind, news}) {
  return ICONS[kind] ?? (news?.item?.urgent ? 'urgent' : news?.item?.status.meaning ?? 'total');
}

/**
 * The toast's sentence, for the live region.
 * @param {Toast} toast @param {View} view
 */
export function toastText(toast, view) {
  const what = sentence(toast, view, (cell) => cell);
  return toast.news?.item ? view.t('said.row', {what, title: toast.news.item.title}) : what;
}

/**
 * The same, each cell in a box of its own: a right-to-left mark in one must not turn the others around.
 * @param {Toast} toast @param {View} view
 */
const isolated = (toast, view) => inBoxes(sentence(toast, view, mark));

/** @param {string} cell */
export const mark = (cell) => `\0${cell.replaceAll('\0', '')}\0`;

/** What `mark` has marked gets a box of its own. @param {string} text */
export function inBoxes(text) {
  const parts = text.split('\0');
  return parts.map((part, index) => (index % 2 ? html`<bdi>${part}</bdi>` : part));
}

/** @param {Toast} toast @param {View} view @param {(cell: string) => string} mark */
function sentence({kind, n = 0, text = '', news}, view, mark) {
  const {t} = view;
  if (kind === 'many') return t('toast.many', {n});
  if (kind === 'caughtUp') return t('caughtUp', {n});
  if (kind === 'test') return t('toast.test', {what: mark(text)});
  if (kind === 'note') return t(/** @type {import('../core/i18n.js').TextKey} */ (text), {n});
  if (!news?.item) return '';
  return itemSentence(kind === 'remove' ? 'toast.remove' : kind === 'taken' ? 'toast.taken' : 'toast.change', news.item, view, mark);
}

/**
 * @param {'toast.remove' | 'toast.taken' | 'toast.change'} key @param {import('../core/types.js').Item} item @param {View} view
 * @param {(cell: string) => string} mark
 */
function itemSentence(key, {assignee, place, status}, view, mark) {
  const {t} = view;
  return t(key, {who: mark(assignee || t('assignee.none')), place: mark(place || t('place.none')), status: mark(statusLabel(status, view))});
}

/** @param {Toast} toast @param {View} view */
function changedColumns(toast, {board, language}) {
  if (toast.news?.action !== 'update') return '';
  return board.columns.filter((c) => toast.news?.columns.includes(c.id)).map((c) => pick(c.label, language, c.id)).slice(0, 4).join(', ');
}
