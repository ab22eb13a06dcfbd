// One row in full: what it is, who has it, what it was. At the right; on a phone a sheet from below.
import {html, nothing} from 'lit-html';
import {pick} from '../core/board.js';
import {departmentCodeOf, lateness} from '../core/items.js';
import {priorityBadge, statusBadge} from './badges.js';
import {cellText, changeAuthor, changeIcon, changeLines, changeTime} from './changes.js';
import {icon} from './icons.js';
import {time} from './list.js';
import {takeButton} from './take-button.js';
import {ending} from './timeline.js';
/**
 * @typedef {import('../core/types.js').Item} Item
 * @typedef {import('./types.js').View} View
 * @typedef {import('./types.js').Actions} Actions
 * @typedef {import('./types.js').Detail} Detail
 */

/** Roles that the head shows. */
const HEAD = new Set(['status', 'priority', 'place', 'updated_at']);
/** More than anyone reads here; the rest is in Grist. */
const CLIP = 5000;

/** @param {Detail} detail @param {View} view @param {Actions} actions */
export function detail(detail, view, actions) {
  const {t} = view;
  const {item} = detail;
  return html`<section class="detail" role=${view.narrow ? 'dialog' : 'complementary'} aria-modal=${view.narrow ? 'true' : nothing} aria-labelledby="detail-title"
    data-detail=${detail.row} data-status=${item?.status.index ?? nothing} @keydown=${(/** @type {KeyboardEvent} */ event) => { if (event.key === 'Escape') { event.stopPropagation(); actions.closeRow(); } }}>
    <div class="detail-head"><h2 id="detail-title" tabindex="-1"><bdi>${item?.title ?? `#${detail.row}`}</bdi></h2>
      <button type="button" class="tool" data-action="close-detail" aria-label=${t('detail.close')} title=${t('detail.close')} @click=${actions.closeRow}>${icon('close')}</button></div>
    ${item ? body(item, detail, view, actions) : html`<p class="hint">${t('detail.gone')}</p>`}
    <h3>${t('history')}</h3>
    <ol class="changes" role="list" aria-label=${t('history')}>${detail.history.entries.map((change) => html`<li class="change" data-change=${change.id}>
      <span class="change-icon">${changeIcon(change)}</span><div class="change-body">${changeAuthor(change, view)}${changeLines(change, view)}</div>${changeTime(change, view)}</li>`)}</ol>
    ${ending(detail.history, actions.olderOfRow, view)}
  </section>`;
}

/** @param {Item} item @param {Detail} detail @param {View} view @param {Actions} actions */
function body(item, detail, view, actions) {
  const {t, board, now, clock} = view;
  const {role} = board;
  const late = lateness(item, now);
  return html`${!role.place ? nothing
    : html`<p class="detail-place">${icon('place')}${item.place ? html`<bdi>${item.place}</bdi>` : html`<span class="none">${t('place.none')}</span>`}</p>`}
    <div class="line">${role.priority ? priorityBadge(item.priority, view, item.urgent) : nothing}${role.status ? statusBadge(item.status, view) : nothing}${time(item, view)}</div>
    ${item.updated === null ? nothing : html`<p class="hint updated">${t('updated.at', {time: clock.exact(item.updated)})}</p>`}
    ${late ? html`<p class="hint late" data-late=${late}>${icon('clock')}${t(`late.${late}`)}</p>` : nothing}
    <div class="buttons">${takeButton(item, view, actions)}${
      board.link ? html`<a class="plain" data-action="open-grist" target="_blank" rel="noopener noreferrer" href=${board.link.replace('{row}', String(item.id))}>${icon('outside')}${t('detail.grist')}</a>` : nothing}</div>
    <dl class="cells">${board.columns.filter((column) => !HEAD.has(column.role ?? '') && column.id !== board.titleColumn).map((column) => {
      const text = cellText(column, detail.fields[column.id], view);
      return html`<div><dt><bdi>${pick(column.label, view.language, column.id)}</bdi></dt><dd>${text ? html`<bdi>${text.length > CLIP ? `${text.slice(0, CLIP)}…` : text}</bdi>` : html`<span class="none">—</span>`}</dd></div>`;
    })}${item.derived && departmentCodeOf(item) ? html`<div><dt>${t('department')}</dt><dd title=${t('department.derived')}>≈ ${departmentCodeOf(item)}</dd></div>` : nothing}</dl>`;
}
