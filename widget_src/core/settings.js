// Where the live link goes: what the document says, what the page says, what a person once said here.
import {isMixedContent, streamAddress} from './address.js';
/**
 * @typedef {import('./types.js').Config} Config
 * @typedef {import('./types.js').Options} Options
 */

/**
 * @param {{config: Config, options: Options, board: string, page: string, storedToken: (stream: string) => string | null}} from
 * @returns {{stream: string | null, token: string, addressFixed: boolean, given: string}}
 */
export function linkSettings({config, options, board, page, storedToken}) {
  const served = config.server !== null;
  const given = served && config.standalone ? config.server ?? '' : options.stream ?? config.server;
  const stream = given === null || given === undefined ? null : streamAddress(given, board, page);
  const inAddress = config.standalone ? config.token : ''; // the newest word of all
  const token = inAddress || (stream && storedToken(stream)) || options.token || config.token;
  return {stream, token, addressFixed: served, given: options.stream ?? ''};
}

/**
 * Check an address that a person typed; the key of what is wrong with it, or ''.
 * @param {string} address
 * @param {string} page
 * @returns {'' | 'link.bad' | 'link.mixed'}
 */
export function addressProblem(address, page) {
  const stream = /^https?:\/\/[^/]/i.test(address.trim()) ? streamAddress(address, 'x', page) : null;
  if (!stream) return 'link.bad';
  return isMixedContent(stream, page) ? 'link.mixed' : '';
}
