import assert from 'node:assert/strict';
import test from 'node:test';
import {compileBoard} from './board.js';
import {itemReader} from './items.js';
import {viewsOf} from './page-address.js';
import {doorsOf} from './select.js';
import {BOARD} from './testing.js';
import {createClock} from './time.js';

const bare = compileBoard({name: 'list', columns: [{id: 'N', type: 'Numeric'}, {id: 'A', type: 'Text'}, {id: 'B'}]});

test('where no column is the title, the first text without a role names a row', () => {
  assert.equal(bare.titleColumn, 'A');
  assert.deepEqual(bare.others.map(({id}) => id), ['N', 'B']);
  assert.equal(itemReader(bare)({id: 3, fields: {A: 'three', N: 1}}).title, 'three');
  assert.equal(itemReader(bare)({id: 3, fields: {}}).title, '#3');
  assert.equal(compileBoard({name: 'n', columns: [{id: 'N', type: 'Int'}]}).titleColumn, null);
  assert.equal(compileBoard(BOARD).titleColumn, 'ID2');
});

test('counts and views without a meaning on this board are left out', () => {
  assert.deepEqual(doorsOf(bare), ['total']);
  assert.deepEqual(viewsOf(bare), ['list', 'timeline']);
  assert.deepEqual(doorsOf(compileBoard(BOARD)), ['urgent', 'total', 'waiting', 'active', 'blocked', 'done']);
  assert.deepEqual(viewsOf(compileBoard(BOARD)), ['list', 'kanban', 'timeline']);
  assert.equal(doorsOf(compileBoard({name: 'not yet known', columns: []})).length, 6);
});

test('each value of a status that declares none has its own place, up to twelve', () => {
  const board = compileBoard({name: 'free', columns: [{id: 'S', role: 'status'}]});
  const values = Array.from({length: 14}, (_, n) => `state ${n}`);
  assert.deepEqual(values.map((value) => board.statusOf(value).index), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -1, -1]);
  assert.equal(board.statusOf('state 3'), board.statusOf('state 3'));
  assert.equal(compileBoard(BOARD).statusOf('never declared').index, -1);
});

test('a time zone is named where it tells another time than the reader’s', () => {
  const ours = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const time = Date.UTC(2026, 10, 18, 11);
  assert.doesNotMatch(createClock('fr', ours).exact(time), /\(/);
  const far = new Date(time).getTimezoneOffset() === -240 ? 'America/New_York' : 'Indian/Reunion';
  assert.match(createClock('fr', far).exact(time), /\(heure de .+\)$/);
  assert.equal(createClock('en').date(Date.UTC(2024, 9, 4)), '4 Oct 2024');
});
