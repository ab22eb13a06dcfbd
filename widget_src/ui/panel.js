// The settings: the live link's address and token, language, theme. Also what an unconfigured page shows first.
import {html, nothing} from 'lit-html';
import {live} from 'lit-html/directives/live.js';
import {pick} from '../core/board.js';
import {icon} from './icons.js';
import {incompleteText, isIncomplete, linkHelp, linkText, refusal, viewers} from './top.js';
/**
 * @typedef {import('./types.js').View} View
 * @typedef {import('./types.js').Actions} Actions
 * @typedef {import('../core/i18n.js').TextKey} TextKey
 */

const LANGUAGES = {fr: 'Français', en: 'English'};
const DENSITIES = /** @type {const} */ (['comfortable', 'compact']);
const THEMES = /** @type {const} */ (['auto', 'light', 'dark']);

/** @param {View} view @param {Actions} actions */
export function panel(view, actions) {
  const {t} = view;
  return html`<section class="panel" role="dialog" aria-label=${t('menu')} @keydown=${actions.panelKey}>
    <div class="panel-head"><h2>${t('menu')}</h2>
      <button type="button" class="tool" data-action="close" aria-label=${t('close')} title=${t('close')}
        @click=${() => actions.togglePanel('settings')}>${icon('close')}</button></div>
    <h3>${t('menu.display')}</h3>
    ${choice('language', t('menu.language'), Object.entries(LANGUAGES), view.language, actions.setLanguage)}
    ${view.hostKind === 'grist' ? html`<p class="hint">${t('theme.grist')}</p>`
      : choice('theme', t('menu.theme'), THEMES.map((theme) => [theme, t(/** @type {TextKey} */ (`theme.${theme}`))]), view.theme, actions.setTheme)}
    ${choice('density', t('menu.density'), DENSITIES.map((one) => [one, t(`density.${one}`)]), view.density, actions.setDensity)}
    ${alertsOf(view, actions)}
    <h3>${t('link.title')}</h3>
    ${linkState(view)}
    ${linkForm(view, actions)}
    <p><button type="button" class="link-button" data-action="keys" @click=${() => actions.togglePanel('keys')}>${icon('keyboard')}${t('keys')}</button></p>
  </section>`;
}

/** What the pill and the words beside it say, for who has no room for them, or no pointer. @param {View} view */
function linkState(view) {
  const {link, t} = view;
  return html`<div class="link-state"><p><strong>${linkText(view)}</strong> ${viewers(view)}</p>
    ${link.kind === 'refused' ? nothing : html`<p class="hint">${linkHelp(view)}</p>`}
    ${isIncomplete(view) ? html`<p class="hint">${incompleteText(view)}. ${t('incomplete.help')}</p>` : nothing}</div>`;
}

/** Which priorities may sound, and whether the desktop may tell. @param {View} view @param {Actions} actions */
function alertsOf({t, board, language, sound, notices}, actions) {
  return html`<h3>${t('menu.alerts')}</h3>
    ${board.priorities.length ? html`<fieldset class="sounds"><legend>${t('sound.for')}</legend>${board.priorities.map(({value, label}) => html`<label class="check"><input type="checkbox"
      data-sound=${value} .checked=${live(!sound.muted.has(value))} ?disabled=${!sound.on} @change=${() => actions.togglePriority(value)}><bdi>${pick(label, language, value)}</bdi></label>`)}</fieldset>
      ${sound.on ? nothing : html`<p class="hint">${t('sound.offHint')}</p>`}` : nothing}
    ${notices === 'none' ? html`<p class="hint">${t('notices.none')}</p>` : html`<label class="check"><input type="checkbox" data-action="notices" .checked=${live(notices === 'on')}
      ?disabled=${notices === 'denied'} @change=${actions.toggleNotices}>${t('notices')}</label>${notices === 'denied' ? html`<p class="hint">${t('notices.denied')}</p>` : nothing}`}`;
}

/**
 * @param {string} name @param {string} label @param {(readonly [string, string])[]} choices
 * @param {string} chosen @param {(value: string) => void} choose
 */
function choice(name, label, choices, chosen, choose) {
  return html`<div class="choice"><span id="choice-${name}">${label}</span>
    <div class="segments" role="group" aria-labelledby="choice-${name}">${choices.map(([value, text]) => html`<button type="button"
      data-choice="${name}:${value}" lang=${name === 'language' ? value : nothing} aria-pressed=${value === chosen}
      @click=${() => choose(value)}>${text}</button>`)}</div></div>`;
}

/** What a page shows that knows no server and no rows. @param {View} view @param {Actions} actions */
export function setup(view, actions) {
  return html`<section class="setup">
    <h2>${view.t('link.title')}</h2>${view.form.addressFixed ? nothing : html`<p>${view.t('link.intro')}</p>`}${linkForm(view, actions)}
  </section>`;
}

/** The fields are set when what they hold has changed elsewhere, never while somebody types. @param {View} view @param {Actions} actions */
function linkForm(view, actions) {
  const {t, form} = view;
  return html`<form class="link-form" novalidate @submit=${actions.connect}>
    ${form.addressFixed ? nothing : html`<label for="address">${t('link.address')}</label>
      <input id="address" name="address" type="url" inputmode="url" autocomplete="url" spellcheck="false" dir="ltr"
        .value=${form.address} aria-describedby="address-hint" aria-invalid=${form.error !== ''}>
      <p class="hint" id="address-hint">${t('link.address.hint')}</p>`}
    <label for="token">${t('link.token')}</label>
    <input id="token" name="token" type="password" autocomplete="off" spellcheck="false" dir="ltr" .value=${form.token}
      aria-describedby="token-hint">
    <p class="hint" id="token-hint">${t('link.token.hint')}</p>
    ${form.error ? html`<p class="error" role="alert">${icon('warning')}${t(/** @type {TextKey} */ (form.error))}</p>` : nothing}
    ${view.link.kind === 'refused' ? html`<p class="error">${icon('warning')}${refusal(view.link.status, t)}</p>` : nothing}
    <div class="buttons"><button type="submit" class="primary">${t('link.connect')}</button>
      ${form.stored ? html`<button type="button" class="plain" data-action="forget" @click=${actions.forget}>${t('link.forget')}</button>` : nothing}</div>
  </form>`;
}
