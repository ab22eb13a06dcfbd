import assert from 'node:assert/strict';
import test from 'node:test';
import {listable} from './look.js';

test('inside Grist only changes of rows that Grist shows are told; alone, all', () => {
  const entries = [{row: 1}, {row: 2}];
  const rows = new Map([[1, {}]]);
  assert.deepEqual(listable({feed: {table: {authority: 'grist', rows}}}, entries), [{row: 1}]);
  assert.equal(listable({feed: {table: {authority: 'stream', rows}}}, entries), entries);
});
