// Draw at most once per frame, however much happened; on a slow machine, leave it time for other things.

/** A draw is followed by a pause of so many times its own length, where more waits to be drawn. */
const REST = 1.5;
const MOST_REST_MS = 150;

/**
 * @param {() => void} draw
 * @returns {() => void} asks for a draw
 */
export function createFrame(draw) {
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
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(run);
  };
}
