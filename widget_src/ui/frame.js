// Draw at most once per frame, however much happened.

/**
 * @param {() => void} draw
 * @returns {() => void} asks for a draw
 */
export function createFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}
