import assert from 'node:assert/strict';
import test from 'node:test';
import {compileBoard} from './board.js';
import {itemReader} from './items.js';
import {NO_FILTERS} from './filters.js';
import {arrange, countWaiting, createOrder} from './order.js';
import {createSelection} from './select.js';
import {BOARD, row} from './testing.js';

const read = itemReader(compileBoard(BOARD));
const list = (...ids) => ids.map((id) => read(row(id)));
const timed = (...rows) => rows.map(([id, at]) => read(row(id, {Derniere_MAJ: at})));
const ids = ({items}) => items.map((item) => item.id);
const among = (items) => (id) => items.find((item) => item.id === id);

test('while nobody reads, rows stand where they belong', () => {
  const order = createOrder();
  const now = arrange(order, {fresh: list(3, 1, 2), holding: false, find: () => undefined, touched: null});
  assert.deepEqual([ids(now), now.waiting], [[3, 1, 2], 0]);
});

test('while somebody reads, rows keep their places, and what would move is counted', () => {
  const order = createOrder();
  arrange(order, {fresh: timed([1, 30], [2, 20], [3, 10]), holding: false, find: () => undefined, touched: null});
  const fresh = timed([9, 50], [3, 40], [1, 30]);
  const held = arrange(order, {fresh, holding: true, find: among(fresh), touched: [2, 3, 9]});
  assert.deepEqual(ids(held), [1, 2, 3]);
  assert.equal(held.waiting, 3, '9 has come, 2 has gone, 3 has moved');
  assert.deepEqual(held.items.map((item) => Boolean(item.gone)), [false, true, false]);
  const after = arrange(order, {fresh, holding: false, find: among(fresh), touched: null});
  assert.deepEqual([ids(after), after.waiting, order.touched.size], [[9, 3, 1], 0, 0]);
});

test('where any row may have changed, all are compared', () => {
  const order = createOrder();
  arrange(order, {fresh: list(1, 2, 3), holding: false, find: () => undefined, touched: null});
  const fresh = list(9, 3, 1);
  assert.equal(arrange(order, {fresh, holding: true, find: among(fresh), touched: null}).waiting, 2, '9 has come, 2 has gone');
  assert.equal(arrange(order, {fresh: list(3, 1), holding: true, find: among(fresh), touched: [9]}).waiting, 1);
});

test('a held row shows its new values, and one that left the filter is still there', () => {
  const order = createOrder();
  arrange(order, {fresh: list(1, 2), holding: false, find: () => undefined, touched: null});
  const changed = read(row(1, {Statut: 'Terminé'}));
  const held = arrange(order, {fresh: list(2), holding: true, find: (id) => (id === 1 ? changed : read(row(id))), touched: [1]});
  assert.deepEqual([held.items[0].status.value, held.items[0].gone, held.waiting], ['Terminé', undefined, 1]);
  assert.equal(order.columns.get(1), 0, 'it stands under its old status');
});

test('a row that changes without moving does not wait', () => {
  assert.equal(countWaiting(list(1, 2, 3), list(1, 2, 3), new Set([2])), 0);
  assert.equal(countWaiting(list(1, 2, 3), list(2, 1, 3), new Set([2])), 1);
});

test('an empty list has nothing to hold', () => {
  const order = createOrder();
  arrange(order, {fresh: [], holding: true, find: () => undefined, touched: null});
  assert.deepEqual(ids(arrange(order, {fresh: list(1), holding: true, find: () => undefined, touched: null})), [1]);
});

test('looking at the touched rows only counts the same as comparing all', () => {
  let seed = 7;
  const random = (n) => { seed = (seed * 16807) % 2147483647; return seed % n; };
  const select = createSelection();
  const rows = new Map(Array.from({length: 40}, (_, id) => [id, row(id, {Derniere_MAJ: id})]));
  const order = createOrder();
  const asked = {read, filters: NO_FILTERS, me: ''};
  const find = (id) => (rows.has(id) ? read(rows.get(id)) : undefined);
  let all = new Set();
  for (let step = 0; step < 500; step += 1) {
    const touched = new Set();
    for (let n = random(3); n >= 0; n -= 1) {
      const id = random(50);
      touched.add(id);
      if (random(4) === 0) rows.delete(id);
      else rows.set(id, row(id, {Priorite: BOARD.priorities[random(4)].value, Statut: BOARD.statuses[random(4)].value, Derniere_MAJ: random(60)}));
    }
    const {fresh} = select(rows, asked, step ? touched : null);
    const holding = step % 25 !== 0;
    all = holding ? new Set([...all, ...touched]) : new Set();
    const {items, waiting} = arrange(order, {fresh, holding, find, touched});
    assert.equal(waiting, holding ? countWaiting(items, fresh, all) : 0, `step ${step}`);
    for (const item of items) assert.ok(item.gone ? !rows.has(item.id) : item === find(item.id));
  }
});

test('of what waits it is told how many are new among the rows', () => {
  for (const touched of [[1, 2, 9], null]) {
    const order = createOrder();
    const before = timed([1, 30], [2, 20], [3, 10]);
    arrange(order, {fresh: before, holding: true, find: among(before), touched: []});
    arrange(order, {fresh: before, holding: true, find: among(before), touched: []});
    const came = timed([9, 40], [1, 30], [2, 20], [3, 10]);
    const one = arrange(order, {fresh: came, holding: true, find: among(came), touched: touched && [9]});
    assert.deepEqual([one.waiting, one.arrived], [1, 1]);
    const gone = timed([9, 40], [1, 30], [3, 10]);
    const two = arrange(order, {fresh: gone, holding: true, find: among(gone), touched: touched && [2]});
    assert.deepEqual([two.waiting, two.arrived], [2, 1]);
  }
});
