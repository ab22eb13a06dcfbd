// The top bar: what this is, whether it is live, who else looks, sound, settings.
import {html, nothing} from 'lit-html';
import {guard} from 'lit-html/directives/guard.js';
import {pick} from '../core/board.js';
import {searchField} from './filter-panel.js';
import {icon} from './icons.js';
/**
 * @typedef {import('./types.js').View} View
 * @typedef {import('./types.js').Actions} Actions
 * @typedef {import('../core/i18n.js').TextKey} TextKey
 */

/** @param {View} view @param {Actions} actions */
export const topBar = (view, actions) => guard([view.board, view.t, view.link, view.latency, view.viewers, view.loaded, view.narrow,
  view.filters, view.frozen, view.sound.on, view.sound.waiting, view.panel], () => bar(view, actions));

/** @param {View} view @param {Actions} actions */
function bar(view, actions) {
  const {t, sound} = view;
  const soundLabel = t(!sound.on ? 'sound.off' : sound.waiting ? 'sound.waiting' : 'sound.on');
  return html`<div class="top">
    <h1><bdi>${pick(view.board.title, view.language)}</bdi></h1>
    ${pill(view, actions)} ${viewers(view)} ${incomplete(view)}
    <span class="space"></span>
    ${view.loaded && !view.narrow ? searchField(view, actions) : nothing}
    ${view.loaded && !view.narrow ? html`<button type="button" class="tool" data-action="freeze" aria-pressed=${view.frozen} aria-label=${t('freeze')} title=${t('freeze.help')}
      @click=${actions.toggleFreeze}>${icon(view.frozen ? 'unfreeze' : 'freeze')}</button>` : nothing}
    <button type="button" class="tool" data-action="sound" aria-pressed=${sound.on} aria-label=${soundLabel} title=${soundLabel}
      @click=${actions.toggleSound}>${icon(sound.on ? 'sound' : 'mute')}</button>
    <button type="button" class="tool" data-action="settings" aria-expanded=${view.panel === 'settings'} aria-label=${t('menu')} title=${t('menu')}
      @click=${() => actions.togglePanel('settings')}>${icon('menu')}</button>
  </div>`;
}

/**
 * The link is always told. Where a click helps, the pill is a button.
 * @param {View} view @param {Actions} actions
 */
function pill({link, latency, t, clock}, actions) {
  const text = t(/** @type {TextKey} */ (`link.${link.kind}`), {time: link.since ? clock.hour(link.since) : '', n: link.n ?? 0});
  const measured = link.kind === 'live' && latency !== null;
  const help = link.kind === 'refused' ? refusal(link.status, t) : t(/** @type {TextKey} */ (`link.${link.kind}.help`))
    + (measured ? ` ${t('latency.help', {n: latency})}` : '');
  const inside = html`<span class="dot"></span><span class="pill-text">${text}</span>${
    measured ? html`<span class="latency">${t('latency', {n: latency})}</span>` : nothing}`;
  const act = link.kind === 'offline' ? actions.retry
    : link.kind === 'refused' || link.kind === 'none' ? () => actions.togglePanel('settings') : null;
  return act
    ? html`<button type="button" class="pill" data-link=${link.kind} title=${help} @click=${act}>${inside}${
      link.kind === 'offline' ? icon('retry') : nothing}</button>`
    : html`<span class="pill" data-link=${link.kind} title=${help}>${inside}</span>`;
}

/** @param {number | undefined} status @param {View['t']} t */
export const refusal = (status, t) => t(status === 401 ? 'link.refused.401' : status === 403 ? 'link.refused.403' : 'link.refused.404');

/** @param {View} view */
function viewers({viewers: n, link, t}) {
  if (!n || (link.kind !== 'live' && link.kind !== 'catching')) return nothing;
  return html`<span class="viewers" title=${t('viewers.help')}>${icon('viewers')}${t('viewers', {n})}</span>`;
}

/** @param {View} view */
function incomplete({board, hostKind, clock, t}) {
  if (board.complete || hostKind === 'grist' || !board.since) return nothing;
  return html`<span class="incomplete" title=${t('incomplete.help')}>${
    t('incomplete', {time: clock.hour(board.since * 1000)})}</span>`;
}
