// The link to the server: snapshot (where the host has no rows of its own), then the stream, for ever.
import {authorize} from './api.js';
import {createBackoff, retryAfter} from './backoff.js';
import {createTeller} from './link-state.js';
import {SILENCE_MS, readEvents} from './sse.js';
/**
 * @typedef {import('./types.js').Env} Env
 * @typedef {import('./types.js').LinkState} LinkState
 * @typedef {{lastId: string, needsSnapshot: boolean, resetAt: number, askedAt: number | null, heardAt: number}} Place where we are
 *   in the board's log; askedAt: since when an answer is waited for; heardAt: when the server last gave a sign
 * @typedef {object} LinkSettings
 * @property {string} streamUrl
 * @property {string | null} snapshotUrl null: rows come from elsewhere (Grist), and `reset` asks for nothing
 * @property {string} token
 * @property {Env} env
 * @property {(snapshot: any, at: number) => void} onSnapshot at: when the server sent it, by its own clock, epoch seconds; NaN where it isn't told
 * @property {(event: string, data: any, id: string | undefined) => void} onEvent
 * @property {(state: LinkState) => void} onState
 * @property {import('./relay.js').Relay | null} [relay] shares the stream with other tabs
 */

/** Answers that no waiting changes. */
const FINAL = new Set([401, 403, 404]);
/** A reading that is silent for longer than this when somebody looks again is given up at once. */
const LOOKED_AT_MS = 25_000;
/** A link that lasted this long has worked: the next attempts start from the shortest delay again. */
const STEADY_MS = 5000;
/** A connection is given up on which no answer begins for so long. */
const ANSWER_MS = 15_000;
/** A snapshot that takes longer is given up and asked for again. */
const SNAPSHOT_MS = 30_000;

class Refused extends Error {
  /** @param {number} status */
  constructor(status) {
    super(`refused: ${status}`);
    this.status = status;
  }
}

class Later extends Error {
  /** @param {number} ms */
  constructor(ms) {
    super(`try again in ${ms} ms`);
    this.ms = ms;
  }
}

/**
 * Open the link and keep it open.
 * @param {LinkSettings} settings
 */
export function openLink(settings) {
  const {env, relay = null} = settings;
  const backoff = createBackoff(env.random);
  /** @type {Place} */
  const place = {lastId: '', needsSnapshot: settings.snapshotUrl !== null, resetAt: -Infinity, askedAt: null, heardAt: env.now()};
  let closed = false;
  let abort = new AbortController();
  /** Ends the waiting before the next attempt. @type {() => void} */
  let wake = () => {};
  /** The next attempt is to follow at once. */
  let hurried = false;
  const states = createTeller(env, (state) => {
    settings.onState(state);
    relay?.state(state);
  });

  const run = async () => {
    await relay?.start(() => abort.abort(), (what) => (what === 'look' ? look() : retry()));
    while (!closed) {
      const wait = await attempt();
      if (wait === null || closed) return;
      if (hurried) continue;
      await new Promise((resolve) => {
        const timer = env.setTimeout(() => resolve(null), wait);
        wake = () => { env.clearTimeout(timer); resolve(null); };
      });
    }
  };

  /** One attempt; how long to wait for the next, or null when there is none. @returns {Promise<number | null>} */
  const attempt = async () => {
    abort = new AbortController();
    hurried = false;
    states.trying();
    try {
      if (place.needsSnapshot) await loadSnapshot(settings, place, abort.signal);
      const ending = relay && !relay.leads() ? await hear(relay) : await follow(settings, place, abort, backoff, take);
      if (closed) return null;
      if (ending === 'turn') return 0;
      if (ending === 'reset') return resetDelay(place, env); // the link is well
      states.lost();
      return ending ?? backoff.next();
    } catch (error) {
      if (closed) return null;
      if (hurried) return 0;
      if (error instanceof Refused) return states.refused(error.status);
      if (relay && !relay.leads()) return 0; // another tab has taken over
      states.lost();
      return backoff.next(error instanceof Later ? error.ms : 0);
    } finally {
      abort.abort();
    }
  };

  /** Give up an attempt that has no answer yet, and make the next one at once. */
  const hurry = () => {
    if (place.askedAt !== null) {
      hurried = true;
      abort.abort();
    }
    wake();
  };

  /** Take one event, wherever it came from. @param {import('./relay.js').Told} told @returns {'reset' | number | null} */
  const take = ({event, body, id}) => {
    place.heardAt = env.now();
    /** @type {'reset' | number | null} */
    let ending = null;
    if (event === 'bye') ending = Math.max(0, Number(body?.retry_ms) || 1000);
    if (event === 'reset') ending = takeReset(settings, place, body, id);
    if (event !== 'bye') states.heard(event, Number(body?.replayed) || 0);
    settings.onEvent(event, body, id);
    // Only what has been taken moves our place: `hello` and `ping` tell the server's, which a replay has yet to reach.
    if (event === 'message') place.lastId = id || place.lastId;
    else if (event === 'hello') place.lastId ||= body?.id || id || '';
    return ending;
  };

  /** Hear what the reading tab tells. @param {import('./relay.js').Relay} from @returns {Promise<'turn' | 'reset'>} */
  const hear = async (from) => {
    const ending = await from.follow({from: () => place.lastId, signal: abort.signal, take, state: settings.onState});
    if (ending === 'gap') place.needsSnapshot = settings.snapshotUrl !== null;
    return ending === 'turn' ? 'turn' : 'reset';
  };

  const retry = () => {
    if (relay && !relay.leads()) return relay.nudge('retry');
    states.again();
    return hurry();
  };

  /** Timers are held back where nobody looks, the clock goes on. @param {number} silence ms after which a link is not trusted */
  const doubt = (silence) => {
    const now = env.now();
    if (relay && !relay.leads()) relay.look();
    else if (place.askedAt === null && now - place.heardAt > silence) abort.abort();
    else if (place.askedAt !== null && now - place.askedAt > ANSWER_MS) hurry();
  };

  const look = () => {
    doubt(LOOKED_AT_MS);
    wake();
  };

  run();
  return {
    /** Try now rather than later (the user asks, the browser is online again). */
    retry,
    /** Somebody looks again: a link that has been silent while nobody did is not trusted. */
    look,
    /** Is it silent for too long, by the clock? A machine that slept has held the timers back. */
    check() { doubt(SILENCE_MS); },
    /** A new token, for the next attempt. @param {string} token */
    renew(token) { settings.token = token; },
    close() {
      closed = true;
      relay?.close();
      states.close();
      abort.abort();
      wake();
    },
  };
}

/**
 * Get the rows and the event id at which they were true.
 * @param {LinkSettings} settings
 * @param {Place} place
 * @param {AbortSignal} signal
 */
async function loadSnapshot({snapshotUrl, token, env, onSnapshot}, place, signal) {
  const limit = new AbortController();
  const timer = env.setTimeout(() => limit.abort(), SNAPSHOT_MS);
  const stop = () => limit.abort();
  signal.addEventListener('abort', stop);
  try {
    const answer = await answered(env, /** @type {string} */ (snapshotUrl), authorize(token, {Accept: 'application/json'}), limit, place);
    check(answer, env);
    const snapshot = await answer.json();
    if (!Array.isArray(snapshot?.rows)) throw new Error('not a snapshot');
    onSnapshot(snapshot, Date.parse(answer.headers.get('date') ?? '') / 1000);
    place.lastId = snapshot.id || '';
    place.needsSnapshot = false;
  } finally {
    env.clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

/**
 * Read the stream to its end: 'reset', the delay that `bye` asks for, or null.
 * @param {LinkSettings} settings
 * @param {Place} place
 * @param {AbortController} abort
 * @param {ReturnType<typeof createBackoff>} backoff
 * @param {(told: import('./relay.js').Told) => 'reset' | number | null} take
 * @returns {Promise<'reset' | number | null>}
 */
async function follow(settings, place, abort, backoff, take) {
  const {env, streamUrl, token, relay} = settings;
  /** @type {Record<string, string>} */
  const resume = place.lastId ? {'Last-Event-ID': place.lastId} : {};
  const answer = await answered(env, streamUrl, authorize(token, {Accept: 'text/event-stream', ...resume}), abort, place);
  check(answer, env);
  if (!answer.body || !answer.headers.get('content-type')?.startsWith('text/event-stream')) {
    throw new Error('not an event stream');
  }
  const openedAt = env.now();
  relay?.begin(place.lastId);
  /** @type {'reset' | number | null} */
  let ending = null;
  await readEvents(answer.body, {
    env,
    onRetry: backoff.setBase,
    onEvent: ({event, data, id}) => {
      if (ending !== null) return; // what follows belongs to a later reading
      const body = parse(data);
      if (event !== 'bye') relay?.tell({event, body, id});
      ending = take({event, body, id});
      if (env.now() - openedAt > STEADY_MS) backoff.success();
      if (ending !== null) abort.abort();
    },
  }).catch((error) => { if (ending === null) throw error; });
  return ending;
}

/**
 * Ask, and wait for the answer's headers, but not for ever: a server or a proxy that hangs takes connections, too.
 * @param {Env} env
 * @param {string} url
 * @param {Record<string, string>} headers
 * @param {AbortController} abort
 * @param {Place} place
 */
async function answered(env, url, headers, abort, place) {
  const timer = env.setTimeout(() => abort.abort(), ANSWER_MS);
  place.askedAt = env.now();
  try {
    const answer = await env.fetch(url, {headers, cache: 'no-store', signal: abort.signal});
    place.heardAt = env.now();
    return answer;
  } finally {
    place.askedAt = null;
    env.clearTimeout(timer);
  }
}

/**
 * With a snapshot: get it again and open the stream from it. Without: go on from here.
 * @param {LinkSettings} settings
 * @param {Place} place
 * @param {any} body
 * @param {string | undefined} id
 * @returns {'reset' | null}
 */
function takeReset(settings, place, body, id) {
  place.lastId = id || body?.id || '';
  if (settings.snapshotUrl === null) return null;
  place.needsSnapshot = true;
  return 'reset';
}

/**
 * A first reset is obeyed at once; a second one soon after means that the snapshot was still the old one.
 * @param {Place} place
 * @param {Env} env
 */
function resetDelay(place, env) {
  const soon = env.now() - place.resetAt < 10_000;
  place.resetAt = env.now();
  return soon ? 1000 + 1500 * env.random() : 0;
}

/** @param {Response} answer @param {Env} env */
function check(answer, env) {
  if (answer.ok) return;
  if (FINAL.has(answer.status)) throw new Refused(answer.status);
  throw new Later(retryAfter(answer.headers.get('retry-after'), env.now()));
}

/** @param {string} data */
function parse(data) {
  try {
    return JSON.parse(data);
  } catch {
    return null; // not ours: whoever publishes on the channel may send anything
  }
}
