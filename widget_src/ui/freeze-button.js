// "Freeze what I read": in the top bar, or where that is narrow, beside the views.
import {html} from 'lit-html';
import {icon} from './icons.js';

/** @param {import('./types.js').View} view @param {import('./types.js').Actions} actions */
export const freezeButton = ({frozen, t}, actions) => html`<button type="button" class="tool" data-action="freeze" aria-pressed=${frozen} aria-label=${t('freeze')}
  title=${t('freeze.help')} @click=${actions.toggleFreeze}>${icon(frozen ? 'unfreeze' : 'freeze')}</button>`;
