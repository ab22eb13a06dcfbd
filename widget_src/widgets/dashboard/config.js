// The page's configuration is data in the page.

/**
 * @param {Document} document
 * @returns {import('../../core/types.js').Config & {gristMissing: boolean}}
 */
export function readConfig(document) {
  const given = JSON.parse(document.getElementById('grist-live-config')?.textContent || '{}');
  const config = {server: null, board: null, name: '', token: '', grist: null, language: null, standalone: false, version: '', ...given};
  // Grist appends `access` to the address of a widget's frame.
  const inGrist = window.parent !== window && new URLSearchParams(window.location.search).has('access');
  return {...config, gristMissing: inGrist && !config.grist && config.server === null};
}
