import assert from 'node:assert/strict';
import test from 'node:test';
import {HELLO, SNAPSHOT, start} from './testing-link.js';

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
