// The page stands alone: rows come from the server's snapshot, choices from this browser.
import {recall, remember} from './storage.js';

/** @returns {import('../core/types.js').Host} */
export function standaloneHost() {
  return {
    kind: 'standalone',
    start({options}) {
      options({stream: recall('stream') || undefined}, {linked: false, access: 'none'});
    },
    save({stream}) {
      remember('stream', stream || null);
    },
  };
}
