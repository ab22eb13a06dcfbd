import assert from 'node:assert/strict';
import test from 'node:test';
import {HELLO, SNAPSHOT, start} from './testing-link.js';

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
