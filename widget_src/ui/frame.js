// Draw at most once per frame, however much happened; on a slow machine, leave it time for other things.

/** A draw is followed by a pause of so many times its own length, where more waits to be drawn. */
const REST = 1.5;
const MOST_REST_MS = 150;
/** How often a tab that nobody sees takes note of what happened. */
const UNSEEN_MS = 1000;

/**
 * @param {() => void} draw
 * @param {() => void} takeNote called in its place while nobody sees the tab: frames don't come there
 * @returns {() => void} asks for a draw
 */
export function createFrame(draw, takeNote) {
  let asked = false;
  let restUntil = 0;
  const run = () => {
    const start = performance.now();
    if (start < restUntil) return requestAnimationFrame(run);
    asked = false;
    draw();
    const end = performance.now();
    restUntil = end - start > 4 ? end + Math.min((end - start) * REST, MOST_REST_MS) : 0;
    return undefined;
  };
  const unseen = createUnseen(takeNote);
  return () => {
    if (document.hidden) unseen();
    if (asked) return;
    asked = true;
    requestAnimationFrame(run);
  };
}

/**
 * Timers of a tab that was hidden for minutes come once a minute, events of the stream at once. So each event looks at the
 * clock itself, and the timer is only for the last of a burst.
 * @param {() => void} takeNote
 */
function createUnseen(takeNote) {
  let notedAt = -Infinity;
  let soon = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let later;
  const note = () => {
    clearTimeout(later);
    later = undefined;
    soon = false;
    if (!document.hidden) return; // it is drawn by now
    notedAt = performance.now();
    takeNote();
  };
  return () => {
    const wait = notedAt + UNSEEN_MS - performance.now();
    if (soon) return;
    if (wait > 0) {
      later ??= setTimeout(note, wait);
    } else {
      soon = true;
      queueMicrotask(note); // after all events of one chunk
    }
  };
}
