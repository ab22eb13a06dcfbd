import assert from 'node:assert/strict';
import test from 'node:test';
import {BEAT_MS, createRelay} from './relay.js';
import {fakeTime} from './testing.js';

/** A browser with tabs: one lock, one channel. */
function browser() {
  const time = fakeTime();
  const tabs = new Set();
  let holder = null;
  const queue = [];
  let names = 0;
  const next = () => {
    if (holder || !queue.length) return;
    const wanted = queue.shift();
    holder = wanted;
    Promise.resolve(wanted.hold({})).then(() => { if (holder === wanted) { holder = null; wanted.done(); next(); } });
  };
  const request = (name, options, hold) => new Promise((done, fail) => {
    const wanted = {hold, done, fail};
    if (options.ifAvailable && (holder || queue.length)) return done(Promise.resolve(hold(null)));
    if (options.steal && holder) {
      holder.fail(new Error('AbortError'));
      holder = null;
      queue.unshift(wanted);
    } else queue.push(wanted);
    return next();
  });
  const open = async (deaf = false) => {
    const heard = {take: null, messages: 0};
    const channel = {
      post: (message) => { for (const tab of tabs) if (tab !== heard && !tab.frozen) queueMicrotask(() => { tab.messages += 1; tab.take?.(structuredClone(message)); }); },
      listen: (take) => { heard.take = take; }, close: () => tabs.delete(heard),
    };
    tabs.add(heard);
    names += 1;
    const relay = createRelay({locks: {request: deaf ? () => Promise.reject(new Error('SecurityError')) : request}, channel, name: 'x',
      env: {...time, fetch, random: () => names / 10}});
    const log = {turned: 0, nudges: [], took: [], states: [], clock: null};
    await relay.start(() => { log.turned += 1; }, (what) => log.nudges.push(what));
    const place = {id: ''};
    const follow = (from) => {
      place.id = from;
      const abort = new AbortController();
      log.ending = null;
      relay.follow({from: () => place.id, signal: abort.signal, state: (state) => log.states.push(state.kind),
        take: ({event, body, id}) => { log.took.push(id ?? event); log.clock = body?.at ?? log.clock; if (id) place.id = id; return event === 'reset' ? 'reset' : null; }}).then((how) => { log.ending = how; });
      return abort;
    };
    return {relay, log, follow, heard};
  };
  return {time, open};
}

const message = (n) => ({event: 'message', body: {row: n}, id: `7-${n}`});

test('a tab that is alone tells nobody, and all to the first one that comes', async () => {
  const {time, open} = browser();
  const [{relay}, ear] = [await open(), await open()];
  relay.begin('7-0');
  relay.state({kind: 'live'});
  for (let n = 1; n < 4; n += 1) relay.tell(message(n));
  await time.run(10);
  assert.deepEqual([ear.heard.messages, relay.leads()], [0, true]);
  ear.follow('7-1');
  await time.run(10);
  relay.tell(message(4));
  await time.run(10);
  assert.deepEqual([ear.log.took.filter((id) => id !== 'hello'), ear.log.states], [['7-2', '7-3', '7-4'], ['live']]);
});

test('the first tab reads, the others hear it from where their rows are', async () => {
  const {time, open} = browser();
  const [one, two] = [await open(), await open()];
  assert.deepEqual([one.relay.leads(), two.relay.leads()], [true, false]);
  one.relay.begin('7-5');
  one.relay.state({kind: 'live'});
  one.relay.tell({event: 'hello', body: {viewers: 1, id: '7-5'}, id: '7-5'});
  one.relay.tell(message(6));
  one.relay.tell(message(7));
  two.follow('7-6');
  await time.run(10);
  one.relay.tell(message(8));
  one.relay.tell({event: 'ping', body: {}, id: '7-8'});
  await time.run(10);
  assert.deepEqual([two.log.took, [...new Set(two.log.states)]], [['hello', '7-7', '7-8', '7-8'], ['live']]);
});

test('a tab that comes later is told what time it is at the server now', async () => {
  const {time, open} = browser();
  const [one, two] = [await open(), await open()];
  one.relay.begin('7-5');
  one.relay.tell({event: 'hello', body: {id: '7-5', at: 1000}, id: '7-5'});
  await time.run(90_000);
  two.follow('7-5');
  await time.run(10);
  assert.equal(two.log.clock, 1090);
});

test('when the reading tab closes, another one reads on', async () => {
  const {time, open} = browser();
  const [one, two] = [await open(), await open()];
  one.relay.begin('7-5');
  two.follow('7-5');
  await time.run(10);
  one.relay.close();
  await time.run(10);
  assert.ok(two.relay.leads());
  assert.equal(two.log.turned, 1);
});

test('what was missed on the way is asked for again; what is told twice is heard once', async () => {
  const {time, open} = browser();
  const [one, two] = [await open(), await open()];
  one.relay.begin('7-5');
  two.follow('7-5');
  await time.run(10);
  two.heard.frozen = true;
  one.relay.tell(message(6));
  await time.run(10);
  two.heard.frozen = false;
  one.relay.tell(message(7));
  await time.run(10);
  two.heard.take({kind: 'event', ...message(6), prev: '7-5'});
  await time.run(10);
  assert.deepEqual(two.log.took, ['7-6', '7-7']);
});

test('rows that are older than what is remembered, or of another epoch, are fetched anew', async () => {
  const {time, open} = browser();
  const [one, two] = [await open(), await open()];
  one.relay.begin('7-5');
  for (const from of ['7-3', '6-9', '8-1', '']) {
    two.follow(from);
    await time.run(10);
    assert.equal(two.log.ending, 'gap', from);
  }
  two.follow('7-5');
  await time.run(10);
  one.relay.tell({event: 'reset', body: {id: '8-1'}, id: '8-1'});
  await time.run(10);
  assert.equal(two.log.ending, 'reset');
  two.follow('8-1');
  await time.run(10);
  one.relay.tell({event: 'message', body: {}, id: '8-2'});
  await time.run(10);
  assert.equal(two.log.took.at(-1), '8-2');
});

test('a reading tab that the browser froze loses its place, and hears again when it wakes up', async () => {
  const {time, open} = browser();
  const [one, two] = [await open(), await open()];
  one.relay.begin('7-5');
  two.follow('7-5');
  await time.run(1000);
  one.relay.tell({event: 'ping', body: {}, id: '7-5'});
  await time.run(BEAT_MS - 1000);
  assert.ok(one.relay.leads(), 'a ping is a beat');
  one.heard.frozen = true;
  await time.run(BEAT_MS + 1000);
  assert.deepEqual([two.relay.leads(), one.relay.leads()], [true, false]);
  assert.ok(one.log.turned >= 2, 'it stops reading');
});

test('a tab that comes later is told how the link is', async () => {
  const {time, open} = browser();
  const one = await open();
  one.relay.begin('7-5');
  one.relay.state({kind: 'degraded'});
  await time.run(10);
  const two = await open();
  two.follow('7-5');
  await time.run(10);
  assert.deepEqual(two.log.states, ['degraded']);
});

test('who inherited the stream and is frozen loses it, too', async () => {
  const {time, open} = browser();
  const [one, two, three] = [await open(), await open(), await open()];
  one.relay.close();
  await time.run(10);
  assert.ok(two.relay.leads());
  two.relay.begin('7-5');
  three.follow('7-5');
  two.heard.frozen = true;
  await time.run(BEAT_MS + 1000);
  assert.deepEqual([three.relay.leads(), two.relay.leads()], [true, false], 'else both would read');
});

test('a thousand changes are remembered, not all', async () => {
  const {time, open} = browser();
  const [one, two] = [await open(), await open()];
  one.relay.begin('7-0');
  for (let n = 1; n <= 5000; n += 1) one.relay.tell(message(n));
  two.follow('7-4500');
  await time.run(10);
  assert.deepEqual([two.log.took.length, two.log.took.at(-1)], [500, '7-5000']);
  two.follow('7-100');
  await time.run(10);
  assert.equal(two.log.ending, 'gap');
});

test('where there are no locks each tab reads for itself', async () => {
  const {open} = browser();
  const [one, two] = [await open(true), await open(true)];
  assert.ok(one.relay.leads() && two.relay.leads());
});

test('a tab that was frozen asks for a sign of life before it takes the stream over', async () => {
  const {time, open} = browser();
  const [one, two] = [await open(), await open()];
  one.relay.begin('7-5');
  two.follow('7-5');
  await time.run(10);
  two.heard.frozen = true; // its timers, too: the clock jumps over the beat
  time.skip(BEAT_MS + 60_000);
  two.heard.frozen = false;
  await time.run(10);
  assert.ok(one.relay.leads() && !two.relay.leads(), 'the reading tab was there all the time');
  one.heard.frozen = true;
  two.heard.frozen = true;
  time.skip(BEAT_MS + 60_000);
  two.heard.frozen = false;
  await time.run(5000);
  assert.ok(two.relay.leads(), 'it gave no sign');
});

test('who looks at a tab that only hears has the reading one look at its link, and try again', async () => {
  const {time, open} = browser();
  const [one, two] = [await open(), await open()];
  one.relay.begin('7-5');
  two.follow('7-5');
  await time.run(10);
  two.relay.look();
  two.relay.nudge('retry');
  await time.run(10);
  assert.deepEqual([one.log.nudges, two.log.nudges], [['look', 'retry'], []]);
});
