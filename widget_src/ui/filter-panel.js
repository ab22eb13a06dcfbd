// All filters in one place: values by role with their counts, what is mine, what was saved.
import {html, nothing} from 'lit-html';
import {live} from 'lit-html/directives/live.js';
import {fold} from '../core/filters.js';
import {roleLabel} from '../core/take.js';
import {valueLabel} from './bar.js';
import {icon} from './icons.js';
/**
 * @typedef {import('./types.js').View} View
 * @typedef {import('./types.js').Actions} Actions
 * @typedef {import('../core/i18n.js').TextKey} TextKey
 * @typedef {import('../core/filters.js').FilterRole} FilterRole
 */

/** More values than this get a field to find them by. */
const FEW = 8;

/** @param {View} view @param {Actions} actions */
export function filterPanel(view, actions) {
  const {t, filters} = view;
  return html`<section class="panel filter-panel" role="dialog" aria-modal=${view.narrow ? 'true' : nothing} aria-label=${t('filters.title')} @keydown=${actions.panelKey}>
    <div class="panel-head"><h2>${t('filters.title')}</h2>
      ${view.filterCount ? html`<button type="button" class="link-button" data-action="clear" @click=${actions.clearFilters}>${t('filters.clear')}</button>` : nothing}
      <button type="button" class="tool" data-action="close" aria-label=${t('close')} title=${t('close')}
        @click=${() => actions.togglePanel('filters')}>${icon('close')}</button></div>
    ${view.narrow ? searchField(view, actions) : nothing}
    ${view.board.role.assignee ? mine(view, actions) : nothing}
    <div class="facets">${[...view.facets].map(([role, values]) => facet(role, values, view, actions))}</div>
    ${view.facets.has('department') && view.board.department === 'derived' ? html`<p class="hint">${t('department.derived')}</p>` : nothing}
    ${saved(view, actions)}
    ${filters.show === 'open' && view.items.length === 0 ? html`<p class="hint">${t('filters.openOnly')}</p>` : nothing}
  </section>`;
}

/** @param {View} view @param {Actions} actions */
export function searchField({filters, t}, actions) {
  return html`<label class="search">${icon('search')}<input type="search" data-action="search" placeholder=${t('search')} aria-label=${t('search')}
    autocomplete="off" spellcheck="false" maxlength="200" .value=${live(filters.q)}
    @input=${(/** @type {InputEvent} */ event) => actions.search(/** @type {HTMLInputElement} */ (event.target).value)}></label>`;
}

/** @param {View} view @param {Actions} actions */
function mine({t, me, people, filters}, actions) {
  return html`<div class="mine"><label class="check"><input type="checkbox" data-action="mine" .checked=${live(filters.mine)}
      @change=${actions.toggleMine}>${t('filter.mine.long')}</label>
    <label class="me">${t('me')} <input type="text" data-action="me" list="people" autocomplete="name" maxlength="100" placeholder=${t('me.placeholder')}
      .value=${me} @change=${(/** @type {Event} */ event) => actions.setMe(/** @type {HTMLInputElement} */ (event.target).value)}></label>
    ${peopleList(people)}</div>`;
}

/** @param {string[]} people */
export const peopleList = (people) => html`<datalist id="people">${people.map((name) => html`<option value=${name}></option>`)}</datalist>`;

/**
 * @param {FilterRole} role @param {{value: string, n: number}[]} values @param {View} view @param {Actions} actions
 */
function facet(role, values, view, actions) {
  const {t, board, language, filters} = view;
  const typed = view.facetSearch[role] ?? '';
  const chosen = filters.roles[role] ?? [];
  const found = values.filter(({value}) => chosen.includes(value) || !typed || fold(valueLabel(role, value, view)).includes(fold(typed)))
    .sort((a, b) => Number(chosen.includes(b.value)) - Number(chosen.includes(a.value)));
  const label = role === 'department' && board.department === 'derived' ? `≈ ${t('department')}` : roleLabel(board, role, language);
  return html`<fieldset class="facet" data-facet=${role}><legend>${label}</legend>
    ${values.length > FEW ? html`<input type="search" class="facet-search" aria-label=${t('filters.find', {what: label})} placeholder=${t('filters.find', {what: label})}
      .value=${live(typed)} @input=${(/** @type {Event} */ e) => actions.searchFacet(role, /** @type {HTMLInputElement} */ (e.target).value)}>` : nothing}
    ${found.slice(0, Math.max(FEW, chosen.length)).map(({value, n}) => html`<label class="check"><input type="checkbox" data-value=${value}
      .checked=${live(chosen.includes(value))} @change=${() => actions.toggleValue(role, value)}><bdi>${valueLabel(role, value, view)}</bdi>
      <span class="n">${view.number.format(n)}</span></label>`)}
    ${found.length > Math.max(FEW, chosen.length) ? html`<p class="hint">${t('filters.others', {n: found.length - Math.max(FEW, chosen.length)})}</p>` : nothing}
  </fieldset>`;
}

/** @param {View} view @param {Actions} actions */
function saved({saved: all, canSave, t, filterCount}, actions) {
  if (!canSave) return html`<p class="hint">${t('saved.none')}</p>`;
  return html`<div class="saved"><h3>${t('saved')}</h3>
    ${all.length ? html`<ul role="list">${all.map(({name, query}) => html`<li><button type="button" class="link-button" data-saved=${name}
      @click=${() => actions.useSaved(query)}>${icon('save')}<bdi>${name}</bdi></button><button type="button" class="tool" aria-label=${t('saved.drop', {name})}
      title=${t('saved.drop', {name})} @click=${() => actions.dropSaved(name)}>${icon('trash')}</button></li>`)}</ul>` : nothing}
    <form class="save-form" @submit=${actions.saveFilter}><input name="name" type="text" required maxlength="60" aria-label=${t('saved.name')} placeholder=${t('saved.name')}>
      <button type="submit" class="plain" data-action="save">${filterCount ? t('saved.save') : t('saved.saveView')}</button></form></div>`;
}
