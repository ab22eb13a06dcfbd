import assert from 'node:assert/strict';
import test, {afterEach} from 'node:test';
import {createFrame} from './frame.js';

const {document, requestAnimationFrame, performance, setTimeout: later, clearTimeout: forget} = globalThis;
afterEach(() => Object.assign(globalThis, {document, requestAnimationFrame, performance, setTimeout: later, clearTimeout: forget}));

/** A browser's frames and timers, in a tab that may be hidden: there frames don't come, and timers not by themselves. */
function tab() {
  const page = {hidden: false, now: 0, frames: [], timers: new Map(), draws: 0, notes: 0, cost: 0};
  Object.assign(globalThis, {
    document: page, performance: {now: () => page.now},
    requestAnimationFrame: (run) => page.frames.push(run),
    setTimeout: (run, ms) => { page.timers.set(run, page.now + ms); return run; },
    clearTimeout: (run) => page.timers.delete(run),
  });
  page.frame = () => { page.now += 16; for (const run of page.frames.splice(0)) run(); };
  page.ask = createFrame(() => { page.draws += 1; page.now += page.cost; }, () => { page.notes += 1; });
  return page;
}

test('however much happens, it is drawn once per frame', () => {
  const page = tab();
  for (let i = 0; i < 200; i += 1) page.ask();
  assert.equal(page.draws, 0, 'not at once');
  page.frame();
  assert.equal(page.draws, 1);
  page.frame();
  assert.equal(page.draws, 1, 'and not again');
  page.ask();
  page.ask();
  page.frame();
  assert.equal(page.draws, 2);
});

test('what takes long to draw is drawn more rarely', () => {
  const page = tab();
  page.cost = 20;
  for (let i = 0; i < 50; i += 1) {
    page.ask();
    page.frame();
  }
  assert.ok(page.draws > 10 && page.draws <= 25, `${page.draws} draws`);
});

test('a hidden tab takes note at once, then once a second at most, by the events themselves', async () => {
  const page = tab();
  page.hidden = true;
  for (let i = 0; i < 100; i += 1) page.ask(); // one chunk of the stream
  await null;
  assert.deepEqual([page.notes, page.draws], [1, 0]);
  page.now += 500;
  page.ask();
  await null;
  assert.equal(page.notes, 1);
  assert.deepEqual([...page.timers.values()], [1000], 'the last of a burst is not forgotten');
  page.now += 700; // the timer is late, as in a tab that was hidden for minutes
  page.ask();
  await null;
  assert.deepEqual([page.notes, page.timers.size], [2, 0]);
  page.hidden = false;
  page.frame();
  assert.deepEqual([page.notes, page.draws], [2, 1], 'who looks again sees it drawn');
});

test('a note that comes due when the tab is seen again is a draw', async () => {
  const page = tab();
  page.hidden = true;
  page.ask();
  page.hidden = false;
  await null;
  assert.equal(page.notes, 0);
  page.frame();
  assert.equal(page.draws, 1);
});
