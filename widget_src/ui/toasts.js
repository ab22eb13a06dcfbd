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
  const title = view.board.role.place ? item?.title : ''; // else it is in the sentence
  const what = toast.news ? changedColumns(toast, view) : '';
  return html`<div class="toast" data-toast=${toast.kind} data-toast-row=${toast.news?.row ?? nothing}
    data-status=${item?.status.index ?? nothing} data-urgent=${item?.urgent ?? false}>
    ${icon(toastIcon(toast))}
    <div><p class="toast-text">${toast.kind === 'test' ? html`<span class="tag">${view.t('toast.testTag')}</span> ` : nothing}${
      isolated(toast, view)}</p>
    ${title || what ? html`<p class="toast-more"><bdi>${title}</bdi>${title && what ? ' · ' : nothing}${what}</p>` : nothing}</div>
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
  return toast.news?.item && view.board.role.place ? view.t('said.row', {what, title: toast.news.item.title}) : what;
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
  return itemSentence(kind, news.item, view, mark);
}

/**
 * Who, where, and what it is now, as far as the board tells.
 * @param {Toast['kind']} kind @param {import('../core/types.js').Item} item @param {View} view @param {(cell: string) => string} mark
 */
function itemSentence(kind, {assignee, place, status, title}, view, mark) {
  const {t, board: {role}} = view;
  const who = mark(assignee || t('assignee.none'));
  const row = mark(!role.place ? title : place || t('place.none'));
  const what = role.assignee && kind !== 'taken' ? t('toast.of', {who, what: row}) : row;
  if (kind === 'remove') return t('toast.remove', {what});
  const change = role.status ? t('toast.change', {what, status: mark(statusLabel(status, view))}) : what;
  return kind === 'taken' ? t('toast.taken', {who, what: change}) : change;
}

/** @param {Toast} toast @param {View} view */
function changedColumns(toast, {board, language}) {
  if (toast.news?.action !== 'update') return '';
  return board.columns.filter((c) => toast.news?.columns.includes(c.id)).map((c) => pick(c.label, language, c.id)).slice(0, 4).join(', ');
}
