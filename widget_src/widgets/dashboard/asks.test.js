import assert from 'node:assert/strict';
import test, {beforeEach} from 'node:test';
import {takeSnapshot} from '../../core/feed.js';
import {BOARD, fakeTime, row} from '../../core/testing.js';
import {createAsks} from './asks.js';
import {createState} from './state.js';

const VISIT = 'grist-live:visit:interventions';
/** @type {Map<string, string>} */
let stored;

beforeEach(() => {
  stored = new Map();
  const localStorage = {getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => stored.set(key, value), removeItem: (key) => stored.delete(key)};
  Object.assign(globalThis, {document: {hidden: false}, location: {href: 'http://s/boards/interventions', search: ''}, window: {localStorage}});
});

/** A page on a board with two rows; `answer` settles the oldest question. */
function page(host = {kind: 'standalone'}) {
  const time = fakeTime();
  const asked = [];
  const env = {...time, random: () => 0.5, fetch: (url, {body}) => new Promise((done) => asked.push({url, body, done}))};
  const state = createState({server: '', board: BOARD, name: 'interventions', token: 't', standalone: true}, host.kind);
  state.connection = {...state.connection, stream: 'http://s/boards/interventions/stream'}; // as link.js does
  const asks = createAsks({state, host, env, frame() {}, update: (change) => change()});
  takeSnapshot(state.feed, {rows: [row(1), row(2)]});
  asks.connect();
  const answer = async (status, body) => {
    asked.shift().done({ok: status === 200, status, json: async () => body});
    await time.run(0);
  };
  return {time, state, asks, asked, answer};
}

const TAKEN = {success: true, row: 1, fields: {Statut: 'En cours', Agent: 'Zoé'}};

test('who takes a row sees it at once, and a second click asks nothing more', async () => {
  const {state, asks, asked, answer} = page();
  asks.take(1, 'Zoé');
  asks.take(1, 'Zoé');
  assert.deepEqual(asked.map(({url, body}) => [url, body]), [['http://s/boards/interventions/rows/1/take', '{"by":"Zoé"}']]);
  assert.equal(state.taking.step, 'busy');
  await answer(200, TAKEN);
  assert.deepEqual([state.feed.table.rows.get(1).fields.Agent, state.feed.news.map((news) => news.row), state.taking], ['Zoé', [1], null]);
});

test('a refusal is told, and one can try again', async () => {
  const {state, asks, asked, answer} = page();
  asks.take(1, 'Zoé');
  await answer(409, {reason: 'taken', by: 'Luc'});
  assert.deepEqual(state.taking, {row: 1, step: 'refused', problem: 'take.refused.409', by: 'Luc'});
  asks.take(1, 'Zoé');
  assert.equal(asked.length, 1);
});

test('an answer that comes late does not disturb what the reader does meanwhile', async () => {
  for (const [status, body] of [[503, {reason: 'grist'}], [200, TAKEN]]) {
    const {state, asks, answer} = page();
    asks.take(1, 'Zoé');
    const other = {row: 2, step: 'ask', problem: '', by: ''};
    state.taking = other;
    await answer(status, body);
    assert.equal(state.taking, other);
  }
  const {state, asks, answer} = page();
  asks.take(1, 'Zoé');
  state.taking = null; // another row was opened
  await answer(503, {reason: 'grist'});
  assert.equal(state.taking.problem, 'take.refused.grist');
});

test('a Grist that never answers is given up, and one can try again', async () => {
  const {time, state, asks} = page({kind: 'grist', write: () => new Promise(() => {})});
  asks.take(1, 'Zoé');
  await time.run(14_000);
  assert.equal(state.taking.step, 'busy');
  await time.run(1000);
  assert.deepEqual([state.taking.problem, time.pending()], ['take.refused.grist', []]);
});

test('who was away for minutes is told what they missed, who only blinked is not', async () => {
  const brief = page();
  stored.set(VISIT, String(brief.time.now() - 60_000));
  await brief.asks.missed();
  assert.equal(brief.asked.length, 0);
  const {time, state, asks, asked, answer} = page();
  stored.set(VISIT, String(time.now() - 3_600_000));
  asks.missed();
  assert.match(asked[0].url, new RegExp(`/history\\?since=${time.now() / 1000 - 3600}&limit=1000$`));
  await answer(200, {changes: [{}, {}, {}], before: null});
  assert.equal(state.missed, 3);
});

/** Away for an hour. */
function away(host) {
  const there = page(host);
  stored.set(VISIT, String(there.time.now() - 3_600_000));
  const ask = async (n, before = null) => {
    there.asks.missed();
    const query = new URL(there.asked[0].url).searchParams;
    await there.answer(200, {changes: Array.from({length: n}, (_, i) => ({row: i + 1})), before});
    return [query.toString().replace(/&?since=\d+&limit=1000/, ''), there.state.missed, there.state.missedMore];
  };
  return {...there, ask};
}

test('what was missed is counted by the filters, whatever its state, and once', async () => {
  const {time, state, asks, asked, ask} = away();
  const filter = (filters) => { state.place = {...state.place, filters: {...state.place.filters, ...filters}}; };
  assert.deepEqual(await ask(1000, '7-1'), ['', 1000, true], 'more than were counted');
  filter({show: 'urgent', roles: {status: ['En cours']}});
  asks.missed();
  assert.equal(asked.length, 0, 'counted already');
  filter({q: 'feu', roles: {status: ['En cours'], assignee: ['Zoé']}});
  asks.missedSoon();
  asks.missedSoon(); // somebody types
  await time.run(1000);
  assert.equal(asked.length, 1);
  assert.deepEqual(await ask(2), ['assignee=Zo%C3%A9&q=feu', 2, false]);
  asks.forgetMissed();
  filter({q: ''});
  asks.missed();
  assert.deepEqual([asked.length, state.missed], [0, 0], 'the reader knows');
});

test('what was missed is asked for again once there is a token that opens the history', async () => {
  const {state, asks, asked, answer} = away();
  asks.live();
  const question = () => asked.findIndex(({url}) => url.includes('/history?since='));
  assert.equal(question(), 0);
  asked.unshift(...asked.splice(question(), 1));
  await answer(401, {});
  asks.live();
  asked.unshift(...asked.splice(question(), 1));
  await answer(200, {changes: [{row: 1}], before: null});
  assert.equal(state.missed, 1);
  asks.live();
  assert.equal(question(), -1, 'it is known');
  asks.connect(); // another token
  asks.live();
  assert.ok(question() >= 0);
});

test('inside Grist, what was missed is of rows that Grist shows', async () => {
  const {state, asks, asked, ask} = away({kind: 'grist'});
  state.feed.table.loaded = false;
  asks.missed();
  assert.equal(asked.length, 0, 'not before its rows are there');
  state.feed.table.loaded = true;
  assert.deepEqual(await ask(5), ['', 2, false]);
});

test('a visit ends when the page is hidden, by the server’s clock', async () => {
  const {time, state, asks, asked} = page();
  state.feed.clock.skew = 7000;
  const left = time.now() + 7000;
  document.hidden = true;
  asks.visit();
  await time.run(600_000);
  asks.visit();
  assert.equal(stored.get(VISIT), String(left), 'nobody has looked since');
  document.hidden = false;
  asks.visit();
  assert.deepEqual([state.lastVisit, stored.get(VISIT), asked.length], [left, String(left + 600_000), 1]);
});

test('curves are asked for while the link lives, and not again for ten minutes', async () => {
  const {time, state, asks, asked} = page();
  asks.trends();
  assert.equal(asked.length, 0, 'it would only be refused');
  state.link = {kind: 'live'};
  asks.trends();
  asks.trends();
  assert.match(asked[0].url, /\/stats\?hours=24$/);
  assert.equal(asked.length, 1);
  await time.run(600_000);
  asks.trends();
  assert.equal(asked.length, 2);
});
