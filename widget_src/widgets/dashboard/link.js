// Opening the live link: where to, with which token, alone or together with this browser's other tabs.
import {ApiError} from '../../core/api.js';
import {snapshotAddress} from '../../core/address.js';
import {openLink} from '../../core/link.js';
import {linkSettings} from '../../core/settings.js';
import {browserRelay} from '../../host/share.js';
import {recall, recallHere, remember, rememberHere} from '../../host/storage.js';
/**
 * @typedef {import('./state.js').State} State
 * @typedef {object} Means
 * @property {State} state
 * @property {ReturnType<typeof import('./config.js').readConfig>} config
 * @property {import('../../core/types.js').Host} host
 * @property {import('../../core/types.js').Env} env
 * @property {import('./asks.js').Asks} asks
 * @property {() => void} frame
 * @property {(snapshot: any, at: number) => void} onSnapshot
 * @property {(event: string, body: any, id: string | undefined) => void} onEvent
 */

/** How long to wait before a token is asked for again, where the server or Grist didn't answer. */
const AGAIN_MS = 15_000;

/** Where a tab keeps a token until it is known whether it opens the board. */
const ARRIVING = `token:${location.pathname}`;

/** Take the token out of the address at once: people send addresses to others. @param {Means['config']} config */
function clearAddress(config) {
  const rest = new URLSearchParams(location.search);
  if (config.token) rememberHere(ARRIVING, config.token);
  else config.token = recallHere(ARRIVING) ?? '';
  if (!rest.has('token')) return;
  rest.delete('token');
  history.replaceState(history.state, '', location.pathname + (String(rest) && `?${rest}`) + location.hash);
}

/** @param {Means} means */
export function createLive(means) {
  const {state, config, host, env, asks, frame} = means;
  if (config.standalone) clearAddress(config);
  /** @type {ReturnType<typeof openLink> | null} */
  let link = null;
  /** @type {unknown} */
  let renewal;
  let asking = false;
  /** Asks for a token now, where one has to be waited for. */
  let askNow = () => {};

  /** @param {import('../../core/types.js').LinkState} next */
  const setLink = (next) => {
    const before = state.link.kind;
    state.link = next;
    document.body.dataset.link = next.kind;
    if (next.kind === 'live' || next.kind === 'refused') settle(next.kind === 'live');
    if (next.kind === 'live' && before !== 'live') asks.live();
    frame();
  };

  /** What becomes of the token that came in the address: one that opens the board is kept in this browser. @param {boolean} opens */
  const settle = (opens) => {
    const {stream, token} = state.connection;
    if (!config.standalone || !config.token || !stream) return;
    config.token = '';
    rememberHere(ARRIVING, null);
    if (opens) remember(`token:${stream}`, token);
  };

  const stop = () => {
    link?.close();
    link = null;
    askNow = () => {};
    env.clearTimeout(renewal);
    state.latency.forget();
  };

  /** Does the board open by what Grist says its user may read? */
  const byGrist = () => host.accessToken && (state.feed.board.access === 'grist' || state.options.access === 'grist')
    && !state.connection.token;

  /** Get a viewer token for a token of Grist's; go on with it, or say why there is none. @param {string} stream */
  const grant = async (stream) => {
    if (asking) return;
    asking = true;
    env.clearTimeout(renewal);
    try {
      state.granted = await asks.grant(stream);
      state.problem = '';
      if (link) link.renew(state.granted.token);
      else open(stream, state.granted.token);
      asks.connect();
      const left = state.granted.expires * 1000 - env.now() - state.feed.clock.skew;
      renewal = env.setTimeout(() => grant(stream), Math.max(1000, left * (2 / 3 + env.random() * 0.25)));
    } catch (error) {
      const {status, body} = error instanceof ApiError ? error : new ApiError(0);
      const final = status === 403 || status === 401 || status === 404;
      if (final) refused(body?.reason === 'partial' ? 'problem.partial' : 'problem.token');
      else {
        if (!link && state.link.kind !== 'offline') setLink({kind: 'offline', since: env.now()});
        askNow = () => { grant(stream); };
        renewal = env.setTimeout(askNow, AGAIN_MS * (1 + env.random()));
      }
    }
    asking = false;
    frame();
  };

  /** Grist doesn't let this reader see the whole: the stream ends, the rows go on by Grist alone. @param {string} problem */
  const refused = (problem) => {
    stop();
    state.granted = null;
    state.problem = problem;
    setLink({kind: 'none'});
  };

  /** @param {string} stream @param {string} token */
  const open = (stream, token) => {
    setLink({kind: 'connecting'});
    const alone = host.kind === 'standalone';
    link = openLink({
      streamUrl: stream, token, env, snapshotUrl: alone ? snapshotAddress(stream) : null,
      relay: alone ? browserRelay(`grist-live ${stream} ${token}`, env) : null,
      onSnapshot: means.onSnapshot, onEvent: means.onEvent, onState: setLink,
    });
  };

  return {
    /** Open the link that the settings ask for, if it isn't open already. */
    connect() {
      const connection = linkSettings({config, options: state.options, board: state.feed.board.name, page: location.href,
        storedToken: (stream) => recall(`token:${stream}`)});
      const same = connection.stream === state.connection.stream && connection.token === state.connection.token;
      state.connection = connection;
      if ((link || asking || state.granted) && same && state.link.kind !== 'refused') return;
      stop();
      state.granted = null;
      asks.connect();
      if (!connection.stream) return setLink({kind: 'none'});
      if (!byGrist()) return open(connection.stream, connection.token);
      if (state.access === 'full') {
        setLink({kind: 'connecting'});
        grant(connection.stream);
      } else if (state.access !== 'none') refused('problem.full');
    },
    retry: () => (link ? link.retry() : askNow()),
    look: () => link?.look(),
    check: () => link?.check(),
  };
}
