import assert from 'node:assert/strict';
import test from 'node:test';
import {compileBoard, pick} from './board.js';
import {itemReader} from './items.js';
import {NO_FILTERS, stateTest, withRole, withShow} from './filters.js';
import {byPriorityThenTime, countItems, createSelection} from './select.js';
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

test('what starts from the last selection tells the same as what starts anew', () => {
  const select = createSelection();
  const rows = new Map();
  const questions = [NO_FILTERS, withShow(NO_FILTERS, 'all'), withShow(NO_FILTERS, 'urgent'), filtersOf('waiting'),
    withRole(NO_FILTERS, 'assignee', ['Inès']), {...withShow(NO_FILTERS, 'all'), q: 'paul'}].map((filters) => ({read, filters, me: ''}));
  let seed = 1;
  const random = (n) => { seed = (seed * 16807) % 2147483647; return seed % n; };
  let last = {};
  for (let step = 0; step < 600; step += 1) {
    const touched = new Set();
    for (let n = random(step % 50 === 49 ? 150 : 4); n >= 0; n -= 1) {
      const id = 1 + random(60);
      touched.add(id);
      if (random(5) === 0) rows.delete(id);
      else rows.set(id, row(id, {Priorite: BOARD.priorities[random(4)].value, Statut: BOARD.statuses[random(4)].value, Agent: ['Inès', 'Paul'][random(2)], Derniere_MAJ: random(50)}));
    }
    const asked = questions[Math.floor(step / 40) % questions.length];
    const frozen = [last.sorted ?? [], last.base, last.fresh, last.urgent, last.counts].map((list) => [list, JSON.stringify(list)]);
    last = select(rows, asked, step === 300 ? null : touched);
    for (const [list, before] of frozen) assert.equal(JSON.stringify(list), before, 'what was told stays');
    assert.deepEqual({...last, touched: null}, createSelection()(rows, asked, null), `step ${step}`);
  }
});

test('where nothing has changed the same lists are told', () => {
  const select = createSelection();
  const rows = new Map(Array.from({length: 20}, (_, id) => [id, row(id, {Statut: 'Terminé'})]));
  const asked = {read, filters: NO_FILTERS, me: ''};
  const first = select(rows, asked, null);
  rows.set(3, row(3, {Statut: 'Terminé', Derniere_MAJ: 9}));
  const next = select(rows, asked, new Set([3]));
  assert.deepEqual([next.fresh === first.fresh, next.sorted === first.sorted, next.sorted[0].id], [true, false, 3]);
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
