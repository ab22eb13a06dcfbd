import assert from 'node:assert/strict';
import test from 'node:test';
import {createBackoff, retryAfter} from './backoff.js';
import {openLink} from './link.js';
import {fakeTime} from './testing.js';

const encode = (text) => new TextEncoder().encode(text);

/** A server in a few lines: each request takes the next answer, or waits for one. */
function server(...answers) {
  const requests = [];
  const streams = [];
  const fetch = async (url, {headers, signal}) => {
    requests.push({url, headers});
    const answer = answers.shift() ?? {};
    if (answer.fails) throw new TypeError('network');
    if (answer.hangs) return new Promise((_, fail) => { signal.addEventListener('abort', () => fail(new Error('aborted'))); });
    if (answer.status) return {ok: false, status: answer.status, headers: new Headers(answer.headers)};
    if (answer.json) return {ok: true, status: 200, headers: new Headers(answer.headers), json: async () => (await answer.takes, answer.json)};
    let control;
    const body = new ReadableStream({start(c) { control = c; }});
    signal.addEventListener('abort', () => { try { control.error(new Error('aborted')); } catch { /* closed */ } });
    streams.push({send: (text) => control.enqueue(encode(text)), close: () => control.close(), break: () => control.error(new Error('cut'))});
    if (answer.text) control.enqueue(encode(answer.text));
    return {ok: true, status: 200, headers: new Headers({'content-type': answer.type ?? 'text/event-stream; charset=utf-8'}), body};
  };
  return {fetch, requests, streams};
}

const HELLO = 'event: hello\ndata: {"id":"e-5","replayed":0}\n\n';
const SNAPSHOT = {json: {id: 'e-5', rows: []}};

function start(answers, {snapshot = false, token = '', random = () => 0.5, env = {}} = {}) {
  const time = fakeTime();
  const host = server(...answers);
  const log = {states: [], events: [], snapshots: 0};
  const link = openLink({
    streamUrl: 'http://s/boards/b/stream', snapshotUrl: snapshot ? 'http://s/boards/b/snapshot' : null, token,
    env: {...time, fetch: host.fetch, random, ...env},
    onSnapshot: (_, at) => { log.snapshots += 1; log.at = at; },
    onEvent: (event, body, id) => log.events.push([event, body, id]),
    onState: ({kind}) => log.states.push(kind),
  });
  return {time, link, log, ...host};
}

test('it works: snapshot, then the stream from where it was taken', async () => {
  const {time, log, requests, streams, link} = start([SNAPSHOT, {text: HELLO}], {snapshot: true, token: 'abc'});
  await time.run(10);
  assert.deepEqual(requests.map((r) => [r.url.split('/').pop(), r.headers['Last-Event-ID'], r.headers.Authorization]),
    [['snapshot', undefined, 'Bearer abc'], ['stream', 'e-5', 'Bearer abc']]);
  streams[0].send('id: e-6\ndata: {"row":1}\n\n');
  await time.run(10);
  assert.deepEqual(log.events.at(-1), ['message', {row: 1}, 'e-6']);
  assert.deepEqual(log.states, ['connecting', 'live']);
  link.close();
});

test('a snapshot brings the server’s time, where that may be read', async () => {
  for (const [headers, at] of [[{date: 'Thu, 01 Jan 1970 00:16:40 GMT'}, 1000], [{}, NaN]]) {
    const {time, log, link} = start([{...SNAPSHOT, headers}, {text: HELLO}], {snapshot: true});
    await time.run(10);
    assert.equal(log.at, at);
    link.close();
  }
});

test('what is no token is not sent, rather than taken for a server that is away', async () => {
  const {time, log, requests, link} = start([{text: HELLO}], {token: 'jeton d’accès\n'});
  await time.run(10);
  assert.ok(!('Authorization' in requests[0].headers));
  assert.deepEqual(log.states, ['connecting', 'live']);
  link.close();
});

test('no token, no header', async () => {
  const {time, requests, link} = start([{text: HELLO}]);
  await time.run(10);
  assert.ok(!('Authorization' in requests[0].headers));
  link.close();
});

test('after a cut it resumes from the last event, and says so only when it lasts', async () => {
  const {time, log, requests, streams, link} = start([{text: `${HELLO}id: e-7\ndata: {}\n\n`}, {text: HELLO}]);
  await time.run(6000);
  streams[0].break();
  await time.run(600);
  assert.equal(requests[1].headers['Last-Event-ID'], 'e-7');
  assert.deepEqual(log.states, ['connecting', 'live', 'connecting', 'live']);
  link.close();
});

test('the place that hello tells is not ours while its replay is on the way', async () => {
  const {time, requests, streams, link} = start([{text: `${HELLO}id: e-7\ndata: {}\n\n`}, {text: 'event: hello\nid: e-20\ndata: {"id":"e-20","replayed":13}\n\n'}, {}]);
  await time.run(10);
  streams[0].break();
  await time.run(600);
  streams[1].break(); // before the first of the 13
  await time.run(2000);
  assert.equal(requests[2].headers['Last-Event-ID'], 'e-7');
  link.close();
});

test('without a snapshot the first place is the one that hello tells', async () => {
  const {time, requests, streams, link} = start([{text: HELLO}, {text: HELLO}]);
  await time.run(10);
  streams[0].close();
  await time.run(2000);
  assert.deepEqual(requests.map((r) => r.headers['Last-Event-ID']), [undefined, 'e-5']);
  link.close();
});

test('failures wait longer and longer, and are offline', async () => {
  const {time, log, requests, link} = start(Array(30).fill({fails: true}));
  const waits = [];
  for (let i = 0; i < 9; i += 1) {
    await time.run(0);
    waits.push(time.pending()[0]);
    await time.run(time.pending()[0]);
  }
  assert.deepEqual(waits, [375, 750, 1500, 3000, 6000, 12000, 22500, 22500, 22500]);
  assert.deepEqual(log.states, ['connecting', 'offline']);
  assert.equal(requests.length, 10);
  link.close();
});

test('a link that has lasted starts again from the shortest wait', async () => {
  const {time, streams, requests, link} = start([...Array(5).fill({fails: true}), {text: HELLO}, {text: HELLO}]);
  await time.run(20_000);
  assert.equal(requests.length, 6);
  streams[0].send('event: ping\ndata: {}\n\n');
  await time.run(10);
  streams[0].close();
  await time.run(600);
  assert.equal(requests.length, 7, 'not after half a minute');
  link.close();
});

test('Retry-After is the least it waits', async () => {
  const {time, requests, link} = start([{status: 503, headers: {'Retry-After': '20'}}, {text: HELLO}]);
  await time.run(19_900);
  assert.equal(requests.length, 1);
  await time.run(2000);
  assert.equal(requests.length, 2);
  link.close();
});

test('401, 403 and 404 are final', async () => {
  for (const status of [401, 403, 404]) {
    const {time, log, requests} = start([{status}]);
    await time.run(120_000);
    assert.deepEqual([requests.length, log.states.at(-1)], [1, 'refused']);
  }
});

test('anything else is tried again: a page in place of the stream, 500, 429', async () => {
  const {time, log, requests, link} = start([{type: 'text/html'}, {status: 500}, {status: 429}, {text: HELLO}]);
  await time.run(20_000);
  assert.equal(requests.length, 4);
  assert.equal(log.states.at(-1), 'live');
  link.close();
});

test('a link that is silent for 38 s is dead, so that 45 s after the last ping it is told; a ping keeps it', async () => {
  const {time, requests, streams, link} = start([{text: HELLO}, {text: HELLO}]);
  await time.run(30_000);
  streams[0].send('event: ping\ndata: {}\n\n');
  await time.run(37_000);
  assert.equal(requests.length, 1);
  await time.run(3000);
  assert.equal(requests.length, 2);
  link.close();
});

test('missed changes are told while they come', async () => {
  const {time, log, streams, link} = start([{text: 'event: hello\ndata: {"id":"e-5","replayed":2}\n\n'}]);
  await time.run(10);
  assert.deepEqual(log.states, ['connecting', 'catching']);
  streams[0].send('id: e-6\ndata: {"row":1}\n\n');
  await time.run(10);
  assert.equal(log.states.at(-1), 'catching');
  streams[0].send('id: e-7\ndata: {"row":2}\n\n');
  await time.run(10);
  assert.deepEqual(log.states, ['connecting', 'catching', 'live']);
  link.close();
});

test('who looks again at a link that was silent meanwhile gets another one at once', async () => {
  const {time, requests, link} = start([{text: HELLO}, {text: HELLO}]);
  await time.run(20_000);
  link.look();
  await time.run(10);
  assert.equal(requests.length, 1, 'silent for less than a ping and a half: it may well be there');
  await time.run(10_000);
  link.look();
  await time.run(2000);
  assert.equal(requests.length, 2);
  link.close();
});

test('reset gets the snapshot again and opens the stream from it', async () => {
  const {time, log, requests, link} = start([SNAPSHOT, {text: `${HELLO}event: reset\ndata: {"id":"f-9"}\n\ndata: {"row":1}\n\n`},
    {json: {id: 'f-9', rows: []}}, {text: HELLO}], {snapshot: true});
  await time.run(10);
  assert.equal(log.snapshots, 2);
  assert.equal(requests[3].headers['Last-Event-ID'], 'f-9');
  assert.deepEqual(log.states, ['connecting', 'live']);
  assert.ok(!log.events.some(([event]) => event === 'message'), 'what follows a reset belongs to the next reading');
  link.close();
});

test('a second reset soon after waits: the snapshot was still the old one', async () => {
  const reset = {text: 'event: reset\ndata: {"id":"f-9"}\n\n'};
  const {time, requests, link} = start([SNAPSHOT, reset, SNAPSHOT, reset, SNAPSHOT, {text: HELLO}], {snapshot: true});
  await time.run(500);
  assert.equal(requests.length, 4);
  await time.run(3000);
  assert.equal(requests.length, 6);
  link.close();
});

test('in Grist, reset only moves the place', async () => {
  const {time, requests, streams, link} = start([{text: `${HELLO}event: reset\ndata: {"id":"f-9"}\n\n`}, {text: HELLO}]);
  await time.run(10);
  assert.equal(requests.length, 1);
  streams[0].close();
  await time.run(2000);
  assert.equal(requests[1].headers['Last-Event-ID'], 'f-9');
  link.close();
});

test('bye: comes back after the delay it was given', async () => {
  const {time, requests, log, link} = start([{text: `${HELLO}event: bye\ndata: {"retry_ms":12000}\n\n`}, {text: HELLO}]);
  await time.run(11_900);
  assert.equal(requests.length, 1);
  assert.deepEqual(log.states, ['connecting', 'live', 'connecting', 'offline']);
  await time.run(200);
  assert.equal(requests.length, 2);
  link.close();
});

test('retry: is the first delay', async () => {
  const {time, requests, streams, link} = start([{text: `retry: 8000\n\n${HELLO}`}, {text: HELLO}]);
  await time.run(10);
  streams[0].close();
  await time.run(7900);
  assert.equal(requests.length, 1);
  await time.run(2200);
  assert.equal(requests.length, 2);
  link.close();
});

test('degraded stays until recovered', async () => {
  const {time, log, streams, link} = start([{text: `${HELLO}event: degraded\ndata: {}\n\n`}]);
  await time.run(10);
  streams[0].send('event: ping\ndata: {}\n\n');
  await time.run(10);
  assert.deepEqual(log.states, ['connecting', 'live', 'degraded']);
  streams[0].send('event: recovered\ndata: {}\n\n');
  await time.run(10);
  assert.equal(log.states.at(-1), 'live');
  link.close();
});

test('retry() tries now', async () => {
  const {time, requests, link} = start([{status: 503, headers: {'Retry-After': '300'}}, {text: HELLO}]);
  await time.run(100);
  link.retry();
  await time.run(10);
  assert.equal(requests.length, 2);
  link.close();
});

test('a connection on which no answer begins is given up after 15 seconds, on the stream as on the snapshot', async () => {
  for (const snapshot of [false, true]) {
    const {time, requests, log, link} = start([{hangs: true}, ...(snapshot ? [SNAPSHOT] : []), {text: HELLO}], {snapshot});
    await time.run(14_900);
    assert.deepEqual([requests.length, log.states], [1, ['connecting']]);
    await time.run(1000);
    assert.deepEqual(log.states, ['connecting', 'offline', 'live']);
    link.close();
  }
});

test('an answer may take its time once it has begun', async () => {
  let arrive;
  const slow = {...SNAPSHOT, takes: new Promise((done) => { arrive = done; })};
  const there = start([slow, {text: HELLO}], {snapshot: true});
  for (let i = 0; i < 5; i += 1) {
    await there.time.run(5000);
    there.link.check();
    there.link.retry();
  }
  arrive();
  await there.time.run(10);
  assert.deepEqual([there.requests.length, there.log.states], [2, ['connecting', 'live']]);
  there.link.close();
  const {time, requests, log, streams, link} = start([{}]);
  await time.run(20_000);
  streams[0].send(HELLO);
  await time.run(10);
  assert.deepEqual([requests.length, log.states], [1, ['connecting', 'live']]);
  link.close();
});

test('retry() gives up an attempt that has no answer, and says that it tries; a live link it leaves alone', async () => {
  const {time, requests, log, streams, link} = start([{text: HELLO}, {fails: true}, {hangs: true}, {hangs: true}, {text: HELLO}]);
  await time.run(6000);
  link.retry();
  await time.run(10);
  assert.equal(requests.length, 1);
  streams[0].break();
  await time.run(3000);
  assert.deepEqual([requests.length, log.states.at(-1)], [3, 'offline']);
  link.retry();
  await time.run(10);
  assert.deepEqual([requests.length, log.states.at(-1)], [4, 'connecting'], 'at once');
  link.retry();
  await time.run(10);
  assert.deepEqual([requests.length, log.states.at(-1)], [5, 'live']);
  link.close();
});

test('where timers are held back, the clock tells that a link is dead, or an attempt is in vain', async () => {
  const env = {setTimeout: () => null};
  const {time, requests, log, link} = start([{text: HELLO}, {hangs: true}, {text: HELLO}], {env});
  await time.run(37_000);
  link.check();
  await time.run(10);
  assert.equal(requests.length, 1);
  await time.run(2000);
  link.check();
  await time.run(10);
  assert.equal(log.states.at(-1), 'connecting', 'silent for 39 seconds');
  link.look(); // somebody looks: the next attempt is made now
  await time.run(14_000);
  link.look();
  await time.run(10);
  assert.equal(requests.length, 2, 'it may yet be answered');
  await time.run(2000);
  link.look();
  await time.run(10);
  assert.deepEqual([requests.length, log.states.at(-1)], [3, 'live']);
  link.close();
});

test('close ends everything', async () => {
  const {time, requests, link, log} = start([{text: HELLO}]);
  await time.run(10);
  link.close();
  await time.run(120_000);
  assert.deepEqual([requests.length, log.states.at(-1), time.pending()], [1, 'live', []]);
});

test('what is no JSON is handed over as nothing, and the stream goes on', async () => {
  const {time, log, link} = start([{text: `${HELLO}data: hé {\n\ndata: {"row":2}\n\n`}]);
  await time.run(10);
  assert.deepEqual(log.events.slice(1).map(([, body]) => body), [null, {row: 2}]);
  link.close();
});

test('a thousand pages do not come back together', () => {
  const waits = Array.from({length: 1000}, (_, i) => createBackoff(() => i / 1000).next());
  assert.ok(Math.min(...waits) >= 250 && Math.max(...waits) <= 500 && new Set(waits).size > 200);
});

test('Retry-After is seconds or a date', () => {
  assert.deepEqual([retryAfter('3', 0), retryAfter(null, 0), retryAfter('soon', 0), retryAfter('Thu, 01 Jan 1970 00:00:09 GMT', 1000), retryAfter('999999', 0)],
    [3000, 0, 0, 8000, 600_000]);
});
