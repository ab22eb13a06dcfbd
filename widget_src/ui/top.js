// The top bar: what this is, whether it is live, who else looks, sound, settings.
import {html, nothing} from 'lit-html';
import {guard} from 'lit-html/directives/guard.js';
import {pick} from '../core/board.js';
import {searchField} from './filter-panel.js';
import {freezeButton} from './freeze-button.js';
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
    ${pill(view, actions)} ${view.narrow ? nothing : html`${viewers(view)} ${incomplete(view)}`}
    <span class="space"></span>
    ${view.loaded && !view.narrow ? searchField(view, actions) : nothing}
    ${view.loaded && !view.narrow ? freezeButton(view, actions) : nothing}
    <button type="button" class="tool" data-action="sound" aria-pressed=${sound.on} aria-label=${soundLabel} title=${soundLabel}
      @click=${actions.toggleSound}>${icon(sound.on ? 'sound' : 'mute')}</button>
    <button type="button" class="tool" data-action="settings" aria-expanded=${view.panel === 'settings'} aria-label=${t('menu')} title=${t('menu')}
      @click=${() => actions.togglePanel('settings')}>${icon('menu')}</button>
  </div>`;
}

/**
 * The link is always told. Where a click helps, the pill is a button: a narrow page says more in its settings.
 * @param {View} view @param {Actions} actions
 */
function pill(view, actions) {
  const {link, latency, narrow, t} = view;
  const measured = link.kind === 'live' && latency !== null;
  const text = linkText(view);
  const help = linkHelp(view);
  const inside = html`<span class="dot"></span><span class="pill-text">${text}</span>${
    measured ? html`<span class="latency">${t('latency', {n: latency})}</span>` : nothing}${
    narrow && isIncomplete(view) ? html`<span class="incomplete" title=${incompleteText(view)}>${icon('warning')}<span class="unseen">${incompleteText(view)}</span></span>` : nothing}`;
  const tried = link.kind === 'offline' || (link.kind === 'connecting' && link.since !== undefined); // it keeps the focus while it tries
  const act = tried ? actions.retry
    : narrow || link.kind === 'refused' || link.kind === 'none' ? () => actions.togglePanel('settings') : null;
  return act
    ? html`<button type="button" class="pill" data-link=${link.kind} title=${help} @click=${act}>${inside}${
      link.kind === 'offline' ? icon('retry') : nothing}</button>`
    : html`<span class="pill" data-link=${link.kind} title=${help}>${inside}</span>`;
}

/** @param {View} view */
export const linkText = ({link, t, clock}) => t(/** @type {TextKey} */ (`link.${link.kind}`), {time: link.since ? clock.hour(link.since) : '', n: link.n ?? 0});

/** What it means, and how fast it is. @param {View} view */
export const linkHelp = ({link, latency, t}) => (link.kind === 'refused' ? refusal(link.status, t) : t(/** @type {TextKey} */ (`link.${link.kind}.help`))
  + (link.kind === 'live' && latency !== null ? ` ${t('latency.help', {n: latency})}` : ''));

/** @param {number | undefined} status @param {View['t']} t */
export const refusal = (status, t) => t(status === 401 ? 'link.refused.401' : status === 403 ? 'link.refused.403' : 'link.refused.404');

/** @param {View} view */
export function viewers({viewers: n, link, t}) {
  if (!n || (link.kind !== 'live' && link.kind !== 'catching')) return nothing;
  return html`<span class="viewers" title=${t('viewers.help')}>${icon('viewers')}${t('viewers', {n})}</span>`;
}

/** Does the server know but a part of the rows? @param {View} view */
export const isIncomplete = ({board, hostKind}) => !board.complete && hostKind !== 'grist' && Boolean(board.since);

/** @param {View} view */
function incomplete(view) {
  return isIncomplete(view) ? html`<span class="incomplete" title=${view.t('incomplete.help')}>${incompleteText(view)}</span>` : nothing;
}

/** @param {View} view */
export const incompleteText = ({board, clock, t}) => t('incomplete', {time: clock.hour((board.since ?? 0) * 1000)});
