// Inline icons. Paths from Lucide (https://lucide.dev), ISC licence, copyright the Lucide contributors;
// `urgent`, `active` and `level*` are ours.
import {html, unsafeStatic} from 'lit-html/static.js';

const PATHS = {
  urgent: `<path d="M10.3 3.6a2 2 0 0 1 3.4 0l8 14A2 2 0 0 1 20 20.6H4a2 2 0 0 1-1.7-3z" fill="currentColor" stroke="none"/><path d="M12 9v4.5M12 17h.01" stroke="var(--icon-hole, #fff)" stroke-width="2.4"/>`,
  total: `<path d="M3 5h.01M3 12h.01M3 19h.01M8 5h13M8 12h13M8 19h13"/>`,
  waiting: `<circle cx="12" cy="12" r="9"/>`,
  active: `<circle cx="12" cy="12" r="9"/><path d="M12 3a9 9 0 0 1 0 18z" fill="currentColor"/>`,
  blocked: `<path d="M2.6 16.7A2 2 0 0 1 2 15.3V8.7a2 2 0 0 1 .6-1.4l4.7-4.7A2 2 0 0 1 8.7 2h6.6a2 2 0 0 1 1.4.6l4.7 4.7a2 2 0 0 1 .6 1.4v6.6a2 2 0 0 1-.6 1.4l-4.7 4.7a2 2 0 0 1-1.4.6H8.7a2 2 0 0 1-1.4-.6z"/><path d="m15 9-6 6M9 9l6 6"/>`,
  done: `<circle cx="12" cy="12" r="9"/><path d="m8 12.2 2.8 2.8L16 9.5"/>`,
  unknown: `<circle cx="12" cy="12" r="9" stroke-dasharray="3.5 3.5"/>`,
  level0: `<path d="m6 9 6 6 6-6"/>`,
  level1: `<path d="M5 9h14M5 15h14"/>`,
  level2: `<path d="m6 12 6-6 6 6M6 18l6-6 6 6"/>`,
  place: `<path d="M20 10c0 5-5.5 10.2-7.4 11.8a1 1 0 0 1-1.2 0C9.5 20.2 4 15 4 10a8 8 0 0 1 16 0"/><circle cx="12" cy="10" r="3"/>`,
  person: `<path d="M19 21v-2a4 4 0 0 0-4-4H9a4 4 0 0 0-4 4v2"/><circle cx="12" cy="7" r="4"/>`,
  sound: `<path d="M11 4.7a.7.7 0 0 0-1.2-.5L6.4 7.6A1.4 1.4 0 0 1 5.4 8H3a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2.4a1.4 1.4 0 0 1 1 .4l3.4 3.4a.7.7 0 0 0 1.2-.5zM16 9a5 5 0 0 1 0 6M19.4 18.4a9 9 0 0 0 0-12.8"/>`,
  mute: `<path d="M11 4.7a.7.7 0 0 0-1.2-.5L6.4 7.6A1.4 1.4 0 0 1 5.4 8H3a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2.4a1.4 1.4 0 0 1 1 .4l3.4 3.4a.7.7 0 0 0 1.2-.5zM22 9l-6 6M16 9l6 6"/>`,
  menu: `<path d="M9.7 4.1a2.3 2.3 0 0 1 4.6 0 2.3 2.3 0 0 0 3.4 2 2.3 2.3 0 0 1 2.3 4 2.3 2.3 0 0 0 0 3.8 2.3 2.3 0 0 1-2.3 4 2.3 2.3 0 0 0-3.4 2 2.3 2.3 0 0 1-4.6 0 2.3 2.3 0 0 0-3.4-2 2.3 2.3 0 0 1-2.3-4 2.3 2.3 0 0 0 0-3.8 2.3 2.3 0 0 1 2.3-4 2.3 2.3 0 0 0 3.4-2"/><circle cx="12" cy="12" r="3"/>`,
  close: `<path d="M18 6 6 18M6 6l12 12"/>`,
  retry: `<path d="M21 12a9 9 0 1 1-2.6-6.4L21 8M21 3v5h-5"/>`,
  warning: `<path d="m21.7 18-8-14a2 2 0 0 0-3.4 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.7-3M12 9v4M12 17h.01"/>`,
  viewers: `<path d="M2 12.3a1 1 0 0 1 0-.6 10.8 10.8 0 0 1 20 0 1 1 0 0 1 0 .6 10.8 10.8 0 0 1-20 0"/><circle cx="12" cy="12" r="3"/>`,
  test: `<path d="M14 2v6a2 2 0 0 0 .2 1l5.6 10A2 2 0 0 1 18 22H6a2 2 0 0 1-1.8-3L9.8 9A2 2 0 0 0 10 8V2M6.5 15h11M8.5 2h7"/>`,
  list: `<path d="M3 6h.01M3 12h.01M3 18h.01M8 6h13M8 12h13M8 18h13"/>`,
  kanban: `<path d="M6 5v11M12 5v6M18 5v14"/>`,
  timeline: `<path d="M3 12a9 9 0 1 0 9-9 9.7 9.7 0 0 0-6.7 2.7L3 8M3 3v5h5M12 7v5l4 2"/>`,
  filter: `<path d="M3 6h18M7 12h10M10 18h4"/>`,
  search: `<circle cx="11" cy="11" r="7"/><path d="m21 21-4.3-4.3"/>`,
  freeze: `<rect x="6" y="4" width="4" height="16" rx="1"/><rect x="14" y="4" width="4" height="16" rx="1"/>`,
  unfreeze: `<path d="m7 4 13 8-13 8z"/>`,
  take: `<path d="m16 11 2 2 4-4M16 21v-2a4 4 0 0 0-4-4H6a4 4 0 0 0-4 4v2"/><circle cx="9" cy="7" r="4"/>`,
  outside: `<path d="M15 3h6v6M10 14 21 3M18 13v6a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2h6"/>`,
  up: `<path d="m5 12 7-7 7 7M12 19V5"/>`,
  clock: `<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>`,
  add: `<path d="M5 12h14M12 5v14"/>`,
  edit: `<path d="M21.2 6.8a2.8 2.8 0 0 0-4-4L3.8 16.2a2 2 0 0 0-.5.8L2 21.4a.5.5 0 0 0 .6.6l4.4-1.3a2 2 0 0 0 .8-.5z"/>`,
  trash: `<path d="M3 6h18M19 6v14a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6M8 6V4a2 2 0 0 1 2-2h4a2 2 0 0 1 2 2v2"/>`,
  save: `<path d="m19 21-7-4-7 4V5a2 2 0 0 1 2-2h10a2 2 0 0 1 2 2z"/>`,
  keyboard: `<rect x="2" y="5" width="20" height="14" rx="2"/><path d="M6 9h.01M10 9h.01M14 9h.01M18 9h.01M7 13h.01M12 13h.01M17 13h.01M8 16h8"/>`,
  calm: `<path d="M20 6 9 17l-5-5"/>`,
};

/** @typedef {keyof typeof PATHS} IconName */

/** A template of its own for each, without parts that change: a card has five of them. */
const ICONS = Object.fromEntries(Object.entries(PATHS).map(([name, path]) => [name,
  html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${unsafeStatic(path)}</svg>`]));

/**
 * An icon is decoration: a word beside it, or a label on its button, says the same.
 * @param {IconName} name
 */
export const icon = (name) => ICONS[name];
