// What the keyboard does.
import {html} from 'lit-html';
import {viewsOf} from '../core/page-address.js';
import {icon} from './icons.js';
/**
 * @typedef {import('./types.js').View} View
 * @typedef {import('./types.js').Actions} Actions
 */

/** What this board has a use for. @param {View} view @returns {string[][]} key, what it does */
function keysOf({board, t}) {
  const views = viewsOf(board);
  return [
    ['/', t('keys.search')], ['↑ ↓', t('keys.rows')], ['↵', t('keys.open')], ['Esc', t('keys.close')],
    [views.map((_, index) => index + 1).join(' '), views.map((one) => t(`view.${one}`)).join(', ')],
    ['F', t('keys.freeze')], ['N', t('keys.release')], ['U', t('keys.unread')],
    ...(board.role.assignee ? [['M', t('keys.mine')]] : []), ['?', t('keys.help')],
  ];
}

/** @param {View} view @param {Actions} actions */
export function keysPanel(view, actions) {
  const {t, letters} = view;
  return html`<section class="panel" role="dialog" aria-label=${t('keys')} @keydown=${actions.panelKey}>
    <div class="panel-head"><h2>${t('keys')}</h2>
      <button type="button" class="tool" data-action="close" aria-label=${t('close')} title=${t('close')}
        @click=${() => actions.togglePanel('keys')}>${icon('close')}</button></div>
    <dl class="keys">${keysOf(view).map(([key, text]) => html`<dt><kbd>${key}</kbd></dt><dd>${text}</dd>`)}</dl>
    <label class="check"><input type="checkbox" data-action="letters" .checked=${letters} @change=${actions.toggleLetters}>${t('keys.letters')}</label>
  </section>`;
}
