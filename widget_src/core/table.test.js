import assert from 'node:assert/strict';
import test from 'node:test';
import {compileBoard} from './board.js';
import {applyChange, applyGristRows, applySnapshot, createTable, watchColumns} from './table.js';
import {BOARD, fakeTime, row} from './testing.js';

function tableFor(authority) {
  const time = fakeTime();
  const table = createTable({authority, now: time.now});
  watchColumns(table, compileBoard(BOARD));
  return {table, time};
}

const change = (action, id, fields, more = {}) => ({action, row: id, fields, ...more});
const flashes = (news) => [news].flat().filter(Boolean).map((n) => `${n.action} ${n.row}`);
const statusOf = (table, id) => table.rows.get(id)?.fields.Statut;

test('standing alone, the stream adds, updates and removes', () => {
  const {table} = tableFor('stream');
  assert.deepEqual(applySnapshot(table, [row(1), row(2)]), []);
  assert.deepEqual(flashes(applyChange(table, change('update', 1, {Statut: 'En cours'}))), ['update 1']);
  assert.deepEqual(flashes(applyChange(table, change('add', 3, row(3).fields))), ['add 3']);
  assert.deepEqual(flashes(applyChange(table, change('remove', 2, undefined, {was: row(2).fields}))), ['remove 2']);
  assert.equal(applyChange(table, change('remove', 2)), null);
  assert.equal(applyChange(table, change('update', 1, {Statut: 'En cours'})), null, 'the same again is no news');
  assert.deepEqual([...table.rows.keys()], [1, 3]);
  assert.equal(table.rows.get(1).fields.Agent, 'Inès', 'what did not change stays');
});

test('a partial update of an unknown row makes the row', () => {
  const {table} = tableFor('stream');
  applySnapshot(table, []);
  assert.deepEqual(flashes(applyChange(table, change('update', 9, {Statut: 'En cours'}))), ['add 9']);
});

test('a snapshot after a reset tells what differs, and keeps the other rows as they are', () => {
  const {table} = tableFor('stream');
  applySnapshot(table, [row(1), row(2), row(3)]);
  const kept = table.rows.get(1);
  const news = applySnapshot(table, [row(1), row(2, {Statut: 'Terminé'}), row(4)]);
  assert.deepEqual(flashes(news), ['update 2', 'add 4', 'remove 3']);
  assert.equal(table.rows.get(1), kept);
});

test('a change of the time of update alone is drawn, and is no news', () => {
  const {table} = tableFor('stream');
  applySnapshot(table, [row(1, {Derniere_MAJ: 1700000000})]);
  assert.equal(applyChange(table, change('update', 1, {Derniere_MAJ: 1700000100})), null);
  assert.equal(table.rows.get(1).fields.Derniere_MAJ, 1700000100);
});

test('in Grist, the stream first: shown at once, and onRecords is its echo', () => {
  const {table} = tableFor('grist');
  applyGristRows(table, [row(1)]);
  assert.deepEqual(flashes(applyChange(table, change('update', 1, {Statut: 'En cours'}, {was: {Statut: 'En attente'}}))), ['update 1']);
  assert.equal(statusOf(table, 1), 'En cours');
  assert.deepEqual(applyGristRows(table, [row(1, {Statut: 'En cours'})]), []);
});

test('inside Grist, columns that are mapped, shown or hidden are no edits', () => {
  const {table} = tableFor('grist');
  const unmapped = ({id, fields: {Statut, ...others}}) => ({id, fields: {...others, Etat: Statut}});
  assert.deepEqual(applyGristRows(table, [row(1), row(2)].map(unmapped)), []);
  assert.deepEqual(applyGristRows(table, [row(1), row(2)]), []);
  assert.equal(table.rows.get(1).fields.Statut, 'En attente');
  assert.deepEqual(applyGristRows(table, []), [], 'a filter hides all');
  assert.deepEqual(applyGristRows(table, [row(1), row(2)]), []);
  assert.deepEqual(flashes(applyGristRows(table, [row(1, {Statut: 'En cours'}), row(2)])), ['update 1']);
});

test('inside Grist, the first row of an empty table is news', () => {
  const {table} = tableFor('grist');
  applyGristRows(table, []);
  assert.deepEqual(flashes(applyGristRows(table, [row(1)])), ['add 1']);
});

test('in Grist, onRecords first: the stream is the echo', () => {
  const {table} = tableFor('grist');
  applyGristRows(table, [row(1)]);
  assert.deepEqual(flashes(applyGristRows(table, [row(1, {Statut: 'En cours'})])), ['update 1']);
  assert.equal(applyChange(table, change('update', 1, {Statut: 'En cours'}, {was: {Statut: 'En attente'}})), null);
});

test('in Grist, a late stream never brings an old value back', () => {
  const {table} = tableFor('grist');
  applyGristRows(table, [row(1)]);
  applyGristRows(table, [row(1, {Statut: 'En cours'})]);
  applyGristRows(table, [row(1, {Statut: 'Terminé'})]);
  assert.equal(applyChange(table, change('update', 1, {Statut: 'En cours'}, {was: {Statut: 'En attente'}})), null);
  assert.equal(applyChange(table, change('update', 1, {Statut: 'Terminé'}, {was: {Statut: 'En cours'}})), null);
  assert.equal(statusOf(table, 1), 'Terminé');
});

test('in Grist, what was ahead of the stream when the page came stays', () => {
  const {table} = tableFor('grist');
  applyGristRows(table, [row(1, {Statut: 'Terminé'})]);
  assert.equal(applyChange(table, change('update', 1, {Statut: 'En cours'}, {was: {Statut: 'En attente'}})), null);
  assert.equal(statusOf(table, 1), 'Terminé', 'neither the old value nor the new one: Grist knows better');
});

test('in Grist, an import or a wider filter is no news, a few new rows are', () => {
  const {table} = tableFor('grist');
  applyGristRows(table, [row(1)]);
  const some = Array.from({length: 10}, (_, n) => row(n + 2));
  assert.equal(applyGristRows(table, [row(1), ...some]).length, 10);
  assert.deepEqual(applyGristRows(table, [row(1), ...some, ...Array.from({length: 11}, (_, n) => row(n + 20))]), []);
});

test('in Grist, what it hides does not fill the memory', () => {
  const {table} = tableFor('grist');
  applyGristRows(table, [row(1)]);
  for (let id = 2; id < 3000; id += 1) applyChange(table, change('add', id, row(id).fields));
  assert.deepEqual([table.held.size, table.held.has(2999)], [1000, true]);
});

test('in Grist, there and back and there again flashes three times, whoever tells first', () => {
  const {table} = tableFor('grist');
  applyGristRows(table, [row(1)]);
  const [a, b] = ['En attente', 'En cours'];
  const seen = [];
  const fromGrist = (value) => seen.push(...flashes(applyGristRows(table, [row(1, {Statut: value})])));
  const fromStream = (value, was) => seen.push(...flashes(applyChange(table, change('update', 1, {Statut: value}, {was: {Statut: was}}))));
  fromGrist(b); fromGrist(a); fromStream(b, a); fromStream(a, b); fromStream(b, a); fromGrist(b);
  assert.deepEqual(seen, ['update 1', 'update 1', 'update 1']);
  assert.equal(statusOf(table, 1), b);
});

test('in Grist, an add is held until the row appears, and told once', () => {
  const {table} = tableFor('grist');
  applyGristRows(table, [row(1)]);
  assert.equal(applyChange(table, change('add', 2, row(2).fields)), null);
  assert.ok(!table.rows.has(2));
  assert.deepEqual(flashes(applyGristRows(table, [row(1), row(2)])), ['add 2']);
  assert.deepEqual(applyGristRows(table, [row(1), row(2)]), []);
  assert.equal(table.held.size, 0);
});

test('in Grist, a new row told by onRecords first is told once', () => {
  const {table} = tableFor('grist');
  applyGristRows(table, [row(1)]);
  assert.deepEqual(flashes(applyGristRows(table, [row(1), row(2)])), ['add 2']);
  assert.equal(applyChange(table, change('add', 2, row(2).fields)), null);
});

test('in Grist, a row that a filter shows again is no news, unless the stream says so', () => {
  const {table} = tableFor('grist');
  applyGristRows(table, [row(1), row(2)]);
  applyGristRows(table, [row(2)]);
  assert.deepEqual(applyGristRows(table, [row(1), row(2)]), []);
  applyGristRows(table, [row(2)]);
  applyChange(table, change('add', 1, row(1).fields)); // undo of a delete
  assert.deepEqual(flashes(applyGristRows(table, [row(1), row(2)])), ['add 1']);
});

test('in Grist, rows that another section selects come and go silently', () => {
  const {table} = tableFor('grist');
  applyGristRows(table, [row(1)]);
  assert.deepEqual(applyGristRows(table, [row(7), row(8)], {linked: true}), []);
  assert.deepEqual([...table.rows.keys()], [7, 8]);
});

test('in Grist, the stream neither removes a row nor shows one that Grist hides', () => {
  const {table} = tableFor('grist');
  applyGristRows(table, [row(1)]);
  assert.equal(applyChange(table, change('remove', 1)), null);
  assert.equal(applyChange(table, change('update', 2, {Statut: 'En cours'})), null);
  assert.deepEqual([...table.rows.keys()], [1]);
});

test('in Grist, a replayed change that is old is no news', () => {
  const {table, time} = tableFor('grist');
  applyGristRows(table, [row(1)]);
  assert.equal(applyChange(table, change('update', 1, {Statut: 'En cours'}, {at: time.now() / 1000 - 600})), null);
  assert.equal(statusOf(table, 1), 'En attente');
});

test('in Grist, a first_seen add of a row that is there is an update', () => {
  const {table} = tableFor('grist');
  applyGristRows(table, [row(1)]);
  const seen = change('add', 1, {...row(1).fields, Statut: 'En cours'}, {first_seen: true});
  assert.deepEqual(flashes(applyChange(table, seen)), ['update 1']);
  assert.equal(statusOf(table, 1), 'En cours');
});

test('in Grist, what the server does not know of a row blanks nothing', () => {
  const {table} = tableFor('grist');
  applyGristRows(table, [row(1, {Agent: 'Zoé'})]);
  const part = change('add', 1, {Agent: null, Statut: 'En cours'}, {first_seen: true});
  assert.deepEqual(flashes(applyChange(table, part)), ['update 1']);
  assert.deepEqual([table.rows.get(1).fields.Agent, statusOf(table, 1)], ['Zoé', 'En cours']);
});

test('in Grist, a first_seen add does not swallow a later change back to what it told', () => {
  const {table} = tableFor('grist');
  applyGristRows(table, [row(1)]);
  applyChange(table, change('add', 1, row(1).fields, {first_seen: true}));
  assert.deepEqual(flashes(applyGristRows(table, [row(1, {Statut: 'En cours'})])), ['update 1']);
  assert.deepEqual(flashes(applyGristRows(table, [row(1)])), ['update 1']);
});

test('in Grist, undeclared columns make no flash, and microseconds no difference', () => {
  const {table} = tableFor('grist');
  applyGristRows(table, [row(1, {manualSort: 1, Derniere_MAJ: 1795345916.031})]);
  assert.deepEqual(applyGristRows(table, [row(1, {manualSort: 2, Derniere_MAJ: 1795345916.031742})]), []);
});

test('what was told is forgotten after a minute', async () => {
  const {table, time} = tableFor('grist');
  applyGristRows(table, [row(1)]);
  applyGristRows(table, [row(1, {Statut: 'En cours'})]);
  await time.run(61_000);
  applyGristRows(table, [row(1, {Statut: 'Bloqué'})]);
  assert.equal(table.echoes.size(), 1);
});
