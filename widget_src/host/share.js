// What the browser offers for tabs that share one stream; null where it doesn't.
import {createRelay} from '../core/relay.js';

/**
 * @param {string} name tabs with the same name share
 * @param {import('../core/types.js').Env} env
 * @returns {import('../core/relay.js').Relay | null}
 */
export function browserRelay(name, env) {
  try {
    if (!navigator.locks || typeof BroadcastChannel !== 'function') return null;
    const channel = new BroadcastChannel(name);
    return createRelay({
      name, env,
      locks: {request: (lock, options, hold) => navigator.locks.request(lock, options, hold)},
      channel: {
        post: (message) => channel.postMessage(message),
        listen: (take) => { channel.onmessage = ({data}) => take(data); },
        close: () => channel.close(),
      },
    });
  } catch {
    return null; // a browser that blocks site data
  }
}
