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
 * What is urgent, and where, in one sentence. Nobody has it, so nobody is named.
 * @param {Item} item @param {import('../core/i18n.js').Translate} t
 */
export const alertText = ({place, title}, t) => t('alert.cry', {what: place ? t('said.row', {what: place, title}) : title});

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
  const {place, title} = item;
  const more = [place && title, item.comment].filter(Boolean);
  return html`<article class="toast alert" data-toast="alert" data-toast-row=${item.id} data-urgent="true">
    ${icon('urgent')}
    <div><p class="toast-text">${inBoxes(t('alert.cry', {what: mark(place || title)}))}</p>${
        more.length ? html`<p class="toast-more">${more.map((text, index) => html`${index ? ' · ' : nothing}<bdi>${text}</bdi>`)}</p>` : nothing}
      <div class="buttons">${takeButton(item, view, actions)}<button type="button" class="plain" data-action="show" @click=${(/** @type {Event} */ event) => actions.openRow(item.id, event)}>${t('alert.show')}</button></div></div>
    <button type="button" class="tool" data-action="dismiss" aria-label=${t('alert.dismiss')} title=${t('alert.dismiss')} @click=${() => actions.dismissAlert(item.id)}>${icon('close')}</button>
  </article>`;
}
