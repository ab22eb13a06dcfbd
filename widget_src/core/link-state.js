// What is told of the link: live, connecting, degraded, offline since when, refused.
/**
 * @typedef {import('./types.js').Env} Env
 * @typedef {import('./types.js').LinkState} LinkState
 */

/** A cut that is mended sooner, at the first attempt, is only "connecting"; else it is told as offline. */
const GRACE_MS = 5000;

/**
 * Tell the link's state, each once.
 * @param {Env} env
 * @param {(state: LinkState) => void} onState
 */
export function createTeller(env, onState) {
  /** @type {LinkState} */
  let state = {kind: 'none'};
  let lostAt = 0;
  /** Missed changes that have yet to come. */
  let missed = 0;
  /** @type {unknown} */
  let grace = null;
  /** @param {LinkState} next */
  const tell = (next) => {
    if (next.kind === state.kind && next.since === state.since) return;
    state = next;
    onState(next);
  };
  const offline = () => tell({kind: 'offline', since: lostAt});
  return {
    trying() { if (state.kind === 'none') tell({kind: 'connecting'}); },
    /** Somebody asks for another attempt. */
    again() { if (state.kind === 'offline') tell({kind: 'connecting', since: lostAt}); },
    /** @param {string} event @param {number} [replayed] what `hello` says */
    heard(event, replayed = 0) {
      env.clearTimeout(grace);
      lostAt = 0;
      missed = event === 'hello' ? replayed : event === 'message' && missed > 0 ? missed - 1 : 0;
      if (missed > 0) tell({kind: 'catching', n: event === 'hello' ? missed : state.n});
      else if (event === 'degraded') tell({kind: 'degraded', since: env.now()});
      else if (state.kind !== 'degraded' || event === 'recovered' || event === 'hello') tell({kind: 'live'});
    },
    lost() {
      if (lostAt) return offline(); // an attempt has failed
      const never = state.kind === 'connecting';
      lostAt = env.now();
      if (never) return offline();
      tell({kind: 'connecting'});
      grace = env.setTimeout(offline, GRACE_MS);
    },
    /** @param {number} status @returns {null} */
    refused(status) {
      env.clearTimeout(grace);
      tell({kind: 'refused', status, since: env.now()});
      return null;
    },
    close() { env.clearTimeout(grace); },
  };
}
