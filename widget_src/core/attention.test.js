import assert from 'node:assert/strict';
import test from 'node:test';
import {FLASH_MS, NEW_MS, TOAST_MS, attend, createAttention, expire, isCalm, putAside, see, sounds} from './attention.js';
import {createFeed, flushNews, takeEvent, takeSnapshot} from './feed.js';
import {BOARD, row} from './testing.js';

const news = (...rows) => rows.map((id) => ({row: id, action: 'update', columns: ['Statut'], fields: {}}));
const kinds = (attention) => attention.toasts.map((toast) => toast.kind);

test('a change flashes, has a toast, and all of it ends', () => {
  const attention = createAttention();
  attend(attention, news(1), 0);
  assert.deepEqual(kinds(attention), ['change']);
  assert.deepEqual(expire(attention, 0), {changed: false, next: FLASH_MS});
  see(attention, [1, 2], 0);
  assert.deepEqual(expire(attention, TOAST_MS), {changed: true, next: NEW_MS});
  expire(attention, NEW_MS);
  assert.deepEqual([attention.flashes.size, attention.toasts.length], [0, 0]);
});

test('a mark stays until its row has been before the reader for a while', () => {
  const attention = createAttention();
  attend(attention, news(1, 2), 0);
  see(attention, [2], 1000);
  expire(attention, NEW_MS * 10);
  assert.deepEqual([...attention.flashes.keys()], [1], 'nobody has seen row 1');
  see(attention, [1], NEW_MS * 10);
  see(attention, [1], NEW_MS * 10 + 500);
  assert.equal(expire(attention, NEW_MS * 10).next, NEW_MS * 11, 'the first look counts');
});

test('many changes are one toast, which grows', () => {
  const attention = createAttention();
  attend(attention, news(1, 2, 3, 4, 5), 0);
  attend(attention, news(5, 6, 7, 8, 9), 100);
  assert.deepEqual(kinds(attention), ['many']);
  assert.equal(attention.toasts[0].n, 9);
  assert.equal(attention.flashes.size, 9);
});

test('changes that come one by one, fast, are told as a number too', () => {
  const attention = createAttention();
  for (let id = 1; id <= 20; id += 1) attend(attention, news(id), id * 20);
  assert.deepEqual(kinds(attention), ['change', 'change', 'change', 'many']);
  assert.equal(attention.toasts[3].n, 17);
});

test('as long as many changes come, they stay one number', () => {
  const attention = createAttention();
  for (let id = 1; id <= 1000; id += 1) {
    attend(attention, news(id), id * 20);
    expire(attention, id * 20);
  }
  assert.deepEqual(kinds(attention), ['many']);
  assert.ok(!isCalm(attention, 20_000) && isCalm(attention, 30_000));
});

test('a second change of a row restarts its flash', () => {
  const attention = createAttention();
  attend(attention, news(1), 0);
  attend(attention, news(1), 500);
  assert.equal(attention.flashes.get(1).count, 2);
});

function feedWith(rows) {
  const feed = createFeed(BOARD, {authority: 'stream', now: () => 0});
  takeSnapshot(feed, {rows});
  return {feed, attention: createAttention()};
}

test('a replay flashes its rows and is told once, as a number', () => {
  const {feed, attention} = feedWith([row(1), row(2)]);
  takeEvent(feed, attention, 'hello', {replayed: 0}, 0);
  takeEvent(feed, attention, 'hello', {viewers: 3, replayed: 2, board: BOARD}, 0);
  takeEvent(feed, attention, 'message', {action: 'update', row: 1, fields: {Statut: 'En cours'}}, 0);
  takeEvent(feed, attention, 'message', {action: 'update', row: 2, fields: {Statut: 'En cours'}}, 0);
  assert.ok(!flushNews(feed, attention, 0).sound);
  assert.deepEqual(kinds(attention), ['caughtUp']);
  assert.equal(attention.flashes.size, 2);
  takeEvent(feed, attention, 'message', {action: 'update', row: 1, fields: {Statut: 'Bloqué', Priorite: 'Urgente'}}, 0);
  const {news: told, sound, level} = flushNews(feed, attention, 0);
  assert.deepEqual([told.length, sound, level], [1, true, 3]);
  assert.equal(feed.viewers, 3);
});

test('several changes of a row in one frame are one piece of news', () => {
  const {feed, attention} = feedWith([]);
  takeEvent(feed, attention, 'message', {action: 'add', row: 1, fields: row(1).fields}, 0);
  takeEvent(feed, attention, 'message', {action: 'update', row: 1, fields: {Agent: 'Paul'}}, 0);
  flushNews(feed, attention, 0);
  assert.equal(attention.toasts.length, 1);
  assert.deepEqual([attention.toasts[0].news.action, attention.toasts[0].news.item.assignee], ['add', 'Paul']);
});

test('a test event is a toast, and never a row', () => {
  const {feed, attention} = feedWith([row(1)]);
  takeEvent(feed, attention, 'test', {row: 'test-123', fields: {Agent: 'Léa'}}, 0);
  assert.deepEqual([kinds(attention), attention.toasts[0].text, feed.table.rows.size], [['test'], 'Léa', 1]);
});

test('what is no change does nothing', () => {
  const {feed, attention} = feedWith([row(1)]);
  for (const body of [null, 3, 'x', {}, {action: 'update', row: 'x'}, {action: 'drop', row: 1}]) takeEvent(feed, attention, 'message', body, 0);
  for (const event of ['hello', 'ping', 'test', 'other']) takeEvent(feed, attention, event, null, 0);
  assert.equal(feed.news.length, 0);
  assert.equal(feed.table.rows.size, 1);
});

test('a board that is described anew is taken into use', () => {
  const {feed, attention} = feedWith([row(1)]);
  takeEvent(feed, attention, 'hello', {board: {...BOARD, name: 'other', complete: false, since: 5}}, 0);
  assert.deepEqual([feed.board.name, feed.board.complete, feed.board.since], ['other', false, 5]);
});

const URGENT = {Statut: 'En attente', Priorite: 'Urgente'};
const change = (id, fields, action = 'update') => ({action, row: id, fields});

test('what becomes urgent is an alert, and no toast besides, until somebody takes it', () => {
  const {feed, attention} = feedWith([row(1), row(2, URGENT)]);
  flushNews(feed, attention, 0);
  assert.equal(attention.alerts.size, 0, 'what was there before is no news');
  takeEvent(feed, attention, 'message', change(1, {Priorite: 'Urgente'}), 0);
  flushNews(feed, attention, 5);
  assert.deepEqual([[...attention.alerts], kinds(attention)], [[[1, 5]], []]);
  takeEvent(feed, attention, 'message', change(1, {Agent: 'Paul'}), 0);
  flushNews(feed, attention, 9);
  assert.deepEqual([...attention.alerts], [[1, 5]], 'nobody has taken it yet');
  takeEvent(feed, attention, 'message', change(1, {Statut: 'En cours', Agent: 'Zoé'}), 0);
  flushNews(feed, attention, 10);
  assert.deepEqual([attention.alerts.size, kinds(attention)], [0, ['taken']]);
  assert.equal(attention.toasts[0].news.item.assignee, 'Zoé');
});

test('of very many alerts the newest are kept', () => {
  const {feed, attention} = feedWith([]);
  for (let id = 1; id <= 150; id += 1) takeEvent(feed, attention, 'message', change(id, row(id, URGENT).fields, 'add'), 0);
  flushNews(feed, attention, 0);
  assert.deepEqual([attention.alerts.size, attention.alerts.has(150), attention.alerts.has(1)], [100, true, false]);
});

test('a row that goes takes its mark with it', () => {
  const {feed, attention} = feedWith([row(1)]);
  takeEvent(feed, attention, 'message', change(1, {Statut: 'Bloqué'}), 0);
  flushNews(feed, attention, 0);
  assert.deepEqual([...attention.flashes.keys()], [1]);
  takeEvent(feed, attention, 'message', change(1, undefined, 'remove'), 5);
  flushNews(feed, attention, 5);
  assert.equal(attention.flashes.size, 0, 'else it would be counted as unread for ever');
});

test('a clock that is far off is allowed for, a little is only the way', () => {
  const {feed, attention} = feedWith([]);
  for (const [off, skew] of [[60_000, 60_000], [-7200_000, -7200_000], [4000, 0], [0, 0]]) {
    takeEvent(feed, attention, 'ping', {at: (1_700_000_000_000 + off) / 1000}, 1_700_000_000_000);
    assert.equal(feed.clock.skew, skew);
  }
});

test('an alert goes with its row, and comes with a replay', () => {
  const {feed, attention} = feedWith([]);
  takeEvent(feed, attention, 'hello', {replayed: 1}, 0);
  takeEvent(feed, attention, 'message', change(3, row(3, URGENT).fields, 'add'), 0);
  flushNews(feed, attention, 0);
  assert.deepEqual([...attention.alerts.keys()], [3]);
  takeEvent(feed, attention, 'message', {action: 'remove', row: 3}, 0);
  flushNews(feed, attention, 1);
  assert.equal(attention.alerts.size, 0);
});

test('a muted priority makes no sound, a louder one does', () => {
  const {feed, attention} = feedWith([row(1), row(2)]);
  takeEvent(feed, attention, 'message', change(1, {Agent: 'Paul'}), 0);
  assert.equal(flushNews(feed, attention, 0, {muted: new Set(['Normale'])}).sound, false);
  takeEvent(feed, attention, 'message', change(1, {Agent: 'Ana'}), 0);
  takeEvent(feed, attention, 'message', change(2, {Priorite: 'Haute'}), 0);
  const {sound, level} = flushNews(feed, attention, 100, {muted: new Set(['Normale'])});
  assert.deepEqual([sound, level], [true, 2], 'what was muted has not sounded, so there is no pause after it');
});

test('sounds have a pause, which only what is more pressing breaks', () => {
  const attention = createAttention();
  const heard = [[0, 1], [100, 1], [200, 0], [300, 3], [400, 3], [900, 2], [1299, 3], [1300, -1], [1400, -2], [5000, -2]];
  assert.deepEqual(heard.filter(([now, level]) => sounds(attention, level, now)), [[0, 1], [300, 3], [1300, -1]]);
});

test('who opens the page has missed nothing: what its snapshot lacked flashes, and is no number', () => {
  const {feed, attention} = feedWith([row(1)]);
  takeEvent(feed, attention, 'hello', {replayed: 1}, 0);
  takeEvent(feed, attention, 'message', change(1, {Agent: 'Paul'}), 0);
  assert.equal(flushNews(feed, attention, 0).sound, false);
  assert.deepEqual([kinds(attention), attention.flashes.size], [[], 1]);
});

test('after a replay live changes are told, though it changed one row twice, or brought less than announced', () => {
  for (const agents of [['Paul', 'Ana'], ['Paul']]) {
    const {feed, attention} = feedWith([row(1)]);
    takeEvent(feed, attention, 'hello', {replayed: 2}, 0);
    for (const Agent of agents) takeEvent(feed, attention, 'message', change(1, {Agent}), 0);
    flushNews(feed, attention, 0);
    takeEvent(feed, attention, 'ping', {}, 0);
    takeEvent(feed, attention, 'message', change(1, {Agent: 'Zoé'}), 0);
    assert.ok(flushNews(feed, attention, 0).sound, agents.join());
    assert.deepEqual(kinds(attention), ['change']);
  }
});

test('what the filters keep out flashes, and is not told; an alert of it waits until they let it in', () => {
  const {feed, attention} = feedWith([row(1), row(2)]);
  const wishes = {keep: (item) => item.id !== 1};
  takeEvent(feed, attention, 'message', change(1, {Priorite: 'Urgente'}), 0);
  assert.equal(flushNews(feed, attention, 0, wishes).sound, false);
  assert.deepEqual([kinds(attention), [...attention.flashes.keys()], [...attention.alerts.keys()]], [[], [1], [1]]);
  takeEvent(feed, attention, 'message', change(1, {Statut: 'En cours'}), 0);
  takeEvent(feed, attention, 'message', change(2, {Statut: 'En cours'}), 0);
  const {sound, level} = flushNews(feed, attention, 0, wishes);
  assert.deepEqual([sound, level, attention.toasts.map((toast) => toast.news.row)], [true, 1, [2]]);
});

test('an alert put aside comes back when it becomes urgent anew, not with an edit', () => {
  const {feed, attention} = feedWith([row(1), row(2, URGENT)]);
  const after = (fields) => {
    takeEvent(feed, attention, 'message', change(1, fields), 0);
    flushNews(feed, attention, 0);
    return attention.alerts.has(1);
  };
  assert.ok(after({Priorite: 'Urgente'}));
  putAside(attention, 1);
  assert.ok(!after({Agent: 'Paul'}), 'an edit of another column');
  assert.ok(!after({Statut: ''}), 'still nobody has it');
  assert.ok(!after({Priorite: 'Haute'}));
  assert.ok(after({Priorite: 'Urgente'}), 'somebody has raised it again');
  putAside(attention, 1);
  assert.ok(!after({Statut: 'En cours'}));
  assert.ok(after({Statut: 'En attente'}), 'it was taken, and let go');
  takeEvent(feed, attention, 'message', change(2, {Agent: 'Paul'}), 0);
  flushNews(feed, attention, 0);
  assert.ok(!attention.alerts.has(2), 'what was urgent before we came is no news');
  assert.ok(attention.flashes.has(2), 'but its change is');
});
