// What is urgent stays in sight until somebody takes it.
import {html, nothing} from 'lit-html';
import {repeat} from 'lit-html/directives/repeat.js';
import {icon} from './icons.js';
import {takeButton} from './take-button.js';
import {inBoxes, mark} from './toasts.js';
/**
 * @typedef {import('../core/types.js').Item} Item
 * @typedef {import('./types.js').View} View
 * @typedef {import('./types.js').Actions} Actions
 */

/**
 * What is urgent, and where. Nobody has it, so nobody is named.
 * @param {Item} item @param {import('../core/i18n.js').Translate} t @param {(cell: string) => string} [cell]
 */
export const alertText = ({place, title}, t, cell = (text) => text) =>
  t('alert.cry', {what: place ? t('said.row', {what: cell(place), title: cell(title)}) : cell(title)});

/** @param {View} view @param {Actions} actions */
export function alerts(view, actions) {
  const {t, alerts: {shown, more}} = view;
  if (!shown.length && !more) return nothing;
  return html`<section class="alerts" aria-label=${t('alerts')}>
    ${more ? html`<button type="button" class="alert-more" data-action="alerts" data-alerts=${more} @click=${() => actions.openDoor('urgent')}>${icon('urgent')}${
      shown.length ? t('alerts.more', {n: more}) : t('alerts.open', {n: more})}</button>` : nothing}
    ${repeat(shown, (item) => item.id, (item) => alert(item, view, actions))}
  </section>`;
}

/** @param {Item} item @param {View} view @param {Actions} actions */
function alert(item, view, actions) {
  const {t} = view;
  return html`<article class="toast alert" data-toast="alert" data-toast-row=${item.id} data-urgent="true">
    ${icon('urgent')}
    <div><p class="toast-text">${inBoxes(alertText(item, t, mark))}</p>${item.comment ? html`<p class="toast-more"><bdi>${item.comment}</bdi></p>` : nothing}
      <div class="buttons">${takeButton(item, view, actions)}<button type="button" class="plain" data-action="show" @click=${(/** @type {Event} */ event) => actions.openRow(item.id, event)}>${t('alert.show')}</button></div></div>
    <button type="button" class="tool" data-action="dismiss" aria-label=${t('alert.dismiss')} title=${t('alert.dismiss')} @click=${() => actions.dismissAlert(item.id)}>${icon('close')}</button>
  </article>`;
}
