import assert from 'node:assert/strict';
import test from 'node:test';
import {compileBoard} from './board.js';
import {itemReader} from './items.js';
import {arrange, countWaiting, createOrder} from './order.js';
import {BOARD, row} from './testing.js';

const read = itemReader(compileBoard(BOARD));
const list = (...ids) => ids.map((id) => read(row(id)));
const ids = ({items}) => items.map((item) => item.id);
const among = (items) => (id) => items.find((item) => item.id === id);

test('while nobody reads, rows stand where they belong', () => {
  const order = createOrder();
  const now = arrange(order, {fresh: list(3, 1, 2), holding: false, find: () => undefined});
  assert.deepEqual([ids(now), now.waiting], [[3, 1, 2], 0]);
});

test('while somebody reads, rows keep their places, and what would move is counted', () => {
  const order = createOrder();
  arrange(order, {fresh: list(1, 2, 3), holding: false, find: () => undefined});
  order.touched.add(3);
  const fresh = list(9, 3, 1);
  const held = arrange(order, {fresh, holding: true, find: among(fresh)});
  assert.deepEqual(ids(held), [1, 2, 3]);
  assert.equal(held.waiting, 3, '9 has come, 2 has gone, 3 has moved');
  assert.deepEqual(held.items.map((item) => Boolean(item.gone)), [false, true, false]);
  const after = arrange(order, {fresh, holding: false, find: among(fresh)});
  assert.deepEqual([ids(after), after.waiting, order.touched.size], [[9, 3, 1], 0, 0]);
});

test('a held row shows its new values, and one that left the filter is still there', () => {
  const order = createOrder();
  arrange(order, {fresh: list(1, 2), holding: false, find: () => undefined});
  const changed = read(row(1, {Statut: 'Terminé'}));
  const held = arrange(order, {fresh: list(2), holding: true, find: (id) => (id === 1 ? changed : read(row(id)))});
  assert.deepEqual([held.items[0].status.value, held.items[0].gone, held.waiting], ['Terminé', undefined, 1]);
  assert.equal(order.columns.get(1), 0, 'it stands under its old status');
});

test('a row that changes without moving does not wait', () => {
  assert.equal(countWaiting(list(1, 2, 3), list(1, 2, 3), new Set([2])), 0);
  assert.equal(countWaiting(list(1, 2, 3), list(2, 1, 3), new Set([2])), 1);
});

test('an empty list has nothing to hold', () => {
  const order = createOrder();
  arrange(order, {fresh: [], holding: true, find: () => undefined});
  assert.deepEqual(ids(arrange(order, {fresh: list(1), holding: true, find: () => undefined})), [1]);
});
