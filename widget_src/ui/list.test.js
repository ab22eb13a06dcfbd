import assert from 'node:assert/strict';
import test from 'node:test';
import {rangeInSight} from './list.js';

test('only rows in sight and a few around are drawn', () => {
  assert.deepEqual(rangeInSight({top: 0, height: 560, rowHeight: 56, count: 5000}), {first: 0, last: 15});
  assert.deepEqual(rangeInSight({top: 56_000, height: 560, rowHeight: 56, count: 5000}), {first: 995, last: 1015});
  assert.deepEqual(rangeInSight({top: 280_000, height: 560, rowHeight: 56, count: 5000}), {first: 4995, last: 5000});
});

test('a list that is shorter than the scroll, below the window, or empty', () => {
  assert.deepEqual(rangeInSight({top: 99_999, height: 560, rowHeight: 56, count: 3}), {first: 3, last: 3});
  assert.deepEqual(rangeInSight({top: -5000, height: 560, rowHeight: 56, count: 30}), {first: 0, last: 5});
  assert.deepEqual(rangeInSight({top: 0, height: 560, rowHeight: 56, count: 0}), {first: 0, last: 0});
});
