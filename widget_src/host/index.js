// Which host: Grist when the page is in a frame and knows its Grist server, else nobody.
import {gristHost} from './grist.js';
import {standaloneHost} from './standalone.js';

/**
 * @param {import('../core/types.js').Config} config
 * @returns {import('../core/types.js').Host}
 */
export function chooseHost(config) {
  const framed = window.parent !== window;
  return framed && config.grist && !config.standalone ? gristHost(config.grist) : standaloneHost();
}
