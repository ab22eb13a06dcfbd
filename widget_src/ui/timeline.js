// All changes, newest first: who, when, what it was and what it is.
import {html, nothing} from 'lit-html';
import {guard} from 'lit-html/directives/guard.js';
import {repeat} from 'lit-html/directives/repeat.js';
import {changeAuthor, changeIcon, changeLines, changeTime} from './changes.js';
import {icon} from './icons.js';
import {TICK_MS} from './list.js';
/**
 * @typedef {import('../core/types.js').LoggedChange} LoggedChange
 * @typedef {import('./types.js').View} View
 * @typedef {import('./types.js').Actions} Actions
 * @typedef {import('./types.js').History} History
 * @typedef {import('../core/i18n.js').TextKey} TextKey
 */

/** @param {View} view @param {Actions} actions */
export function timeline(view, actions) {
  const {t, timeline: {entries, hidden, loading, unshown}} = view;
  return html`<div class="timeline" data-hold data-more=${unshown ? 'timeline' : nothing} aria-busy=${loading}>
    ${hidden ? html`<p class="hint">${t('timeline.hidden', {n: hidden})}</p>` : nothing}
    ${entries.length ? guard([entries[0].id, entries[entries.length - 1].id, entries.length, view.lastVisit, view.items, ...looksOf(view)], () => changes(view, actions)) : nothing}
    ${ending(view.timeline, actions.older, view)}
  </div>`;
}

/** What else a change's looks depend on. @param {View} view */
const looksOf = ({now, t, board, detail}) => [Math.floor(now / TICK_MS), t, board, detail?.row];

/** @param {View} view @param {Actions} actions */
function changes(view, actions) {
  const {t, timeline: history, lastVisit, clock} = view;
  const fresh = (/** @type {LoggedChange} */ change) => lastVisit !== null && (change.at ?? 0) * 1000 > lastVisit;
  let day = '';
  const lines = history.entries.flatMap((change, index) => {
    const today = change.at ? clock.day(change.at * 1000) : '';
    const heading = today !== day ? [{key: `day ${today}`, template: html`<li class="day"><h2>${day = today}</h2></li>`}] : [];
    const before = index > 0 && fresh(history.entries[index - 1]) && !fresh(change)
      ? [{key: 'visit', template: html`<li class="visit" data-visit><span>${t('visit', {time: clock.exact(/** @type {number} */ (lastVisit))})}</span></li>`}] : [];
    return [...before, ...heading, {key: change.id, template: guard([change, view.rowOf(change.row), ...looksOf(view)], () => entry(change, view, actions))}];
  });
  return html`<ol class="changes" role="list" aria-label=${t('view.timeline')}>${repeat(lines, (line) => line.key, (line) => line.template)}</ol>`;
}

/** What stands under a history: more, nothing, or why not. @param {History} history @param {() => void} older @param {View} view */
export function ending(history, older, {t}) {
  if (history.problem) return html`<p class="hint" role="status">${icon('warning')} ${t(/** @type {TextKey} */ (history.problem))}</p>`;
  if (history.loading) return html`<p class="hint">${t('loading')}</p>`;
  if (history.more || history.unshown) return html`<button type="button" class="plain older" data-action="older" @click=${older}>${t('older')}</button>`;
  return html`<p class="hint">${history.entries.length ? t('timeline.end') : t('timeline.empty')}</p>`;
}

/** @param {LoggedChange} change @param {View} view @param {Actions} actions */
function entry(change, view, actions) {
  const item = view.read({id: change.row, fields: {...change.was, ...change.fields, ...view.rowOf(change.row)?.fields}});
  const there = Boolean(view.rowOf(change.row));
  const name = [item.title, item.place].filter(Boolean).join(', ');
  return html`<li class="change${view.detail?.row === change.row ? ' is-open' : ''}" data-change=${change.id} data-change-row=${change.row} data-action-kind=${change.action}
    data-status=${item.status.index}>
    <span class="change-icon">${changeIcon(change)}</span>
    <div class="change-body">
      <p class="change-head">${there ? html`<button type="button" class="link-button" data-open-row=${change.row} @click=${(/** @type {Event} */ event) => actions.openRow(change.row, event)}><bdi>${name}</bdi></button>`
        : html`<bdi class="none">${name}</bdi>`}${changeAuthor(change, view)}</p>
      ${changeLines(change, view)}
    </div>
    ${changeTime(change, view)}
  </li>`;
}
