// A few short tones, the more pressing the higher. Browsers allow sound only after a click in this very page, and say so by a suspended context.

/** @type {AudioContext | null} */
let context = null;

/** Ask for sound; call it in a click. Never awaited: `resume()` may hang for ever. */
export function wakeSound() {
  try {
    context ??= new AudioContext();
    context.resume().catch(() => {});
  } catch {
    context = null; // no audio device
  }
}

export const soundWaits = () => context?.state !== 'running';

/** Hertz, by level: low and unknown, normal, high, urgent. */
const TONES = [[523], [660, 880], [784, 988], [880, 1175, 880]];

/** @param {number} level how pressing: -1 unknown, 0 low … 3 urgent */
export function beep(level) {
  if (!context || context.state !== 'running') return;
  TONES[Math.max(0, level)].forEach((frequency, index) => tone(/** @type {AudioContext} */ (context), frequency, index * 0.12));
}

/** @param {AudioContext} audio @param {number} frequency @param {number} delay seconds */
function tone(audio, frequency, delay) {
  const oscillator = audio.createOscillator();
  const volume = audio.createGain();
  const start = audio.currentTime + delay;
  oscillator.frequency.value = frequency;
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(0.12, start + 0.01);
  volume.gain.exponentialRampToValueAtTime(0.001, start + 0.16);
  oscillator.connect(volume).connect(audio.destination);
  oscillator.start(start);
  oscillator.stop(start + 0.18);
}
