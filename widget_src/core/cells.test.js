import assert from 'node:assert/strict';
import test from 'node:test';
import {completed, toRows, unmapped} from '../host/grist-rows.js';
import {asText, asTime, fromEncoded, same} from './cells.js';

test('an encoded cell becomes what REST and webhooks give', () => {
  for (const [encoded, plain] of [
    [['D', 1700000000.5, 'Europe/Paris'], 1700000000.5], [['d', 1700000000], 1700000000],
    [['R', 'Agents', 7], 7], [['r', 'Agents', [1, 2]], ['L', 1, 2]], [['L', 'a'], ['L', 'a']],
    [['E', 'ZeroDivisionError'], ['E', 'ZeroDivisionError']], [['P'], null], ['x', 'x'], [null, null],
  ]) assert.deepEqual(fromEncoded(encoded), plain);
});

test('any cell has a text', () => {
  for (const [cell, text] of [
    [null, ''], [undefined, ''], [' a ', 'a'], [3, '3'], [true, 'true'], [['L', 'a', 2], 'a, 2'],
    [['E', 'TypeError'], '#TypeError'], [{a: 1}, ''], [['Z'], ''],
  ]) assert.equal(asText(cell), text);
});

test('a time is a number of seconds or an ISO text, and nothing else', () => {
  assert.equal(asTime(1700000000.1234), 1700000000123);
  assert.equal(asTime('2026-11-22T10:00:00Z'), Date.UTC(2026, 10, 22, 10));
  for (const cell of ['demain', null, '', 1e300, NaN, ['L'], '12']) assert.equal(asTime(cell), null);
});

test('a time of microseconds is the same as its milliseconds, coordinates are exact', () => {
  assert.ok(same(1795345916.031, 1795345916.031742));
  assert.ok(!same(1795345916.031, 1795345916.041));
  assert.ok(!same(43.53656, 43.53657));
  assert.ok(same(null, '') && same(['L', 'a'], ['L', 'a']) && !same(['L', 'a'], ['L', 'b']) && !same(0, null));
});

test('columns become rows', () => {
  assert.deepEqual(toRows({id: [3, 5], A: ['x', 'y'], T: [['D', 5, 'UTC'], null]}),
    [{id: 3, fields: {A: 'x', T: 5}}, {id: 5, fields: {A: 'y', T: null}}]);
  assert.deepEqual(toRows({}), []);
});

test('columns that Grist holds back are known, and filled from the whole table', () => {
  assert.deepEqual(unmapped(['A', 'B', 'C'], null), [], 'without a mapping all come');
  assert.deepEqual(unmapped(['A', 'B', 'C'], {A: 'X', B: null}), ['B', 'C']);
  assert.deepEqual(completed({id: [3, 1], A: ['x', 'y']}, {id: [1, 2, 3], A: [0, 0, 0], B: ['one', 'two', 'three']}, ['B', 'C']),
    {id: [3, 1], A: ['x', 'y'], B: ['three', 'one']});
  assert.deepEqual(completed({id: [9]}, {id: [1], B: ['one']}, ['B']), {id: [9], B: [null]});
});
