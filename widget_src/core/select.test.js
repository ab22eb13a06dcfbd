import assert from 'node:assert/strict';
import test from 'node:test';
import {compileBoard, pick} from './board.js';
import {itemReader} from './items.js';
import {NO_FILTERS, stateTest, withRole, withShow} from './filters.js';
import {byPriorityThenTime, countItems, createSorter} from './select.js';
import {BOARD, row} from './testing.js';

const board = compileBoard(BOARD);
const read = itemReader(board);
const items = [
  row(1, {Priorite: 'Basse', Statut: 'En attente', Derniere_MAJ: 100}), row(2, {Priorite: 'Urgente', Statut: 'En cours', Derniere_MAJ: 200}),
  row(3, {Priorite: 'Urgente', Statut: 'Bloqué', Derniere_MAJ: 300}), row(4, {Priorite: 'Urgente', Statut: 'Terminé', Derniere_MAJ: 400}),
  row(5, {Priorite: 'Inconnue', Statut: 'Perdu', Derniere_MAJ: 500}), row(6, {Priorite: null, Statut: null}),
].map(read);
const MEANT = {waiting: 'En attente', active: 'En cours', blocked: 'Bloqué', done: 'Terminé'};
const filtersOf = (name) => (name in MEANT ? withRole(withShow(NO_FILTERS, 'all'), 'status', [MEANT[name]]) : withShow(NO_FILTERS, name));
const ids = (name) => items.filter(stateTest(filtersOf(name))).sort(byPriorityThenTime).map((item) => item.id);

test('most pressing first, then latest; what is done comes last; unknown values are there', () => {
  assert.deepEqual(ids('all'), [3, 2, 1, 5, 6, 4]);
});

test('each filter keeps what its count counts', () => {
  const counts = countItems(items);
  assert.deepEqual(counts, {total: 6, urgent: 2, waiting: 1, active: 1, blocked: 1, done: 1});
  for (const door of ['urgent', 'waiting', 'active', 'blocked', 'done']) assert.equal(ids(door).length, counts[door], door);
  assert.equal(ids('all').length, counts.total);
  assert.deepEqual(ids('open'), [3, 2, 1, 5, 6]);
});

test('the order never wavers for equal rows', () => {
  const same = [3, 1, 2].map((id) => read(row(id, {Derniere_MAJ: 5})));
  assert.deepEqual(same.sort(byPriorityThenTime).map((item) => item.id), [1, 2, 3]);
});

test('a sorter that starts from its last order sorts as anew', () => {
  const sort = createSorter();
  const rows = new Map();
  const random = (n) => Math.floor(Math.abs(Math.sin(rows.size * 7 + n) * 1e4)) % n;
  for (let step = 0; step < 400; step += 1) {
    const id = 1 + random(60 + step % 7);
    if (step % 5 === 4) rows.delete(id);
    else rows.set(id, row(id, {Priorite: BOARD.priorities[step % 4].value, Statut: BOARD.statuses[step % 3].value, Derniere_MAJ: random(50)}));
    const anew = [...rows.values()].map(read).sort(byPriorityThenTime).map((item) => item.id);
    assert.deepEqual(sort(rows, read).map((item) => item.id), anew);
  }
});

test('unknown and missing values are shown as they are, neutrally', () => {
  const [lost, none] = [items[4], items[5]];
  assert.deepEqual([lost.status.value, lost.status.meaning, lost.priority.value, lost.priority.urgent], ['Perdu', 'unknown', 'Inconnue', false]);
  assert.deepEqual([none.status.value, none.updated], ['', null]);
});

test('only a plain colour reaches the style sheet', () => {
  assert.equal(board.statusOf('En attente').color, '#5F6B7A');
  assert.equal(board.statusOf('Bloqué').color, '');
});

test('levels follow the ranks', () => {
  assert.deepEqual(board.priorities.map((p) => p.level), [0, 1, 2, 3]);
});

test('a row without a title is called by its number, and a huge cell is cut at a whole character', () => {
  assert.equal(read({id: 12, fields: {}}).title, '#12');
  const long = read(row(1, {Agent: `${'x'.repeat(399)}🚧${'y'.repeat(1e5)}`})).assignee;
  assert.equal(long, `${'x'.repeat(399)}…`);
});

test('a text is picked by language, else English, French, any', () => {
  assert.deepEqual([pick({fr: 'a', en: 'b'}, 'fr'), pick({fr: 'a'}, 'en'), pick({de: 'c'}, 'fr'), pick(undefined, 'fr', 'd')], ['a', 'a', 'c', 'd']);
});
