// Tabs of one browser share one stream: the tab that holds a lock reads it, and tells the others by a channel.
import {compare} from './timeline.js';
/**
 * @typedef {import('./types.js').Env} Env
 * @typedef {{event: string, body: any, id: string | undefined}} Told
 * @typedef {{post(message: any): void, listen(take: (message: any) => void): void, close(): void}} Channel
 * @typedef {{request(name: string, options: object, hold: (lock: object | null) => Promise<void> | void): Promise<unknown>}} Locks
 * @typedef {ReturnType<typeof createRelay>} Relay
 */

/** What a tab that comes later, or was frozen, can be told again. */
const KEPT = 2000;
/** The reader of the stream passes on pings; when none comes for this long, it is frozen or gone. */
export const BEAT_MS = 40_000;
const ASK_AGAIN_MS = 2000;

/**
 * @param {{locks: Locks, channel: Channel, name: string, env: Env}} means name: of the lock; the same stream and token
 */
export function createRelay({locks, channel, name, env}) {
  const self = `${env.random()}`.slice(2);
  let leads = false;
  let closed = false;
  /** No other tab has been heard yet: what is told would be copied for nobody. */
  let alone = true;
  /** What the stream's reader has told, from `from` on; `clock`: the server's minus ours. @type {{from: string, told: Told[], hello: any, state: any, clock: number | null}} */
  const kept = {from: '', told: [], hello: null, state: null, clock: null};
  let release = () => {};
  /** Ends the present way of reading. */
  let turn = () => {};
  /** Another tab wishes something of the reading one. @type {(what: string) => void} */
  let nudged = () => {};
  /** Is the reading tab still there? */
  let look = () => {};
  /** @type {(message: any) => void} */
  let hear = () => {};

  const hold = () => new Promise((/** @type {(value?: any) => void} */ done) => {
    release = done;
    leads = true;
    turn();
  });
  /** @param {object} options */
  const want = (options) => locks.request(name, options, (lock) => {
    alone = false; // there was another one before us
    return lock && !closed ? hold() : undefined;
  }).then(() => true, () => false);
  const queue = () => { want({}).then((held) => { if (!held && !closed && leads) deposed(); }); };
  const deposed = () => { // another tab took the lock while we were frozen
    leads = false;
    turn();
    queue();
  };
  const steal = () => { want({steal: true}).then((held) => { if (!held && !closed && leads) deposed(); }); };

  channel.listen((message) => {
    alone = false;
    if (message?.to && message.to !== self) return;
    if (message?.kind === 'join' && leads) answer(message);
    else if (message?.kind === 'nudge' && leads) nudged(message.what);
    else if (!leads) hear(message);
  });

  /** @param {any} message */
  const post = (message) => { if (!alone) channel.post(message); };

  /** @param {{who: string, from: string}} message */
  const answer = ({who, from}) => {
    const last = kept.told.at(-1)?.id || kept.from;
    const known = kept.from !== '' && from.split('-')[0] === kept.from.split('-')[0] && compare(from, kept.from) >= 0;
    const told = known ? kept.told.filter((one) => compare(/** @type {string} */ (one.id), from) > 0) : [];
    const hello = kept.hello && {...kept.hello, at: kept.clock === null ? null : (env.now() + kept.clock) / 1000};
    channel.post({kind: 'answer', to: who, known, told, last, hello, state: kept.state});
  };

  return {
    leads: () => leads,
    /**
     * Find out who reads; resolves when it is known.
     * @param {() => void} turned called when that changes
     * @param {(what: 'retry' | 'look') => void} [nudge] called when another tab's reader wants it
     */
    async start(turned, nudge) {
      turn = () => turned();
      nudged = /** @type {(what: string) => void} */ (nudge ?? (() => {}));
      /** @type {(value?: unknown) => void} */
      let known = () => {};
      const decided = new Promise((resolve) => { known = resolve; });
      const first = locks.request(name, {ifAvailable: true}, (lock) => {
        const holding = lock && !closed ? hold() : undefined;
        known();
        return holding;
      });
      first.then(() => { if (!closed && !leads) queue(); }, () => {
        if (leads) deposed();
        else { leads = true; known(); } // no locks here: each tab reads for itself
      });
      await decided;
    },
    /** Have the reading tab do something. @param {'retry' | 'look'} what */
    nudge(what) { channel.post({kind: 'nudge', what}); },
    /** Somebody looks at this tab: does the one that reads still do so, and its link? */
    look() {
      channel.post({kind: 'nudge', what: 'look'});
      look();
    },
    /** Reading begins at this place. @param {string} from */
    begin(from) { if (kept.told.at(-1)?.id !== from) Object.assign(kept, {from, told: []}); },
    /** @param {Told} told */
    tell({event, body, id}) {
      if (!leads) return;
      const prev = kept.told.at(-1)?.id || kept.from;
      if ((event === 'hello' || event === 'ping') && body?.at > 0) kept.clock = body.at * 1000 - env.now();
      if (event === 'hello') {
        kept.hello = {...body, replayed: 0};
        kept.from ||= body?.id || '';
      } else if (event === 'reset') Object.assign(kept, {from: id || body?.id || '', told: []});
      else if (event === 'message' && id) kept.told.push({event, body, id});
      if (kept.told.length > KEPT) kept.from = kept.told.splice(0, KEPT / 2).at(-1)?.id ?? '';
      post({kind: 'event', event, body, id, prev});
    },
    /** @param {any} state */
    state(state) {
      if (!leads) return;
      kept.state = state;
      post({kind: 'state', state});
    },
    /**
     * Hear what the reading tab tells, from an id on, until it is our turn to read ('turn'), or rows have to be
     * fetched anew ('gap').
     * @param {{from: () => string, signal: AbortSignal, take: (told: Told) => 'reset' | number | null, state: (state: any) => void}} how
     * @returns {Promise<'turn' | 'gap' | 'reset'>}
     */
    follow({from, signal, take, state}) {
      return new Promise((resolve) => {
        let chain = '';
        /** What comes before an answer is in the answer. */
        let waits = true;
        /** @type {unknown} */
        let asking;
        /** @type {unknown} */
        let beat;
        let aliveAt = env.now();
        /** We were late ourselves, so it was asked for a sign. */
        let asked = false;
        const end = (/** @type {'turn' | 'gap' | 'reset'} */ how) => {
          env.clearTimeout(asking);
          env.clearTimeout(beat);
          hear = () => {};
          look = () => {};
          resolve(how);
        };
        const ask = () => {
          env.clearTimeout(asking);
          waits = true;
          channel.post({kind: 'join', who: self, from: from()});
          asking = env.setTimeout(ask, ASK_AGAIN_MS);
        };
        const alive = () => {
          aliveAt = env.now();
          asked = false;
          env.clearTimeout(beat);
          beat = env.setTimeout(missing, BEAT_MS);
        };
        // The timers of a hidden tab are late, and those of one that was frozen go off before what was told meanwhile.
        const missing = () => {
          if (asked || env.now() - aliveAt < BEAT_MS + ASK_AGAIN_MS) return steal();
          asked = true;
          ask();
          env.clearTimeout(beat);
          beat = env.setTimeout(missing, ASK_AGAIN_MS);
        };
        look = () => { if (!asked && env.now() - aliveAt > BEAT_MS) missing(); };
        hear = (message) => {
          if (message.kind === 'state') state(message.state);
          if (message.kind === 'answer' && waits) {
            env.clearTimeout(asking);
            waits = false;
            alive();
            if (message.state) state(message.state);
            if (!message.known) return end('gap');
            chain = message.last;
            if (message.hello) take({event: 'hello', body: message.hello, id: undefined});
            for (const told of message.told) take(told);
          }
          if (message.kind !== 'event') return;
          alive();
          if (waits) return;
          const {event, body, id, prev} = message;
          if (event === 'message' && id) {
            if (chain && sameEpoch(id, chain) && compare(id, chain) <= 0) return; // told again by a tab that woke up
            if (prev !== chain) return ask();
            chain = id;
          }
          if (take({event, body, id}) === 'reset') end('reset');
        };
        signal.addEventListener('abort', () => end('turn'), {once: true});
        ask();
        alive();
      });
    },
    close() {
      closed = true;
      leads = false;
      release();
      channel.close();
    },
  };
}

/** @param {string} a @param {string} b */
const sameEpoch = (a, b) => a.split('-')[0] === b.split('-')[0];
