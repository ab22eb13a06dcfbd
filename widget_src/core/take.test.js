import assert from 'node:assert/strict';
import test from 'node:test';
import {compileBoard} from './board.js';
import {translator} from './i18n.js';
import {itemReader} from './items.js';
import {canBeTaken, isAlert, isFree, isTaking, takenFields, whyNot, whyNotInGrist} from './take.js';
import {BOARD, row} from './testing.js';

const board = compileBoard(BOARD);
const read = itemReader(board);
const item = (Statut, Priorite = 'Urgente', Agent = 'Inès') => read(row(1, {Statut, Priorite, Agent}));
const without = (role) => compileBoard({...BOARD, columns: BOARD.columns.filter((one) => one.role !== role)});

test('who waits, or has a status that nobody knows, is free; who is blocked, done, active or gone is not', () => {
  for (const status of ['En attente', 'Perdu', null]) assert.ok(isFree(item(status)), String(status));
  for (const status of ['En cours', 'Bloqué', 'Terminé']) assert.ok(!isFree(item(status)), status);
  assert.ok(!isFree({...item('En attente'), gone: true}));
});

test('an alert is urgent and free', () => {
  assert.ok(isAlert(item('En attente')));
  assert.ok(!isAlert(item('En attente', 'Haute')) && !isAlert(item('En cours')));
});

test('a row is taken by the first active status and a name, where the board has columns for them', () => {
  assert.ok(canBeTaken(board) && !canBeTaken(without('status')));
  assert.ok(!canBeTaken(compileBoard({...BOARD, statuses: BOARD.statuses.filter((one) => one.meaning !== 'active')})));
  assert.deepEqual(takenFields(board, 'Zoé'), {Statut: 'En cours', Agent: 'Zoé'});
  assert.deepEqual(takenFields(without('assignee'), 'Zoé'), {Statut: 'En cours'});
  assert.deepEqual(takenFields(board, ''), {Statut: 'En cours'});
  const refers = compileBoard({...BOARD, columns: BOARD.columns.map((column) => (column.role === 'assignee' ? {...column, type: 'Ref:Agents'} : column))});
  assert.deepEqual(takenFields(refers, 'Zoé'), {Statut: 'En cours'}, 'a reference takes no name');
});

test('an update that made a row active, with a name in it, is a taking', () => {
  const change = {action: 'update', columns: ['Statut', 'Agent']};
  assert.ok(isTaking(board, change, item('En cours')));
  assert.ok(!isTaking(board, {...change, action: 'add'}, item('En cours')));
  assert.ok(!isTaking(board, {...change, columns: ['Agent']}, item('En cours')), 'it was active already');
  assert.ok(!isTaking(board, change, item('Bloqué')) && !isTaking(board, change, item('En cours', 'Urgente', '')));
});

test('each refusal has its sentence, in both languages', () => {
  const given = [
    [409, {reason: 'taken', by: 'Luc'}, '409'], [409, {reason: 'done'}, 'done'], [404, {reason: 'gone'}, '404'],
    [502, {reason: 'key'}, 'key'], [502, {reason: 'table'}, 'table'], [503, {reason: 'grist'}, 'grist'], [503, {reason: 'busy'}, 'busy'],
    [403, {}, '403'], [401, {}, '401'], [400, {}, '400'], [429, {}, '429'], [503, {error: 'Redis is away'}, '0'], [502, null, '0'], [0, {}, '0'],
    [500, {reason: '__proto__'}, '0'],
  ];
  for (const [status, body, wanted] of given) {
    assert.equal(whyNot({status, body}), wanted);
    for (const language of ['fr', 'en']) {
      const text = translator(language)(`take.refused.${wanted}`, {by: 'Luc'});
      assert.ok(/ .+[.]$/.test(text) && !text.includes('{'), text);
    }
  }
});

test('what Grist throws is told apart: only who may not is told that they may not', () => {
  const given = {
    'No write access': 'reader', 'Blocked by table update access rules': 'reader', 'Access not granted. Current access level read table': 'reader',
    "[Sandbox] KeyError 'Statut'": 'table', "[Sandbox] ValueError Can't save value to formula column Statut": 'table',
    '[Sandbox] AssertionError docactions.[Bulk]UpdateRecord for non-existent record #9': '404',
    'no answer': 'grist', 'Network error': 'grist', 'timeout': 'grist', 'interrupted by disconnect': 'grist', '': 'table', // grist-static says nothing else
  };
  for (const [text, wanted] of Object.entries(given)) assert.equal(whyNotInGrist(new Error(text)), wanted, text);
});
