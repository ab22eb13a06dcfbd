// The whole page from one view of the state.
import {html, nothing} from 'lit-html';
import {counts, filters} from './counts.js';
import {icon} from './icons.js';
import {list} from './list.js';
import {panel, setup} from './panel.js';
import {toasts} from './toasts.js';
import {refusal, topBar} from './top.js';
/**
 * @typedef {import('../core/i18n.js').TextKey} TextKey
 * @typedef {import('../core/select.js').Filter} Filter
 * @typedef {object} View
 * @property {import('../core/types.js').Board} board
 * @property {string} language
 * @property {import('../core/i18n.js').Translate} t
 * @property {ReturnType<typeof import('../core/time.js').createClock>} clock
 * @property {Intl.NumberFormat} number
 * @property {number} now the server's clock, epoch milliseconds
 * @property {number} browserNow the browser's
 * @property {import('../core/types.js').LinkState} link
 * @property {number | null} viewers
 * @property {'grist' | 'standalone'} hostKind
 * @property {boolean} loaded
 * @property {string} problem a text's key, or ''
 * @property {string} gristAddress
 * @property {Filter} filter
 * @property {import('../core/select.js').Counts} counts
 * @property {import('../core/types.js').Item[]} items those the filter keeps, in order
 * @property {import('./list.js').Range} range
 * @property {number} rowHeight px
 * @property {boolean} glide rows may move in sight of the reader
 * @property {Map<number, import('../core/attention.js').Flash>} flashes
 * @property {import('../core/attention.js').Toast[]} toasts
 * @property {string} said what the live region says
 * @property {{on: boolean, waiting: boolean}} sound
 * @property {boolean} panelOpen
 * @property {string} theme
 * @property {{address: string, addressFixed: boolean, token: string, error: string, stored: boolean}} form
 *
 * @typedef {object} Actions
 * @property {(filter: Filter) => void} setFilter
 * @property {() => void} toggleSound
 * @property {() => void} togglePanel
 * @property {(event: KeyboardEvent) => void} panelKey
 * @property {() => void} retry
 * @property {(event: SubmitEvent) => void} connect
 * @property {() => void} forget
 * @property {(language: string) => void} setLanguage
 * @property {(theme: string) => void} setTheme
 */

const BONES = 8;

/** @param {View} view @param {Actions} actions */
export function page(view, actions) {
  const unset = view.hostKind === 'standalone' && !view.loaded && (view.link.kind === 'none' || view.link.kind === 'refused');
  return html`
    <header class="head">
      ${topBar(view, actions)}
      ${view.panelOpen ? panel(view, actions) : nothing}
      ${unset ? nothing : html`${counts(view, actions)}${filters(view, actions)}`}
    </header>
    <main class="main" aria-busy=${!view.loaded && !unset && !view.problem}>
      ${unset && !view.problem ? nothing : notice(view, actions)}
      ${unset ? (view.panelOpen ? nothing : setup(view, actions)) : content(view, actions)}
    </main>
    ${toasts(view)}
    <p class="unseen" role="status" aria-live="polite">${view.said}</p>`;
}

/** @param {View} view @param {Actions} actions */
function content(view, actions) {
  if (view.items.length && view.loaded) return list(view);
  if (!view.loaded) return view.problem || view.link.kind === 'refused' ? nothing : bones(view);
  return empty(view, actions);
}

/** The skeleton, the same as in skeleton.html.j2. @param {View} view */
function bones(view) {
  return html`<ul class="rows bones" aria-hidden="true">${Array.from({length: BONES}, () => html`<li class="row"><div class="card"><span class="bone"></span></div></li>`)}</ul>
    <p class="unseen">${view.t('loading')}</p>`;
}

/** @param {View} view @param {Actions} actions */
function empty({filter, t, counts: all}, actions) {
  if (!all.total) return html`<div class="empty">${icon('total')}<h2>${t('empty.all')}</h2><p>${t('empty.all.help')}</p></div>`;
  const title = filter === 'open' || filter === 'urgent' ? t(`empty.${filter}`) : t('empty.other');
  return html`<div class="empty calm">${icon('calm')}<h2>${title}</h2><p>${t('empty.help')}</p>
    <button type="button" class="plain" @click=${() => actions.setFilter('all')}>${t('empty.showAll')}</button></div>`;
}

/** What went wrong and what to do, in a sentence. @param {View} view @param {Actions} actions */
function notice(view, actions) {
  const {t, link, problem} = view;
  if (problem) {
    return html`<p class="notice" role="alert">${icon('warning')}<span>${
      t(/** @type {TextKey} */ (problem), {address: view.gristAddress})}</span></p>`;
  }
  if (link.kind === 'none' && view.hostKind === 'grist' && view.loaded) {
    return html`<p class="notice calm">${icon('warning')}<span>${t('link.none.help')}</span>
      <button type="button" class="plain" @click=${actions.togglePanel}>${t('menu')}</button></p>`;
  }
  // A browser doesn't tell a page why another origin's server can't be read.
  const unreached = link.kind === 'offline' && view.viewers === null && !view.form.addressFixed;
  if (link.kind !== 'refused' && !unreached) return nothing;
  const why = unreached ? t('link.unreached', {address: view.form.address, origin: location.origin}) : refusal(link.status, t);
  return html`<p class="notice" role="alert">${icon('warning')}<span>${why}</span>
    <button type="button" class="plain" @click=${actions.togglePanel}>${t('menu')}</button></p>`;
}
