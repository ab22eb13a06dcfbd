// One reading of an event stream, from the answer's first byte to its end.
import {createParser} from 'eventsource-parser';

/** A link that brings nothing for this long is dead; the server pings every 20 s, give or take. */
export const SILENCE_MS = 38_000;

/**
 * @typedef {object} Reading
 * @property {(event: {event: string, data: string, id: string | undefined}) => void} onEvent
 * @property {(ms: number) => void} onRetry the stream's `retry:` field
 * @property {import('./types.js').Env} env
 */

/**
 * Hand over each event of the body; resolve at its end, reject when it breaks or falls silent.
 * @param {ReadableStream<Uint8Array>} body
 * @param {Reading} reading
 */
export async function readEvents(body, {onEvent, onRetry, env}) {
  const parser = createParser({
    onEvent: ({event, data, id}) => onEvent({event: event || 'message', data, id}),
    onRetry,
  });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const {done, value} = await withinSilence(reader.read(), env);
      if (done) return;
      parser.feed(decoder.decode(value, {stream: true}));
    }
  } finally {
    reader.cancel().catch(() => {}); // already broken: nothing more to free
  }
}

/**
 * @template T
 * @param {Promise<T>} read
 * @param {import('./types.js').Env} env
 * @returns {Promise<T>}
 */
function withinSilence(read, env) {
  return new Promise((resolve, reject) => {
    const timer = env.setTimeout(() => reject(new Error('silent link')), SILENCE_MS);
    read.then(resolve, reject).finally(() => env.clearTimeout(timer));
  });
}
