// Status and priority: shape, word and colour; never colour alone.
import {html} from 'lit-html';
import {pick} from '../core/board.js';
import {icon} from './icons.js';
/**
 * @typedef {import('../core/types.js').Status} Status
 * @typedef {import('../core/types.js').Priority} Priority
 * @typedef {import('../core/i18n.js').Translate} Translate
 * @typedef {{language: string, t: Translate}} Speech
 */

/** @param {Status} status @param {Speech} speech */
export const statusLabel = (status, {language, t}) => pick(status.label, language, status.value || t('value.none'));

/** @param {Status} status @param {Speech} speech */
export function statusBadge(status, speech) {
  const label = statusLabel(status, speech);
  return html`<span class="badge status" data-status=${status.index} data-meaning=${status.meaning}
    title=${speech.t('status.is', {value: label})}>${icon(status.meaning)}<bdi>${label}</bdi></span>`;
}

const LEVELS = /** @type {const} */ (['level0', 'level1', 'level2', 'urgent']);

/** @param {Priority} priority @param {Speech} speech */
export const priorityLabel = (priority, {language, t}) => pick(priority.label, language, priority.value || t('value.none'));

/** @param {Priority} priority @param {Speech} speech @param {boolean} urgent still urgent, that is: not done */
export function priorityBadge(priority, speech, urgent) {
  const label = priorityLabel(priority, speech);
  return html`<span class=${urgent ? 'badge priority urgent' : 'badge priority'} data-priority=${priority.index}
    data-level=${priority.level} title=${speech.t('priority.is', {value: label})}
    >${icon(LEVELS[priority.level] ?? 'unknown')}<bdi>${label}</bdi></span>`;
}
