// What the keyboard does.
import {html} from 'lit-html';
import {icon} from './icons.js';
/**
 * @typedef {import('./types.js').View} View
 * @typedef {import('./types.js').Actions} Actions
 */

const KEYS = /** @type {const} */ ([
  ['/', 'keys.search'], ['↑ ↓', 'keys.rows'], ['↵', 'keys.open'], ['Esc', 'keys.close'], ['1 2 3', 'keys.views'],
  ['F', 'keys.freeze'], ['N', 'keys.release'], ['U', 'keys.unread'], ['M', 'keys.mine'], ['?', 'keys.help'],
]);

/** @param {View} view @param {Actions} actions */
export function keysPanel({t, letters}, actions) {
  return html`<section class="panel" role="dialog" aria-label=${t('keys')} @keydown=${actions.panelKey}>
    <div class="panel-head"><h2>${t('keys')}</h2>
      <button type="button" class="tool" data-action="close" aria-label=${t('close')} title=${t('close')}
        @click=${() => actions.togglePanel('keys')}>${icon('close')}</button></div>
    <dl class="keys">${KEYS.map(([key, text]) => html`<dt><kbd>${key}</kbd></dt><dd>${t(text)}</dd>`)}</dl>
    <label class="check"><input type="checkbox" data-action="letters" .checked=${letters} @change=${actions.toggleLetters}>${t('keys.letters')}</label>
  </section>`;
}
