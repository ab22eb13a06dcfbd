import assert from 'node:assert/strict';
import test from 'node:test';
import {createAttention} from './attention.js';
import {createFeed, takeClock, takeEvent} from './feed.js';
import {BOARD} from './testing.js';

const DAYS = 2 * 86_400_000;

test('a reader whose clock is days off goes by the server’s from its first word on', () => {
  const feed = createFeed(BOARD, {authority: 'stream', now: () => DAYS});
  takeEvent(feed, createAttention(), 'hello', {at: 3, replayed: 0}, DAYS);
  assert.equal(feed.clock.skew, 3000 - DAYS);
  assert.equal(feed.table.now(), 3000);
});

test('a clock that is some seconds off, or a server that tells no time, changes nothing', () => {
  const feed = createFeed(BOARD, {authority: 'stream', now: () => 0});
  takeClock(feed, 4, 0);
  assert.equal(feed.clock.skew, 0);
  takeClock(feed, 9, 0);
  for (const at of [NaN, undefined, null, '7', 0]) takeClock(feed, at, 0);
  assert.equal(feed.clock.skew, 9000, 'what was known stays');
});
