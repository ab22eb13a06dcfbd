// The whole page from one view of the state.
import {html, nothing} from 'lit-html';
import {keyed} from 'lit-html/directives/keyed.js';
import {alerts} from './alerts.js';
import {bar} from './bar.js';
import {counts} from './counts.js';
import {detail} from './detail.js';
import {filterPanel} from './filter-panel.js';
import {icon} from './icons.js';
import {kanban} from './kanban.js';
import {keysPanel} from './keys-panel.js';
import {list} from './list.js';
import {panel, setup} from './panel.js';
import {timeline} from './timeline.js';
import {toasts} from './toasts.js';
import {refusal, topBar} from './top.js';
/**
 * @typedef {import('../core/i18n.js').TextKey} TextKey
 * @typedef {import('../core/types.js').Item} Item
 * @typedef {import('./types.js').View} View
 * @typedef {import('./types.js').Actions} Actions
 */

const BONES = 8;

/** @param {View} view @param {Actions} actions */
export function page(view, actions) {
  const unset = view.hostKind === 'standalone' && !view.loaded && (view.link.kind === 'none' || view.link.kind === 'refused');
  const filters = view.panel === 'filters' && !unset;
  const sheet = view.narrow && (Boolean(view.detail) || filters); // covers the page on a phone
  return html`
    <header class="head">
      <div class="bars" ?inert=${sheet}>${topBar(view, actions)}${unset ? nothing : html`${counts(view, actions)}${bar(view, actions)}`}</div>
      ${view.panel === 'settings' ? panel(view, actions) : nothing}
      ${view.panel === 'keys' ? keysPanel(view, actions) : nothing}
      ${filters ? filterPanel(view, actions) : nothing}
    </header>
    <div class=${view.detail ? 'work has-detail' : 'work'}>
      <main class="main" data-view=${view.view} data-density=${view.density} ?inert=${sheet} @keydown=${actions.rowKey}
        aria-busy=${!view.loaded && !unset && !view.problem}>
        ${unset && !view.problem ? nothing : notice(view, actions)}
        ${unset ? (view.panel === 'settings' ? nothing : setup(view, actions)) : content(view, actions)}
      </main>
      ${view.detail ? detail(view.detail, view, actions) : nothing}
    </div>
    <div class="corner">${alerts(view, actions)}${toasts(view)}</div>
    <p class="unseen" role="status" aria-live="polite">${said(view.said)}</p>
    <p class="unseen" role="alert" aria-live="assertive">${said(view.cried)}</p>`;
}

/** The same words again are told again: each time they are another node. @param {import('./types.js').Said} said */
const said = ({key, text}) => keyed(key, html`<span>${text}</span>`);

/** @param {View} view @param {Actions} actions */
function content(view, actions) {
  if (!view.loaded) return view.problem || view.link.kind === 'refused' ? nothing : bones(view);
  if (view.view === 'timeline') return html`${missed(view, actions)}${timeline(view, actions)}`;
  return html`${missed(view, actions)}${view.items.length ? (view.view === 'kanban' && view.board.role.status ? kanban(view, actions) : list(view, actions)) : empty(view, actions)}`;
}

/** What happened since the reader was last here. @param {View} view @param {Actions} actions */
function missed({missed: n, missedMore, t, view}, actions) {
  if (!n) return nothing;
  return html`<p class="notice calm missed">${icon('timeline')}<span>${t(missedMore ? 'missed.more' : 'missed', {n})}</span>
    ${view === 'timeline' ? nothing : html`<button type="button" class="plain" data-action="missed" @click=${() => actions.setView('timeline')}>${t('missed.show')}</button>`}
    <button type="button" class="tool" data-action="missed-close" aria-label=${t('close')} title=${t('close')} @click=${actions.forgetMissed}>${icon('close')}</button></p>`;
}

/** The skeleton, the same as in skeleton.html.j2. @param {View} view */
function bones(view) {
  return html`<ul class="rows bones" aria-hidden="true">${Array.from({length: BONES}, () => html`<li class="row"><div class="card"><span class="bone"></span></div></li>`)}</ul>
    <p class="unseen">${view.t('loading')}</p>`;
}

/** @param {View} view @param {Actions} actions */
function empty({filters, narrowed, t, total}, actions) {
  if (!total) return html`<div class="empty">${icon('total')}<h2>${t('empty.all')}</h2><p>${t('empty.all.help')}</p></div>`;
  const plain = !narrowed && !filters.roles.status;
  const title = plain && filters.show === 'open' ? t('empty.open') : plain && filters.show === 'urgent' ? t('empty.urgent')
    : narrowed ? t('empty.filtered') : t('empty.other');
  return html`<div class=${narrowed ? 'empty' : 'empty calm'}>${icon(narrowed ? 'filter' : 'calm')}<h2>${title}</h2>
    <p>${narrowed ? t('empty.filtered.help') : t('empty.help')}</p>
    <button type="button" class="plain" @click=${actions.showAll}>${t('empty.showAll')}</button></div>`;
}

/** What went wrong and what to do, in a sentence. @param {View} view @param {Actions} actions */
function notice(view, actions) {
  const {t, link, problem} = view;
  if (problem) {
    return html`<p class=${problem === 'problem.partial' ? 'notice calm' : 'notice'} role="alert">${icon('warning')}<span>${
      t(/** @type {TextKey} */ (problem), {address: view.gristAddress})}</span></p>`;
  }
  if (view.unmapped.length) {
    return html`<p class="notice" role="alert" data-unmapped>${icon('warning')}<span>${t('problem.unmapped', {columns: view.unmapped.join(', ')})}</span></p>`;
  }
  if (link.kind === 'none' && view.hostKind === 'grist' && view.loaded) {
    return html`<p class="notice calm">${icon('warning')}<span>${t('link.none.help')}</span>
      <button type="button" class="plain" @click=${() => actions.togglePanel('settings')}>${t('menu')}</button></p>`;
  }
  const tried = link.kind === 'offline' || (link.kind === 'connecting' && link.since !== undefined);
  if (tried && view.viewers === null && view.form.addressFixed && !view.loaded) {
    return html`<p class="notice" role="alert">${icon('warning')}<span>${t('link.away')}</span>
      <button type="button" class="plain" data-action="retry" @click=${actions.retry}>${t('link.retry')}</button></p>`;
  }
  // A browser doesn't tell a page why another origin's server can't be read.
  const unreached = tried && view.viewers === null && !view.form.addressFixed;
  if (link.kind !== 'refused' && !unreached) return nothing;
  const why = unreached ? t('link.unreached', {address: view.form.address, origin: location.origin}) : refusal(link.status, t);
  return html`<p class="notice" role="alert">${icon('warning')}<span>${why}</span>
    <button type="button" class="plain" @click=${() => actions.togglePanel('settings')}>${t('menu')}</button></p>`;
}
