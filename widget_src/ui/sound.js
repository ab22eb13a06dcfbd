// Two short tones. Browsers allow sound only after a click in this very page, and say so by a suspended context.

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

/** @param {boolean} urgent */
export function beep(urgent) {
  if (!context || context.state !== 'running') return;
  const tones = urgent ? [880, 1175, 880] : [660, 880];
  tones.forEach((frequency, index) => tone(/** @type {AudioContext} */ (context), frequency, index * 0.12));
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
