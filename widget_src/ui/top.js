// The top bar: what this is, whether it is live, who else looks, sound, settings.
import {html, nothing} from 'lit-html';
import {pick} from '../core/board.js';
import {icon} from './icons.js';
/**
 * @typedef {import('./view.js').View} View
 * @typedef {import('./view.js').Actions} Actions
 * @typedef {import('../core/i18n.js').TextKey} TextKey
 */

/** @param {View} view @param {Actions} actions */
export function topBar(view, actions) {
  const {t, sound} = view;
  const soundLabel = t(!sound.on ? 'sound.off' : sound.waiting ? 'sound.waiting' : 'sound.on');
  return html`<div class="top">
    <h1><bdi>${pick(view.board.title, view.language)}</bdi></h1>
    ${pill(view, actions)} ${viewers(view)} ${incomplete(view)}
    <span class="space"></span>
    <button type="button" class="tool" data-action="sound" aria-pressed=${sound.on} aria-label=${soundLabel} title=${soundLabel}
      @click=${actions.toggleSound}>${icon(sound.on ? 'sound' : 'mute')}</button>
    <button type="button" class="tool" data-action="settings" aria-expanded=${view.panelOpen} aria-label=${t('menu')} title=${t('menu')}
      @click=${actions.togglePanel}>${icon('menu')}</button>
  </div>`;
}

/**
 * The link is always told. Where a click helps, the pill is a button.
 * @param {View} view @param {Actions} actions
 */
function pill({link, t, clock}, actions) {
  const text = t(/** @type {TextKey} */ (`link.${link.kind}`), {time: link.since ? clock.hour(link.since) : ''});
  const help = link.kind === 'refused' ? refusal(link.status, t) : t(/** @type {TextKey} */ (`link.${link.kind}.help`));
  const inside = html`<span class="dot"></span><span class="pill-text">${text}</span>`;
  const act = link.kind === 'offline' ? actions.retry
    : link.kind === 'refused' || link.kind === 'none' ? actions.togglePanel : null;
  return act
    ? html`<button type="button" class="pill" data-link=${link.kind} title=${help} @click=${act}>${inside}${
      link.kind === 'offline' ? icon('retry') : nothing}</button>`
    : html`<span class="pill" data-link=${link.kind} title=${help}>${inside}</span>`;
}

/** @param {number | undefined} status @param {View['t']} t */
export const refusal = (status, t) => t(status === 401 ? 'link.refused.401' : status === 403 ? 'link.refused.403' : 'link.refused.404');

/** @param {View} view */
function viewers({viewers: n, link, t}) {
  if (!n || link.kind !== 'live') return nothing;
  return html`<span class="viewers" title=${t('viewers.help')}>${icon('viewers')}${t('viewers', {n})}</span>`;
}

/** @param {View} view */
function incomplete({board, hostKind, clock, t}) {
  if (board.complete || hostKind === 'grist' || !board.since) return nothing;
  return html`<span class="incomplete" title=${t('incomplete.help')}>${
    t('incomplete', {time: clock.hour(board.since * 1000)})}</span>`;
}
