import assert from 'node:assert/strict';
import test from 'node:test';
import {ApiError, createApi} from './api.js';
import {compileBoard} from './board.js';
import {createLatency} from './latency.js';
import {BOARD, fakeTime} from './testing.js';
import {compare, createTimeline, isLogged, takeLive, takePage} from './timeline.js';
import {sparkline, trendsOf} from './trends.js';

const change = (n) => ({id: `1795355457642517-${n}`, action: 'update', row: 1, fields: {}});
const numbers = (timeline) => timeline.entries.map(({id}) => Number(id.split('-')[1]));

test('pages and live changes are one log, newest first, each once', () => {
  const timeline = createTimeline('');
  takeLive(timeline, change(12));
  takePage(timeline, {changes: [change(12), change(11), change(9)], before: '1795355457642517-9'});
  assert.deepEqual(numbers(timeline), [12, 11, 9]);
  takeLive(timeline, change(13));
  takeLive(timeline, change(13));
  takeLive(timeline, change(10));
  assert.deepEqual([numbers(timeline), timeline.before], [[13, 12, 11, 10, 9], '1795355457642517-9']);
  takePage(timeline, {changes: [change(8)], before: null});
  assert.deepEqual([numbers(timeline).at(-1), timeline.before], [8, null]);
});

test('a long day does not fill the memory, and nothing is lost of it', () => {
  const timeline = createTimeline('');
  for (let n = 1; n <= 1200; n += 1) takeLive(timeline, change(n));
  assert.ok(timeline.entries.length <= 1000);
  assert.deepEqual([numbers(timeline)[0], timeline.before], [1200, timeline.entries.length < 1000 ? '1795355457642517-502' : null]);
});

test('ids are compared as numbers, epoch first', () => {
  assert.ok(compare('5-10', '5-9') > 0 && compare('6-1', '5-99') > 0 && compare('5-1', '5-1') === 0);
  assert.ok(isLogged({...change(1), action: 'add'}) && !isLogged({...change(1), id: 'x'}) && !isLogged(null) && !isLogged({id: '1-1', row: 'x', action: 'add'}));
});

test('counts per status become a curve per door', () => {
  const board = compileBoard(BOARD);
  const trends = trendsOf([{at: 100, counts: {'En attente': 3, 'En cours': 2, Autre: 1}}, {at: 700, counts: {'En attente': 1}}, {at: NaN, counts: {}}, {at: 1, counts: null}], board);
  assert.deepEqual(trends.total, [{at: 100_000, n: 6}, {at: 700_000, n: 1}]);
  assert.deepEqual(trends.waiting?.map((point) => point.n), [3, 1]);
  assert.equal(trends.urgent, undefined);
  const told = trendsOf([{at: 1, counts: {'En attente': 2}, total: 5, urgent: null}, {at: 2, counts: {}, total: 0, urgent: 0}, {at: 3, counts: {}, total: 4, urgent: 1}], board);
  assert.deepEqual(told.total?.map((point) => point.n), [5, 0, 4]);
  assert.deepEqual(told.urgent, [{at: 2000, n: 0}, {at: 3000, n: 1}]);
});

test('a curve fills its box, and there is none without a past', () => {
  const box = {from: 0, to: 100, width: 50, height: 20};
  assert.equal(sparkline([{at: 0, n: 1}, {at: 50, n: 5}, {at: 100, n: 3}], box), 'M0 19L25 1L50 10');
  assert.equal(sparkline([{at: 0, n: 4}, {at: 100, n: 4}], box), 'M0 10L50 10');
  assert.equal(sparkline([{at: 50, n: 4}], box), '');
  assert.equal(sparkline([{at: 99, n: 4}, {at: 100, n: 9}], box), '', 'a moment is no curve');
});

test('latency is the 95th percentile of the last minute, whatever the clocks say', () => {
  for (const skew of [0, 5_000_000, -3_600_000]) {
    const latency = createLatency();
    assert.equal(latency.p95(0), null);
    latency.answered(8);
    for (let n = 0; n < 100; n += 1) latency.heard(1000 * n - skew, 1000 * n / 10 + 1000 * n * 0.9 + (n < 90 ? 10 : 60));
    assert.equal(latency.p95(99_060), 54, 'half a round trip, and 50 ms more than the quickest');
    for (let n = 0; n < 50; n += 1) latency.heard(99_060 - skew, 99_060 + 200);
    assert.equal(latency.p95(99_060 + 4000), 54, 'the number stands for a while');
    assert.equal(latency.p95(99_060 + 5000), 194);
    assert.equal(latency.p95(99_060 + 61_000), null, 'a minute without an event');
  }
});

test('what is replayed hours later was not slow', () => {
  const latency = createLatency();
  latency.heard(1000, 1010);
  latency.heard(-7_200_000, 1020);
  assert.equal(latency.p95(1030), 1);
});

test('questions go beside the stream, with its filters and token; answers that are none are told', async () => {
  const asked = [];
  const answers = [{ok: true, status: 200, json: async () => ({changes: []})}, {ok: false, status: 409, json: async () => ({error: 'taken', by: 'Ana'})},
    {ok: true, status: 200, json: async () => { throw new Error('no JSON'); }}];
  const time = fakeTime();
  const fetch = async (url, options) => {
    asked.push([options.method, url, options.headers.Authorization, options.body]);
    return answers.shift() ?? Promise.reject(new TypeError('network'));
  };
  const api = createApi({stream: 'https://s.org/g/boards/b/stream?department=13', token: 'abc', env: {...time, fetch, random: Math.random}});
  await api.history(new URLSearchParams({row: '4'}));
  await assert.rejects(api.take(4, 'Zoé'), (error) => error instanceof ApiError && error.status === 409 && error.body.by === 'Ana');
  await assert.rejects(api.viewer(), {status: 502});
  await assert.rejects(api.viewer(), {status: 0});
  assert.deepEqual(asked.slice(0, 2), [['GET', 'https://s.org/g/boards/b/history?department=13&row=4', 'Bearer abc', undefined],
    ['POST', 'https://s.org/g/boards/b/rows/4/take?department=13', 'Bearer abc', '{"by":"Zoé"}']]);
  assert.deepEqual(time.pending(), [], 'no timer is left behind');
});
