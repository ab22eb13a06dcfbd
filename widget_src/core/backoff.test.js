import assert from 'node:assert/strict';
import test from 'node:test';
import {createBackoff, retryAfter} from './backoff.js';

test('a thousand pages do not come back together', () => {
  const waits = Array.from({length: 1000}, (_, i) => createBackoff(() => i / 1000).next());
  assert.ok(Math.min(...waits) >= 250 && Math.max(...waits) <= 500 && new Set(waits).size > 200);
});

test('Retry-After is seconds or a date', () => {
  assert.deepEqual([retryAfter('3', 0), retryAfter(null, 0), retryAfter('soon', 0), retryAfter('Thu, 01 Jan 1970 00:00:09 GMT', 1000), retryAfter('999999', 0)],
    [3000, 0, 0, 8000, 600_000]);
});
