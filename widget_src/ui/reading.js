// Is somebody reading? The pointer is over the rows, or the keyboard is among them: then they keep their places.

/** Who hasn't moved for so long isn't reading: a pointer that was left there must not hold the rows all day. */
const IDLE_MS = 60_000;

/**
 * @param {HTMLElement} app
 * @param {() => void} changed
 */
export function createReading(app, changed) {
  let movedAt = -Infinity;
  let over = false;
  let held = false;
  const among = (/** @type {EventTarget | Element | null} */ target) => target instanceof Element && target.closest('[data-hold]') !== null;
  const moved = (/** @type {number} */ at, /** @type {boolean} */ now) => {
    movedAt = at;
    over = now;
    if (held !== holds(Date.now())) changed();
  };
  app.addEventListener('pointermove', (event) => { // a finger scrolls, it doesn't hover
    if (event.pointerType !== 'touch') moved(Date.now(), among(event.target));
  }, {passive: true});
  document.documentElement.addEventListener('pointerleave', () => moved(movedAt, false));
  app.addEventListener('keydown', () => { movedAt = Date.now(); }, {passive: true});
  app.addEventListener('focusin', (event) => { if (among(event.target)) movedAt = Date.now(); changed(); });
  app.addEventListener('focusout', changed);

  /** @param {number} now */
  const holds = (now) => now - movedAt < IDLE_MS && (over || among(document.activeElement));
  return {
    /** @param {number} now epoch milliseconds */
    holds(now) { return held = holds(now); },
    /** When the answer may change by itself. */
    until: () => (held ? movedAt + IDLE_MS : Infinity),
  };
}
