// "Take charge": one press, and a name the first time.
import {html, nothing} from 'lit-html';
import {isFree} from '../core/take.js';
import {peopleList} from './filter-panel.js';
import {icon} from './icons.js';
/**
 * @typedef {import('../core/types.js').Item} Item
 * @typedef {import('./types.js').View} View
 * @typedef {import('./types.js').Actions} Actions
 * @typedef {import('../core/i18n.js').TextKey} TextKey
 */

/** @param {Item} item @param {View} view @param {Actions} actions */
export function takeButton(item, view, actions) {
  const {t, taking, canTake} = view;
  const mine = taking?.row === item.id ? taking : null;
  const refused = mine?.step === 'refused' ? html`<p class="error" role="alert">${icon('warning')}<span>${
    t(/** @type {TextKey} */ (mine.problem), {by: mine.by})}</span></p>` : nothing;
  if (!canTake || !isFree(item)) return refused; // who was too late is told so, though the row has changed meanwhile
  if (mine?.step === 'ask') {
    return html`<form class="take-form" @submit=${(/** @type {SubmitEvent} */ event) => actions.takeAs(event, item.id)}>
      <label>${t('take.name')} <input name="by" type="text" required maxlength="100" list="people" autocomplete="name"></label>${peopleList(view.people)}
      <button type="submit" class="primary">${t('take')}</button>
      <button type="button" class="plain" @click=${actions.cancelTake}>${t('cancel')}</button></form>`;
  }
  return html`<button type="button" class="primary" data-action="take" ?disabled=${mine?.step === 'busy'} aria-busy=${mine?.step === 'busy'}
      @click=${() => actions.take(item.id)}>${icon('take')}${t('take')}</button>${refused}`;
}
