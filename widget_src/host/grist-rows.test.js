import assert from 'node:assert/strict';
import test from 'node:test';
import {renamed, toRows} from './grist-rows.js';

const COLUMNS = {id: [7, 9], Etat: ['a', 'b'], Statut: ['x', 'y'], Autre: [1, 2]};

test('mapped columns have the board’s names, the others keep theirs, and none has two', () => {
  assert.deepEqual(renamed(COLUMNS, {Statut: 'Etat', Agent: null, Lieu: 'Nulle_part'}), {id: [7, 9], Statut: ['a', 'b'], Etat: ['a', 'b'], Autre: [1, 2]});
  assert.equal(renamed(COLUMNS, null), COLUMNS);
  assert.deepEqual(renamed({}, {Statut: 'Etat'}), {});
});

test('columns become rows', () => {
  assert.deepEqual(toRows(COLUMNS), [{id: 7, fields: {Etat: 'a', Statut: 'x', Autre: 1}}, {id: 9, fields: {Etat: 'b', Statut: 'y', Autre: 2}}]);
  assert.deepEqual(toRows({}), []);
});
